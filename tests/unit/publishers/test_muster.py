"""When the roll call's documents go out: soon after a change, seldom in a rush, never while nothing happens."""

from __future__ import annotations

import json
from datetime import datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from fakes.clock import FakeClock
from fakes.journal import SIGNER
from fakes.seen import Happenings
from kazasu.model.passback import Area
from kazasu.model.whereabouts import Whereabouts
from kazasu.publishers.muster import APART_S, MusterBoard, MusterReport
from kazasu.publishers.wire import Topics

TOKYO = ZoneInfo("Asia/Tokyo")
TOPICS = Topics("town-hall", "gate-1")


class Gate(Happenings):
    """A board, and what one connection says of it."""

    def __init__(self) -> None:
        super().__init__(FakeClock(datetime(2026, 11, 24, 3, tzinfo=TOKYO)))
        whereabouts = Whereabouts("gate-1", [Area(name="lab", reset_at=time(4))], TOKYO)
        self.board = MusterBoard(whereabouts, site="town-hall", signer=SIGNER, clock=self.clock)
        self.connect()

    def connect(self) -> None:
        self.report = MusterReport(self.board, TOPICS)

    def passes(self, number: str, area: str = "hall") -> None:
        self.board.recorded(self.entered(number, area))

    def sent(self) -> list[tuple[str, dict[str, Any]]]:
        """All that is due now."""
        messages = []
        while (message := self.report.next(self.clock.mono_s())) is not None:
            topic, payload = message
            messages.append((topic, json.loads(payload or b"{}")))
        return messages

    def wait_s(self) -> float | None:
        return self.report.wait_s(self.clock.mono_s())


@pytest.fixture
def gate() -> Gate:
    return Gate()


def test_each_connection_begins_with_all_there_is_to_say(gate: Gate) -> None:
    gate.passes("1")
    ((topic, first),) = gate.sent()
    assert (topic, first["seq"], first["people_1"].partition("@")[0]) == (TOPICS.muster(), 1, "1")
    gate.connect()
    assert len(gate.sent()) == 1


def test_while_nothing_happens_nothing_is_due(gate: Gate) -> None:
    gate.passes("1")
    gate.sent()
    gate.clock.advance(30)
    assert gate.wait_s() is None
    assert gate.sent() == []


def test_a_rush_is_one_document_after_the_first(gate: Gate) -> None:
    gate.sent()
    for number in range(20):
        gate.passes(str(number))
        assert gate.sent() == []
        gate.clock.advance(0.01)
    wait_s = gate.wait_s()
    assert wait_s is not None
    assert 0 < wait_s < APART_S
    gate.clock.advance(wait_s)
    ((_, said),) = gate.sent()
    assert len(said["people_1"].split("\n")) == said["seq"] == 20


def test_after_a_pause_a_change_is_said_at_once(gate: Gate) -> None:
    gate.sent()
    gate.clock.advance(APART_S)
    gate.passes("1")
    assert gate.wait_s() == 0
    assert len(gate.sent()) == 1


def test_whoever_counts_as_out_by_the_hour_is_said_to_be_without_an_event(gate: Gate) -> None:
    gate.passes("1", "lab")
    gate.sent()
    gate.clock.advance(3599)
    assert gate.wait_s() is None
    gate.clock.advance(1)
    gate.board.documents()  # somebody else looks first
    ((_, said),) = gate.sent()
    assert said["area_1"] == ""
    gate.clock.advance(APART_S)
    assert gate.sent() == []


def test_many_people_are_several_pages_and_one_that_is_needed_no_longer_is_taken_away(gate: Gate) -> None:
    for number in range(3000):
        gate.passes(str(number), "lab")
    assert [topic for topic, _ in gate.sent()] == [TOPICS.muster(1), TOPICS.muster(2)]
    gate.clock.advance(36 * 3600)
    messages = gate.sent()
    assert [topic for topic, _ in messages] == [TOPICS.muster(1), TOPICS.muster(2)]
    assert messages[0][1]["pages"] == 1
    assert messages[1][1] == {}

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from fakes.clock import FakeClock
from fakes.health import FakeHealth
from fakes.inbox import ListInbox
from kazasu.model.input import ReaderChanged, ReaderState
from kazasu.readers.outage import PATIENCE_S, Outages

if TYPE_CHECKING:
    import pytest

WHY = "pcscd sees no reader"


class Scene:
    def __init__(self, *names: str) -> None:
        self.clock, self.health, self.inbox = FakeClock(), FakeHealth(), ListInbox()
        self.outages = Outages(names, self.inbox, self.clock, self.health)


def missing(reader: str) -> ReaderChanged:
    return ReaderChanged(reader=reader, state=ReaderState.MISSING, detail=WHY)


def back(reader: str) -> ReaderChanged:
    return ReaderChanged(reader=reader, state=ReaderState.PRESENT)


def test_a_reader_that_is_there_from_the_start_is_no_change() -> None:
    scene = Scene("front")
    assert scene.outages.update({"front"}, WHY) == PATIENCE_S
    assert scene.health.fields == {"reader_front": "present"}
    assert scene.inbox.drained() == []


def test_a_reader_that_was_never_there_is_told_after_ten_seconds_and_once() -> None:
    scene = Scene("front")
    assert scene.outages.update(set(), WHY) == 10.0
    scene.clock.advance(9.5)
    assert scene.outages.update(set(), WHY) == 0.5
    assert scene.inbox.drained() == []
    scene.clock.advance(0.5)
    assert scene.outages.update(set(), WHY) == PATIENCE_S
    scene.clock.advance(100)
    scene.outages.update(set(), WHY)

    assert scene.inbox.drained() == [missing("front")]
    assert scene.health.fields == {"reader_front": "missing"}
    assert scene.health.alerts == {"reader_front": f"reader front is missing: {WHY}"}


def test_a_reader_that_comes_back_heals() -> None:
    scene = Scene("front")
    scene.outages.update(set(), WHY)
    scene.clock.advance(10)
    scene.outages.update(set(), WHY)
    for _ in range(2):
        scene.outages.update({"front"}, WHY)

    assert scene.inbox.drained() == [missing("front"), back("front")]
    assert scene.health.fields == {"reader_front": "present"}
    assert scene.health.alerts == {}


def test_a_short_absence_is_not_told_and_does_not_add_up() -> None:
    scene = Scene("front")
    for _ in range(3):
        scene.outages.update({"front"}, WHY)
        scene.outages.update(set(), WHY)
        scene.clock.advance(9)
        scene.outages.update(set(), WHY)

    assert scene.inbox.drained() == []


def test_each_reader_has_its_own_ten_seconds() -> None:
    scene = Scene("front", "back")
    scene.outages.update({"back"}, WHY)
    scene.clock.advance(4)
    assert scene.outages.update(set(), WHY) == 6.0
    scene.clock.advance(6)
    assert scene.outages.update(set(), WHY) == 4.0
    assert scene.inbox.drained() == [missing("front")]
    scene.clock.advance(4)
    scene.outages.update(set(), WHY)
    assert scene.inbox.drained() == [missing("back")]


def test_the_log_says_what_is_missing_and_why(caplog: pytest.LogCaptureFixture) -> None:
    scene = Scene("front")
    scene.outages.update(set(), WHY)
    scene.clock.advance(10)
    with caplog.at_level(logging.ERROR):
        scene.outages.update(set(), WHY)

    (record,) = caplog.records
    assert record.message == "reader_missing"
    assert record.__dict__["fields"] == {"reader": "front", "detail": WHY}

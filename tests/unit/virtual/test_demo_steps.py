"""What a step expects: these events and no others, in this order, with what they have to say."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kazasu.virtual.demo_steps import Expected, Steps, as_expected, event_in_words

if TYPE_CHECKING:
    from kazasu.model.configuration import Config
    from kazasu.store.backlog import Backlog
    from kazasu.virtual.card import VirtualCard
    from kazasu.virtual.daemon import DaemonProcess

OPENED = {"event_type": "door.opened", "cause": "grant", "seq": 7}
CLOSED = {"event_type": "door.closed", "seq": 8}


@pytest.mark.parametrize(
    ("recorded", "holds"),
    [
        ([OPENED, CLOSED], True),
        ([CLOSED, OPENED], False),
        ([OPENED], False),
        ([OPENED, CLOSED, CLOSED], False),
        ([OPENED | {"cause": "rex_button"}, CLOSED], False),
    ],
)
def test_exactly_what_is_expected_has_to_come(recorded: list[dict[str, object]], holds: bool) -> None:
    expected = [Expected("door.opened", {"cause": "grant"}), Expected("door.closed")]
    assert as_expected(recorded, expected) is holds


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        (CLOSED, "door.closed"),
        ({"event_type": "attendance.in", "door_decision": "granted"}, "attendance.in (door granted)"),
        (
            {
                "event_type": "attendance.suppressed",
                "reason": "already_done",
                "door_decision": "denied",
                "door_reason": "passback",
            },
            "attendance.suppressed already_done (door denied passback)",
        ),
        (
            {"event_type": "command.refused", "command": "release", "reason": "replayed", "roster_version": 2},
            "command.refused release replayed",
        ),
        ({"event_type": "roster.applied", "roster_version": 2}, "roster.applied version 2"),
    ],
)
def test_an_event_says_in_a_line_what_became_of_what_was_done(fields: dict[str, object], words: str) -> None:
    assert event_in_words(fields) == words


class Shut:
    """Implements Played, for steps that nobody takes."""

    daemon: DaemonProcess
    backlog: Backlog
    config: Config

    def tap(self, card: VirtualCard) -> float:
        raise NotImplementedError


def test_a_report_says_what_went_wrong_at_each_terminal_of_a_scene_or_that_all_is_well() -> None:
    said: list[str] = []
    here = Steps(Shut(), said.append)
    assert here.report([], "All of it.")
    assert said == ["\nAll of it."]
    here.at(Shut()).went_wrong("the lock was not moved")
    assert not here.report(["an event is missing"], "All of it.")
    assert said[1:] == ["WRONG: the lock was not moved", "WRONG: an event is missing"]

"""What a step expects: these events and no others, in this order, with what they have to say."""

from __future__ import annotations

import pytest

from kazasu.virtual.demo_steps import Expected, as_expected, event_in_words

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
    ],
)
def test_an_event_says_what_became_of_the_punch_and_of_the_door(fields: dict[str, object], words: str) -> None:
    assert event_in_words(fields) == words

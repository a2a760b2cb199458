"""Attendance and a door on one tap: one event, one cue, and neither takes anything from the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fakes.clock import FakeClock
from fakes.roster import person
from kazasu.model.access import Assurance, Decision, DenyReason, Identifier, Presentation
from kazasu.model.cue import CueName
from kazasu.services.together import Together

if TYPE_CHECKING:
    from kazasu.model.access import Enrolment
    from kazasu.model.event import Event
    from kazasu.model.moment import Moment

PUNCH = Decision(event_type="attendance.in", cue=CueName.GRANTED, details={"day": "2026-11-24"})
REPEAT = Decision(event_type="attendance.suppressed", cue=CueName.ALREADY_DONE, reason=DenyReason.ALREADY_DONE)
NO_WAY = Decision(event_type="attendance.denied", cue=CueName.RETRY, reason=DenyReason.NO_DIRECTION)
OPEN = Decision(event_type="door.granted", cue=CueName.GRANTED, details={"door": "hall", "way": "in"})
SHUT = Decision(
    event_type="door.denied", cue=CueName.DENIED, reason=DenyReason.OUT_OF_HOURS, details={"door": "hall", "way": "in"}
)
STALE = Decision(event_type="door.denied", cue=CueName.FAULT, reason=DenyReason.ROSTER_STALE)


class Says:
    """A service that always answers the same."""

    def __init__(self, name: str, decision: Decision, *readers: str, asks: Assurance = Assurance.SERIAL) -> None:
        self.name = name
        self.heard: list[Event] = []
        self._decision = decision
        self._readers = readers or ("gate",)
        self._asks = asks

    def serves(self, reader: str) -> bool:
        return reader in self._readers

    def asks(self, enrolment: Enrolment | None, moment: Moment, roster_made_s: int | None) -> Assurance:
        return self._asks

    def refused(self, presentation: Presentation, reason: DenyReason) -> Decision:
        return Decision(event_type=f"{self.name}.denied", reason=reason, cue=CueName.DENIED)

    def decide(self, presentation: Presentation, moment: Moment) -> Decision:
        return self._decision

    def recorded(self, event: Event) -> None:
        self.heard.append(event)


def presentation(reader: str = "gate") -> Presentation:
    return Presentation(
        reader=reader,
        identifier=Identifier(kind="felica", pseudonym="a" * 32, assurance=Assurance.SERIAL),
        enrolment=person("1001", "a" * 32),
    )


def decide(punch: Decision, door: Decision) -> Decision:
    services = Together([Says("attendance", punch), Says("door", door)])
    return services.decide(presentation(), FakeClock().now())


def test_both_granted_is_one_green_event_that_says_both() -> None:
    decision = decide(PUNCH, OPEN)
    assert (decision.event_type, decision.reason, decision.cue) == ("attendance.in", None, CueName.GRANTED)
    assert decision.details == {"day": "2026-11-24", "door": "hall", "way": "in", "door_decision": "granted"}


def test_a_punch_is_not_lost_because_the_door_denied_and_the_event_says_so() -> None:
    decision = decide(PUNCH, SHUT)
    assert (decision.event_type, decision.reason) == ("attendance.in", None)
    assert decision.details["door_decision"] == "denied"
    assert decision.details["door_reason"] == "out_of_hours"


@pytest.mark.parametrize(
    ("punch", "door", "cue"),
    [
        (PUNCH, OPEN, CueName.GRANTED),
        (PUNCH, SHUT, CueName.DENIED),
        (REPEAT, OPEN, CueName.GRANTED),
        (REPEAT, SHUT, CueName.DENIED),
        (NO_WAY, OPEN, CueName.RETRY),
        (NO_WAY, SHUT, CueName.DENIED),
        (NO_WAY, STALE, CueName.FAULT),
    ],
)
def test_the_cue_is_what_the_person_has_to_know(punch: Decision, door: Decision, cue: CueName) -> None:
    assert decide(punch, door).cue is cue


def test_the_door_opens_for_whoever_punched_a_moment_ago() -> None:
    decision = decide(REPEAT, OPEN)
    assert decision.event_type == "attendance.suppressed"
    assert decision.details["door_decision"] == "granted"


def test_a_reader_asks_only_the_services_that_serve_it() -> None:
    services = Together([Says("attendance", PUNCH, "desk"), Says("door", SHUT, "gate", "desk")])
    now = FakeClock().now()
    assert services.decide(presentation("gate"), now) == SHUT
    assert services.decide(presentation("desk"), now).event_type == "attendance.in"
    assert services.serves("desk")
    assert not services.serves("cellar")


def test_what_policy_refuses_is_one_event_too() -> None:
    services = Together([Says("attendance", PUNCH), Says("door", OPEN)])
    decision = services.refused(presentation(), DenyReason.UNKNOWN_CARD)
    assert (decision.event_type, decision.reason) == ("attendance.denied", DenyReason.UNKNOWN_CARD)
    assert decision.details == {"door_decision": "denied", "door_reason": "unknown_card"}


def test_a_card_is_asked_for_what_the_stricter_service_wants() -> None:
    services = Together([Says("attendance", PUNCH), Says("door", OPEN, asks=Assurance.CHALLENGE)])
    assert services.asks(None, FakeClock().now(), None) is Assurance.CHALLENGE

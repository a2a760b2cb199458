"""A meeting point's reader: who counts as safe, from when on, and what begins it."""

from __future__ import annotations

from datetime import time, timedelta

import pytest

from fakes.roster import person
from fakes.seen import Happenings
from kazasu.model.access import Assurance, Decision, DenyReason, EventFields, Identifier, Presentation
from kazasu.model.cue import CueName
from kazasu.model.policy import AssurancePolicy
from kazasu.services.attendance import Alternation, Attendance
from kazasu.services.muster import Muster
from kazasu.services.together import Together

HANAKO = Presentation(
    reader="meeting",
    identifier=Identifier(kind="felica", pseudonym="a" * 32, assurance=Assurance.SERIAL),
    enrolment=person("1001", "a" * 32),
)
BEGUN, ENDED, FIRE, FIRE_OUT = "muster.begun", "muster.ended", "door.fire_release", "door.fire_release_ended"


class MeetingPoint(Happenings):
    """A muster service that is told of what it has to record."""

    def __init__(self, *, fire: bool = False) -> None:
        super().__init__()
        self.fire = fire
        self.service = Muster(["meeting"], fire=fire)

    def tap(self) -> Decision:
        self.do_what_is_due()
        return self.service.decide(HANAKO, self.clock.now())

    def do_what_is_due(self) -> None:
        for event_type, fields in self.service.due(self.clock.now()):
            self.happens(event_type, fields)

    def happens(self, event_type: str, fields: EventFields | None = None) -> None:
        self.service.recorded(self.event(event_type, **(fields or {"by": "taro"})))

    def restart(self) -> None:
        self.service = Muster(["meeting"], fire=self.fire)
        for event in self.events:
            self.service.recorded(event)


def test_only_its_own_readers_are_the_meeting_points() -> None:
    service = MeetingPoint().service
    assert service.serves("meeting")
    assert not service.serves("desk")


def test_a_tap_before_the_muster_has_to_be_made_again_and_one_in_it_counts_each_time() -> None:
    point = MeetingPoint()
    early = point.tap()
    assert (early.event_type, early.reason, early.cue) == ("muster.denied", DenyReason.NO_MUSTER, CueName.RETRY)
    point.happens(BEGUN)
    for _ in range(2):
        assert point.tap() == Decision(event_type="muster.present", cue=CueName.GRANTED)
    point.restart()
    assert point.tap().granted, "a restart ends no muster"
    point.happens(ENDED)
    assert point.tap().reason is DenyReason.NO_MUSTER


def test_a_muster_that_nobody_ended_is_over_after_a_day_and_a_half() -> None:
    point = MeetingPoint()
    point.happens(BEGUN)
    point.clock.advance(timedelta(hours=36).total_seconds() - 1)
    assert point.tap().granted
    point.clock.advance(1)
    assert not point.tap().granted


def test_a_card_that_policy_refuses_is_denied_for_that_reason() -> None:
    decision = MeetingPoint().service.refused(HANAKO, DenyReason.UNKNOWN_CARD)
    assert (decision.event_type, decision.reason, decision.cue) == (
        "muster.denied", DenyReason.UNKNOWN_CARD, CueName.DENIED,
    )  # fmt: skip


def test_it_asks_for_no_proof_of_its_own() -> None:
    point = MeetingPoint()
    assert point.service.asks(None, point.clock.now(), None) == min(Assurance)


def test_a_fire_begins_one_muster_and_a_start_after_it_none() -> None:
    point = MeetingPoint(fire=True)
    point.happens(FIRE, {"door": "hall"})
    assert point.tap().granted, "whoever taps after the alarm counts, though nobody gave an order"
    assert [event.fields["event_type"] for event in point.events] == [FIRE, BEGUN]
    assert point.events[-1].fields["by"] == "fire"
    point.happens(ENDED)
    assert not point.tap().granted, "the alarm still stands, and somebody ended the muster"
    point.restart()
    point.do_what_is_due()
    assert len(point.events) == 3


def test_a_fire_during_a_muster_or_before_a_crash_is_not_lost_nor_counted_twice() -> None:
    point = MeetingPoint(fire=True)
    point.happens(FIRE, {"door": "hall"})
    point.restart()
    point.do_what_is_due()
    point.happens(FIRE, {"door": "back"})
    point.do_what_is_due()
    assert [event.fields["event_type"] for event in point.events] == [FIRE, BEGUN, FIRE]


@pytest.mark.parametrize("fire", [False, True])
def test_a_fire_that_is_over_or_not_asked_for_begins_nothing(fire: bool) -> None:
    point = MeetingPoint(fire=fire)
    point.happens(FIRE, {"door": "hall"})
    if fire:
        point.happens(FIRE_OUT, {"door": "hall"})
    assert not point.tap().granted


@pytest.mark.rule(2)
def test_with_another_service_on_one_tap_it_adds_its_answer_to_the_one_event() -> None:
    point = MeetingPoint()
    point.happens(BEGUN)
    policy = AssurancePolicy(min_assurance=Assurance.SERIAL)
    attendance = Attendance(Alternation(), day_boundary=time(5), repeat_after_s=120, policy=policy)
    decision = Together([attendance, point.service]).decide(HANAKO, point.clock.now())
    assert (decision.event_type, decision.cue) == ("attendance.in", CueName.GRANTED)
    assert decision.details["muster_decision"] == "granted"

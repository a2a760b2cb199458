from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from fakes.clock import FakeClock
from kazasu.model.access import (
    Assurance,
    Cardholder,
    Credential,
    Decision,
    DenyReason,
    Direction,
    Enrolment,
    Identifier,
    Presentation,
)
from kazasu.model.cue import CueName
from kazasu.model.event import GENESIS, Draft, Event, Place, sealed
from kazasu.model.policy import AssurancePolicy
from kazasu.model.schedule import TimeRange
from kazasu.model.signature import Ed25519Signer
from kazasu.services.attendance import Alternation, Attendance, ByButton, BySchedule, DirectionRule

TOKYO = ZoneInfo("Asia/Tokyo")
SIGNER = Ed25519Signer(Ed25519PrivateKey.generate())


def presentation(number: str = "1001", direction: Direction | None = None) -> Presentation:
    pseudonym = number.rjust(32, "0")
    return Presentation(
        reader="desk",
        identifier=Identifier(kind="felica", pseudonym=pseudonym, assurance=Assurance.SERIAL),
        enrolment=Enrolment(
            credential=Credential(pseudonym=pseudonym, cardholder=number, min_assurance=Assurance.SERIAL),
            cardholder=Cardholder(number=number, name="Hanako"),
        ),
        direction=direction,
    )


class Desk:
    """A service with a clock, and the events that a journal would give back to it."""

    def __init__(self, rule: DirectionRule | None = None, at: datetime | None = None) -> None:
        self.rule = rule or Alternation()
        self.clock = FakeClock(at or datetime(2026, 4, 1, 8, 30, tzinfo=TOKYO))
        self.service = self.fresh()
        self.events: list[Event] = []

    def fresh(self) -> Attendance:
        return Attendance(
            self.rule, day_boundary=time(5), repeat_after_s=120, policy=AssurancePolicy(min_assurance=Assurance.SERIAL)
        )

    def tap(self, number: str = "1001", direction: Direction | None = None) -> Decision:
        decision = self.service.decide(presentation(number, direction), self.clock.now())
        fields = {"cardholder": number} | decision.details
        draft = Draft(event_type=decision.event_type, moment=self.clock.now(), fields=fields)
        place = Place(site="s", terminal="t", epoch="e", seq=len(self.events) + 1, prev=GENESIS)
        self.events.append(sealed(draft, place, SIGNER))
        self.service.recorded(self.events[-1])
        return decision

    def restart(self) -> None:
        self.service = self.fresh()
        for event in self.events:
            self.service.recorded(event)


def test_the_first_tap_of_a_day_is_in_and_the_next_is_out() -> None:
    desk = Desk()
    types = []
    for _ in range(3):
        types.append(desk.tap().event_type)
        desk.clock.advance(3600)
    assert types == ["attendance.in", "attendance.out", "attendance.in"]


def test_a_granted_tap_names_its_working_day_and_gets_the_granted_cue() -> None:
    decision = Desk().tap()
    assert decision.granted
    assert decision.cue is CueName.GRANTED
    assert decision.details == {"day": "2026-04-01"}


@pytest.mark.parametrize(
    ("hour", "minute", "day"),
    [(4, 59, "2026-03-31"), (5, 0, "2026-04-01"), (23, 59, "2026-04-01"), (0, 0, "2026-03-31")],
)
def test_the_working_day_begins_at_the_boundary(hour: int, minute: int, day: str) -> None:
    at = datetime(2026, 4, 1, hour, minute, tzinfo=TOKYO)
    assert Desk().service.working_day(at).isoformat() == day


def test_the_boundary_is_what_the_clock_on_the_wall_shows_on_the_day_the_time_changes() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    service = Desk().service
    assert service.working_day(datetime(2026, 3, 29, 4, 59, tzinfo=berlin)) == date(2026, 3, 28)
    assert service.working_day(datetime(2026, 3, 29, 5, 0, tzinfo=berlin)) == date(2026, 3, 29)


def test_an_open_in_of_yesterday_does_not_make_todays_first_tap_an_out() -> None:
    desk = Desk()
    desk.tap()
    desk.clock.advance(24 * 3600)
    assert desk.tap().event_type == "attendance.in"


@pytest.mark.parametrize(("after_s", "suppressed"), [(0, True), (119.9, True), (120, False), (121, False)])
@pytest.mark.rule(2)
def test_a_repeat_is_recorded_as_suppressed_and_answers_already_done(after_s: float, suppressed: bool) -> None:
    desk = Desk()
    desk.tap()
    desk.clock.advance(after_s)
    decision = desk.tap()
    assert (decision.event_type == "attendance.suppressed") is suppressed
    if suppressed:
        assert decision.cue is CueName.ALREADY_DONE
        assert decision.reason is DenyReason.ALREADY_DONE
        assert decision.details["direction"] == "in"


@pytest.mark.rule(9)
def test_the_pause_is_each_persons_own() -> None:
    desk = Desk()
    assert desk.tap("1001").granted
    assert desk.tap("1002").granted


def test_a_suppressed_tap_does_not_lengthen_the_pause() -> None:
    desk = Desk()
    desk.tap()
    desk.clock.advance(100)
    desk.tap()
    desk.clock.advance(30)
    assert desk.tap().event_type == "attendance.out"


@pytest.mark.parametrize("step_s", [-365 * 86400, 365 * 86400])
def test_a_repeat_is_told_by_the_monotonic_clock_when_the_wall_clock_jumps(step_s: int) -> None:
    desk = Desk()
    desk.tap()
    desk.clock.advance(60)
    desk.clock.step(step_s)
    assert desk.tap().reason is DenyReason.ALREADY_DONE
    desk.clock.advance(61)
    assert desk.tap().granted


def test_after_a_reboot_the_wall_clock_tells_a_repeat_and_a_clock_gone_back_loses_no_punch() -> None:
    desk = Desk()
    desk.tap()
    desk.clock.boot = "c" * 32
    desk.clock.advance(60)
    assert desk.tap().reason is DenyReason.ALREADY_DONE
    desk.clock.step(-3600)
    assert desk.tap().granted


def test_a_restart_rebuilds_the_state_from_the_journal() -> None:
    desk = Desk()
    desk.tap("1001")
    desk.clock.advance(60)
    desk.restart()
    assert desk.tap("1001").reason is DenyReason.ALREADY_DONE
    desk.clock.advance(61)
    assert desk.tap("1001").event_type == "attendance.out"


def test_a_button_says_the_way_and_without_one_there_is_no_punch() -> None:
    desk = Desk(ByButton())
    assert desk.tap(direction="out").event_type == "attendance.out"
    desk.clock.advance(300)
    decision = desk.tap()
    assert decision.event_type == "attendance.denied"
    assert decision.reason is DenyReason.NO_DIRECTION
    assert decision.cue is CueName.RETRY


def test_the_other_button_at_once_is_meant_and_the_same_button_is_a_repeat() -> None:
    desk = Desk(ByButton())
    desk.tap(direction="in")
    assert desk.tap(direction="out").event_type == "attendance.out"
    assert desk.tap(direction="out").event_type == "attendance.suppressed"


@pytest.mark.parametrize(
    ("hour", "way"), [(5, "in"), (11, "in"), (17, "out"), (23, "out"), (2, "out"), (13, "in"), (12, "in")]
)
def test_the_schedule_says_the_way_and_its_gaps_alternate(hour: int, way: str) -> None:
    rule = BySchedule(
        [(TimeRange(first=time(5), last=time(12)), "in"), (TimeRange(first=time(17), last=time(5)), "out")]
    )
    assert Desk(rule, datetime(2026, 4, 1, hour, tzinfo=TOKYO)).tap().event_type == f"attendance.{way}"


def test_memory_follows_the_people_who_came_in_the_last_two_days() -> None:
    desk = Desk(at=datetime(2026, 4, 1, 9, tzinfo=UTC))
    for number in range(50):
        desk.tap(str(number))
    desk.clock.at += timedelta(days=2)
    desk.tap("9999")
    assert len(desk.service._last) == 1

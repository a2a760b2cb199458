"""No sequence of taps, clock steps and restarts gets another answer at a door than policy gives (rules 10, 11).

The model asks the whole history of events, slowly and plainly; the service knows what a restart gives back to it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from fakes.doors import OFFICE, TOKYO, Doors
from kazasu.model.access import Assurance, DenyReason
from kazasu.model.access_level import AccessLevel
from kazasu.model.door_rules import DoorRules
from kazasu.model.moment import TimeSource
from kazasu.model.passback import Area

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kazasu.model.access import EventFields
    from kazasu.model.event import Event

LAB = frozenset({"lab"})
LEVELS = (
    AccessLevel(name="staff", doors=LAB, schedule=OFFICE),
    AccessLevel(name="always", doors=LAB, min_assurance=Assurance.CHALLENGE),
    AccessLevel(name="guard", doors=LAB, in_lockdown=True),
    AccessLevel(name="fire", doors=LAB, emergency=True),
    AccessLevel(name="visitor", doors=LAB, needs_escort=True),
    AccessLevel(name="host", doors=LAB, escorts=True),
    AccessLevel(name="first", doors=LAB, schedule=OFFICE, first_person=True),
)
PEOPLE = {
    "1": ("staff",),
    "2": ("staff", "always"),
    "3": ("guard",),
    "4": ("fire",),
    "5": ("visitor",),
    "6": ("host",),
    "7": ("first",),
    "8": (),
}
MAX_AGE_S = 30 * 86400
COMPANY_MS = 15_000
steps_s = st.one_of(
    st.integers(-86400, 86400), st.sampled_from([-1, 1, -30 * 86400, 30 * 86400, -400 * 86400, 400 * 86400])
)
waits_s = st.one_of(st.integers(0, 30), st.integers(0, 14 * 3600), st.sampled_from([36 * 3600, 72 * 3600]))


people = st.sampled_from(sorted(PEOPLE))
BETWEEN = ["nothing", "restart", "boot", "long after a boot", "lockdown", "someone", "time goes on and back"]
AGAIN_S = [0, 599, 601, 11 * 3600, 13 * 3600, 35 * 3600, 37 * 3600]


class DoorModel(RuleBasedStateMachine):
    """One door, everybody's levels, and the history."""

    @initialize(
        the_door=st.builds(
            DoorRules,
            name=st.just("lab"),
            two_person=st.booleans(),
            unlock=st.just(OFFICE),
            first_person=st.booleans(),
        ),
        area=st.builds(
            Area,
            name=st.just("lab"),
            passback=st.sampled_from(["off", "soft", "hard", "timed"]),
            within_s=st.just(600.0),
            capacity=st.sampled_from([None, 2]),
        ),
        hour=st.integers(0, 23),
    )
    def build(self, the_door: DoorRules, area: Area, hour: int) -> None:
        self.the_door, self.area = the_door, area
        at = datetime(2026, 11, 24, hour, tzinfo=TOKYO)
        self.doors = Doors(*LEVELS, rules=the_door, areas=(area,), at=at, roster_max_age_s=MAX_AGE_S)
        self.was_closed = self.entered = False  # since the start; that is, what may begin the hours
        self.tick()

    # What happens.

    @rule(first=people, second=people, third=people, between=st.sampled_from(BETWEEN), seconds=st.integers(0, 16))
    def come_together(self, first: str, second: str, third: str, between: str, seconds: int) -> None:
        self.tap(first)
        self.happens(between)
        self.wait(seconds)
        self.tap(second)
        self.tap(third)

    @rule(number=people, between=st.sampled_from(BETWEEN), seconds=st.sampled_from(AGAIN_S), back=st.booleans())
    def come_again(self, number: str, between: str, seconds: int, back: bool) -> None:
        self.tap(number)
        if back:
            self.step(-seconds)
            self.tap("3")
            self.step(seconds)
        else:
            self.wait(seconds)
        self.happens(between)
        self.tap(number)

    def happens(self, what: str) -> None:
        match what:
            case "restart" | "boot":
                self.restart(boot=what == "boot")
            case "long after a boot":
                self.restart(boot=True)
                self.doors.clock.advance(1000)
            case "lockdown":
                self.lockdown(begins=True, door="lab")
                self.lockdown(begins=False, door="lab")
            case "someone":
                self.tap("6")
            case "time goes on and back":
                self.step(40 * 3600)
                self.tap("3")
                self.step(-40 * 3600)

    @rule(number=people, way=st.sampled_from(["in", "in", "out"]), assurance=st.sampled_from(Assurance))
    def tap(self, number: str, way: str = "in", assurance: Assurance = Assurance.CHALLENGE) -> None:
        expected = self.policy(number, way, assurance)
        decision = self.doors.tap(number, *(PEOPLE[number] or ("none",)), reader=f"lab_{way}", assurance=assurance)
        assert decision.reason is expected
        assert (decision.event_type == "door.granted") is (expected is None)
        if expected is None and way == "in" and self.in_hours() and self.clock_is_set():
            self.entered |= "first" in PEOPLE[number] or not self.the_door.first_person
        self.tick()

    @rule(seconds=waits_s)
    def wait(self, seconds: int) -> None:
        self.doors.clock.advance(seconds)
        self.tick()

    @rule(seconds=steps_s)
    def step(self, seconds: int) -> None:
        self.doors.clock.step(seconds)
        self.tick()

    @rule(
        source=st.sampled_from([TimeSource.NTP, TimeSource.NTP, TimeSource.RTC, TimeSource.HOLDOVER, TimeSource.NONE])
    )
    def change_source(self, source: TimeSource) -> None:
        self.doors.clock.source = source
        self.tick()

    @rule(boot=st.booleans())
    def restart(self, boot: bool) -> None:
        self.was_closed = self.entered = False
        if not self.in_hours() and self.clock_is_set():
            self.was_closed = True
        self.doors.restart(boot=boot)
        self.tick()

    @rule(begins=st.booleans(), door=st.sampled_from(["lab", "*"]))
    def lockdown(self, begins: bool, door: str) -> None:
        self.doors.record("lockdown.begun" if begins else "lockdown.ended", {"door": door, "by": "desk"})
        self.tick()

    @rule(number=st.sampled_from([None, "1", "3"]))
    def reset(self, number: str | None) -> None:
        fields: EventFields = {"by": "desk"}
        self.doors.record("passback.reset", fields if number is None else fields | {"cardholder": number})

    @rule()
    def import_roster(self) -> None:
        self.doors.made_s = int(self.doors.clock.at.timestamp())

    def tick(self) -> None:
        """Whatever unlocks the door by its schedule has happened since the start, in these hours."""
        if not self.clock_is_set() or self.locked_down():
            self.was_closed = self.entered = False
        if not self.in_hours() and self.clock_is_set():
            self.was_closed, self.entered = not self.locked_down(), False
        unlocked = self.doors.tick()["lab"]
        begun = self.entered or (self.was_closed and not self.the_door.first_person)
        may = self.clock_is_set() and not self.locked_down() and self.in_hours() and begun
        assert may or not unlocked

    # What policy says, from everything that ever happened.

    def policy(self, number: str, way: str, assurance: Assurance) -> DenyReason | None:
        opening = [name for name in PEOPLE[number] if self.level_opens(name, assurance)]
        if not opening:
            return self.why_not(PEOPLE[number], assurance)
        areas = {"in": ("hall", "lab"), "out": ("lab", "hall")}
        if self.area.passback in {"hard", "timed"} and self.breached(number, *areas[way]):
            return DenyReason.PASSBACK
        if way == "out":
            return None
        visitor, host = opening == ["visitor"], "host" in opening
        party = {number}
        second = self.waiting(number, DenyReason.SECOND_PERSON_NEEDED) if self.the_door.two_person else None
        if not visitor:
            party |= {second} if second else set()
            with_me = self.waiting(number, DenyReason.ESCORT_NEEDED) if host else None
            party |= {with_me} if with_me else set()
        inside = {each for each in PEOPLE if self.whereabouts(each) == "lab"}
        if self.area.capacity is not None and len(inside | party) > self.area.capacity and party - inside:
            return DenyReason.AREA_FULL
        if visitor:
            return None if self.waiting(number, None) else DenyReason.ESCORT_NEEDED
        return DenyReason.SECOND_PERSON_NEEDED if self.the_door.two_person and second is None else None

    def level_opens(self, name: str, assurance: Assurance) -> bool:
        return self.why_not((name,), assurance) is None

    def why_not(self, names: tuple[str, ...], assurance: Assurance) -> DenyReason | None:
        reasons: list[DenyReason | None] = []
        for name in names:
            if name in {"staff", "first"} and self.clock_is_set() and not self.in_hours():
                reasons.append(DenyReason.OUT_OF_HOURS)
            elif not self.clock_is_set() and name != "fire":
                reasons.append(DenyReason.CLOCK_UNSET)
            elif self.stale() and name != "fire":
                reasons.append(DenyReason.ROSTER_STALE)
            elif assurance < (Assurance.CHALLENGE if name == "always" else Assurance.SERIAL):
                reasons.append(DenyReason.ASSURANCE_TOO_LOW)
            elif self.locked_down() and name != "guard":
                reasons.append(DenyReason.LOCKDOWN)
            else:
                reasons.append(None)
        order = [
            "no_access_level",
            "out_of_hours",
            "clock_unset",
            "roster_stale",
            "assurance_too_low",
            "lockdown",
            None,
        ]
        return max(reasons, key=order.index, default=DenyReason.NO_ACCESS_LEVEL)

    def clock_is_set(self) -> bool:
        return self.doors.clock.source is not TimeSource.NONE

    def in_hours(self) -> bool:
        at = self.doors.clock.at
        return at.weekday() < 5 and 7 <= at.hour < 20

    def stale(self) -> bool:
        made_s = self.doors.made_s or 0
        return not -86400 <= self.doors.clock.at.timestamp() - made_s <= MAX_AGE_S

    def locked_down(self) -> bool:
        doors: set[str] = set()
        for event in self.doors.events:
            door = str(event.fields.get("door"))
            if event.fields["event_type"] == "lockdown.begun":
                doors.add(door)
            elif event.fields["event_type"] == "lockdown.ended":
                doors = doors - {door} if door == "lab" else set()
        return bool(doors)

    def moves(self, number: str) -> Iterator[tuple[int, Event]]:
        """Grants that moved a person, and resets, newest first."""
        for index, event in reversed(list(enumerate(self.doors.events))):
            fields = event.fields
            if fields["event_type"] == "passback.reset" and fields.get("cardholder", number) == number:
                yield index, event
            if fields["event_type"] == "door.granted" and number in self.party(event):
                yield index, event

    @staticmethod
    def party(event: Event) -> set[str]:
        return {str(event.fields[name]) for name in ("cardholder", "second_person", "visitor") if name in event.fields}

    def whereabouts(self, number: str) -> str | None:
        """Where a person is, unless that is long ago, or the clock went back by half a day since."""
        found = self.last_move(number)
        if found is None:
            return None
        return str(found.fields["area"])

    def last_move(self, number: str) -> Event | None:
        index, event = next(self.moves(number), (0, None))
        if event is None or event.fields["event_type"] == "passback.reset":
            return None
        at, later = event.moment.at, [each.moment.at for each in self.doors.events[index + 1 :]]
        if any(not at - timedelta(hours=12) < each < at + timedelta(hours=36) for each in later):
            return None
        return event if self.doors.clock.at < at + timedelta(hours=36) else None

    def breached(self, number: str, leaves: str, enters: str) -> bool:
        event = self.last_move(number)
        if event is None or enters != "lab":
            return False
        if self.area.passback == "timed":
            moment, now = event.moment, self.doors.clock.now()
            passed_ms = now.mono_ms - (moment.mono_ms if moment.boot == now.boot else 0)
            return event.fields["area"] == enters and passed_ms < 600_000
        return event.fields["area"] != leaves

    def waiting(self, number: str, reason: DenyReason | None) -> str | None:
        """Who was denied for this reason a moment ago, or if there is none, who entered and escorts."""
        now = self.doors.clock.now()
        for index, event in reversed(list(enumerate(self.doors.events))[self.doors.told_from :]):
            fields = event.fields
            if fields["event_type"] == "lockdown.begun":
                return None
            did = fields.get("reason") == reason if reason else bool(fields.get("escorts"))
            if not did:
                continue
            other, moment = str(fields["cardholder"]), event.moment
            gone = any(
                each.fields["event_type"] == "door.granted" and other in self.party(each)
                for each in self.doors.events[index + 1 :]
            )
            recent = moment.boot == now.boot and 0 <= now.mono_ms - moment.mono_ms <= COMPANY_MS
            return other if other != number and recent and not gone else None
        return None


TestDoorModel = pytest.mark.rule(10)(pytest.mark.rule(11)(DoorModel.TestCase))
TestDoorModel.settings = settings(max_examples=200, stateful_step_count=30, deadline=None)

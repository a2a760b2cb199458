"""A terminal's doors as its thread drives them, with a clock and the journal that a restart would read."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from fakes.clock import FakeClock
from fakes.journal import SIGNER
from fakes.roster import person
from kazasu.model.access import Assurance, Identifier, Presentation
from kazasu.model.access_level import AccessLevel, AccessLevels
from kazasu.model.calendar import HolidayCalendar, Schedule
from kazasu.model.door_rules import DoorRules, DoorSite, Passage
from kazasu.model.event import GENESIS, Draft, Event, Place, sealed
from kazasu.model.schedule import TimeRange, WeeklyHours
from kazasu.services.door_access import DoorAccess

if TYPE_CHECKING:
    from collections.abc import Callable

    from kazasu.model.access import Decision, Enrolment, EventFields
    from kazasu.model.passback import Area

TOKYO = ZoneInfo("Asia/Tokyo")
TUESDAY = datetime(2026, 11, 24, 9, tzinfo=TOKYO)
SPAN = timedelta(hours=48)  # of the journal that a start reads


def hours(first: str, last: str, weekdays: range = range(5), holidays: HolidayCalendar | None = None) -> Schedule:
    """The same hours on some days of the week; none on holidays, if there are any."""
    span = TimeRange(first=time.fromisoformat(first), last=time.fromisoformat(last))
    return Schedule(
        name="hours",
        hours=(WeeklyHours(hours=span, weekdays=frozenset(weekdays)),),
        on_holidays=None if holidays is None else (),
        holidays=holidays or HolidayCalendar(),
    )


OFFICE = hours("07:00", "20:00")


class Doors:
    """A lab with a reader on each side, and what else a test asks for."""

    def __init__(
        self,
        *levels: AccessLevel,
        rules: DoorRules | None = None,
        areas: tuple[Area, ...] = (),
        at: datetime = TUESDAY,
        roster_max_age_s: float | None = None,
        more: dict[str, Passage] | None = None,
        other_doors: tuple[DoorRules, ...] = (),
        change: Callable[[DoorAccess], DoorAccess] = lambda service: service,
    ) -> None:
        self.site = DoorSite(
            doors=(rules or DoorRules(name="lab"), *other_doors),
            passages={
                "lab_in": Passage(door="lab", way="in", leaves="hall", enters="lab"),
                "lab_out": Passage(door="lab", way="out", leaves="lab", enters="hall"),
            }
            | (more or {}),
            zone=TOKYO,
            areas=areas,
            roster_max_age_s=roster_max_age_s,
        )
        self.levels = AccessLevels(levels or (AccessLevel(name="staff", doors=frozenset({"lab"})),))
        self.clock = FakeClock(at)
        self.secure = True
        self.made_s: int | None = int(at.timestamp())
        self.events: list[Event] = []
        self.told_from = 0  # the first event that the last start was told of
        self.change = change
        self.service = self._fresh()

    def _fresh(self) -> DoorAccess:
        return self.change(
            DoorAccess(self.site, self.levels, secure=lambda door: self.secure, roster_made_s=lambda: self.made_s)
        )

    def tap(
        self,
        number: str = "1",
        *levels: str,
        reader: str = "lab_in",
        assurance: Assurance = Assurance.CHALLENGE,
    ) -> Decision:
        """Tap, and record what came of it."""
        pseudonym = number.rjust(32, "0")
        presentation = Presentation(
            reader=reader,
            identifier=Identifier(kind="piv", pseudonym=pseudonym, assurance=assurance),
            enrolment=self.enrolment(number, *(levels or ("staff",))),
        )
        decision = self.service.decide(presentation, self.clock.now())
        fields: EventFields = {"cardholder": number}
        if decision.reason is not None:
            fields["reason"] = decision.reason.value
        self.record(decision.event_type, fields | decision.details)
        return decision

    def enrolment(self, number: str, *levels: str) -> Enrolment:
        """A person with these levels."""
        return person(number, number.rjust(32, "0"), levels=levels)

    def record(self, event_type: str, fields: EventFields) -> None:
        """Make an event durable and let the service know."""
        place = Place(site="s", terminal="t", epoch="e", seq=len(self.events) + 1, prev=GENESIS)
        event = sealed(Draft(event_type=event_type, moment=self.clock.now(), fields=fields), place, SIGNER)
        self.events.append(event)
        self.service.recorded(event)

    def tick(self) -> dict[str, bool]:
        """Do what is due and ask which doors stay unlocked."""
        for event_type, fields in self.service.due(self.clock.now()):
            self.record(event_type, fields)
        return dict(self.service.unlocked(self.clock.now()))

    def restart(self, *, boot: bool = False) -> None:
        """Begin anew, with what the journal gives back: see ports.store.Journal.recent."""
        if boot:
            self.clock.reboot()
        self.service = self._fresh()
        earliest = self.events[-1].moment.at - SPAN if self.events else None
        older = [index for index, event in enumerate(self.events) if earliest and event.moment.at < earliest]
        self.told_from = max(older, default=-1) + 1
        for event in self.events[self.told_from :]:
            self.service.recorded(event)
        self.tick()

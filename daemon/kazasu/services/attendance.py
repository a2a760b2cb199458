"""Attendance: each tap is a punch, in or out.

The journal is the only memory: `recorded` rebuilds, event by event, who punched last, when and which way.
Two working days are kept, so that memory follows the people who came, not the people who are enrolled.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Protocol

import msgspec

from kazasu.model.access import Assurance, Decision, DenyReason, Direction
from kazasu.model.cue import CueName
from kazasu.model.policy import CUE_OF_REASON

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from kazasu.model.access import Enrolment, EventFields, Presentation
    from kazasu.model.event import Event
    from kazasu.model.moment import Moment
    from kazasu.model.policy import AssurancePolicy
    from kazasu.model.schedule import TimeRange

_KEPT_DAYS = timedelta(days=1)  # today and the day before: a night shift ends after its day's boundary


class Punch(msgspec.Struct, frozen=True, kw_only=True):
    """The last granted punch of one cardholder."""

    direction: Direction
    day: date
    at: datetime
    boot: str
    mono_ms: int


class DirectionRule(Protocol):
    """How in and out are told apart."""

    def choose(self, presentation: Presentation, at: datetime, last_today: Punch | None) -> Direction | None:
        """Choose the way; None if the person has to say it first."""
        ...


class Alternation:
    """The first punch of a working day is in, the next is out, and so on."""

    def choose(self, presentation: Presentation, at: datetime, last_today: Punch | None) -> Direction | None:
        """See `DirectionRule`."""
        return "out" if last_today is not None and last_today.direction == "in" else "in"


class ByButton:
    """The button pressed before the tap says it; without one there is no punch."""

    def choose(self, presentation: Presentation, at: datetime, last_today: Punch | None) -> Direction | None:
        """See `DirectionRule`."""
        return presentation.direction


class BySchedule:
    """The time of day says it; a time that no range names goes by alternation, so that no punch is lost."""

    def __init__(self, ranges: Sequence[tuple[TimeRange, Direction]]) -> None:
        self._ranges = tuple(ranges)
        self._otherwise = Alternation()

    def choose(self, presentation: Presentation, at: datetime, last_today: Punch | None) -> Direction | None:
        """See `DirectionRule`."""
        for time_range, direction in self._ranges:
            if at.time() in time_range:
                return direction
        return self._otherwise.choose(presentation, at, last_today)


class Attendance:
    """The attendance service.

    Args:
        rule: how in and out are told apart.
        day_boundary: local time at which a working day begins.
        repeat_after_s: a second punch the same way within this time is a repeat: recorded, and not counted.
        policy: what a read has to prove for a punch.
        readers: where a tap is a punch; None: everywhere.
    """

    name = "attendance"

    def __init__(
        self,
        rule: DirectionRule,
        *,
        day_boundary: time,
        repeat_after_s: float,
        policy: AssurancePolicy,
        readers: Collection[str] | None = None,
    ) -> None:
        self._rule = rule
        self._policy = policy
        self._readers = readers
        self._boundary = timedelta(hours=day_boundary.hour, minutes=day_boundary.minute)
        self._repeat_after_s = repeat_after_s
        self._last: dict[str, Punch] = {}
        self._today = date.min

    def serves(self, reader: str) -> bool:
        """Whether a tap on a reader is a punch."""
        return self._readers is None or reader in self._readers

    def asks(self, enrolment: Enrolment | None, moment: Moment, roster_made_s: int | None) -> Assurance:
        """What a read has to prove for a punch now, whoever it is; see ports.services.Service."""
        return self._policy.at(moment)

    def refused(self, presentation: Presentation, reason: DenyReason) -> Decision:
        """Answer a presentation that policy does not admit; see ports.services.Service."""
        return Decision(event_type="attendance.denied", reason=reason, cue=CUE_OF_REASON[reason])

    def decide(self, presentation: Presentation, moment: Moment) -> Decision:
        """Answer with `attendance.in`, `attendance.out`, `attendance.suppressed` or `attendance.denied`.

        Args:
            presentation: one that policy admits: identified and enrolled.
            moment: now, in the terminal's time zone.
        """
        identifier, enrolment = presentation.identifier, presentation.enrolment
        if identifier is None or enrolment is None:
            raise ValueError("a presentation without an enrolment is refused by policy before it gets here")
        if identifier.assurance < self._policy.at(moment):
            return self.refused(presentation, DenyReason.ASSURANCE_TOO_LOW)
        day = self.working_day(moment.at)
        last = self._last.get(enrolment.cardholder.number)
        # A button pressed for the other way is meant; without one, two taps in a row are one intention.
        if last is not None and self._is_repeat(last, presentation.direction, moment):
            return Decision(
                event_type="attendance.suppressed",
                reason=DenyReason.ALREADY_DONE,
                cue=CUE_OF_REASON[DenyReason.ALREADY_DONE],
                details={"day": last.day.isoformat(), "direction": last.direction},
            )
        direction = self._rule.choose(presentation, moment.at, last if last is not None and last.day == day else None)
        if direction is None:
            return self.refused(presentation, DenyReason.NO_DIRECTION)
        return Decision(event_type=f"attendance.{direction}", cue=CueName.GRANTED, details={"day": day.isoformat()})

    def on_paper(self, direction: Direction, at: datetime) -> tuple[str, EventFields]:
        """The event type of a punch that stands on a paper list, and its working day.

        Args:
            direction: as the list says.
            at: when, as the list says, in the terminal's time zone.
        """
        return f"attendance.{direction}", {"day": self.working_day(at).isoformat()}

    def recorded(self, event: Event) -> None:
        """Remember a granted punch; one from a paper list only if no later one is known."""
        fields = event.fields
        direction: Direction
        match fields["event_type"]:
            case "attendance.in":
                direction = "in"
            case "attendance.out":
                direction = "out"
            case _:
                return
        day = date.fromisoformat(str(fields["day"]))
        number, on_paper = str(fields["cardholder"]), "punched_at" in fields
        punch = Punch(
            direction=direction,
            day=day,
            at=datetime.fromisoformat(str(fields["punched_at" if on_paper else "time"])),
            boot="" if on_paper else str(fields["boot"]),  # of a paper list's time only the wall clock knows
            mono_ms=int(fields["mono_ms"]),
        )
        last = self._last.get(number)
        if on_paper and last is not None and last.at >= punch.at:
            return
        self._last[number] = punch
        if day > self._today:
            self._today = day
            self._last = {number: punch for number, punch in self._last.items() if punch.day >= day - _KEPT_DAYS}

    def working_day(self, at: datetime) -> date:
        """Which working day a local time belongs to: before the boundary it is still the day before."""
        # Wall-clock arithmetic on purpose: 05:00 is what the clock on the wall shows, on days with a time change too.
        return (at.replace(tzinfo=None) - self._boundary).date()

    def _is_repeat(self, last: Punch, pressed: str | None, moment: Moment) -> bool:
        if pressed is not None and pressed != last.direction:
            return False
        if last.boot == moment.boot:
            elapsed_s = (moment.mono_ms - last.mono_ms) / 1000
        else:
            # Across a restart only the wall clock is left; if it went backwards, recording twice loses nothing.
            elapsed_s = (moment.at - last.at).total_seconds()
        return 0 <= elapsed_s < self._repeat_after_s

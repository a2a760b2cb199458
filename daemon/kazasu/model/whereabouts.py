"""Where this terminal saw everybody last: what it says for the roll call (model/muster.py), from its journal alone.

Passback (model/passback.py) forgets people at an area's reset, or by order; here they are out from then on, or what
another terminal saw of them before would put them inside again.

The union goes by time, so that a time counts only where it is known: from a time server or a battery-backed clock since
this boot. A power cut in an evacuation must not let a meeting point's clock stand still and its taps look old. What
happened before the time was known gets its time once it is, by the monotonic clock of the same boot.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from kazasu.model.event import moment_of
from kazasu.model.moment import TimeSource
from kazasu.model.muster import COUNTS_MS, OUT, UNKNOWN_MS, Movement, Statement
from kazasu.model.passback import end_of
from kazasu.model.presence import OUTSIDE, movements_in, present_in

if TYPE_CHECKING:
    from collections.abc import Iterable
    from zoneinfo import ZoneInfo

    from kazasu.model.event import Event
    from kazasu.model.moment import Moment
    from kazasu.model.passback import Area

_AHEAD_MS = 60_000  # from the future: the clock went back since, and nobody knows when it was


class _When(NamedTuple):
    """When something happened.

    Attributes:
        at_ms: Unix time; `UNKNOWN_MS` if it was not known then.
        boot: of the machine.
        mono_ms: since that boot.
    """

    at_ms: int
    boot: str
    mono_ms: int


class _Seen(NamedTuple):
    area: str
    when: _When
    ends_ms: int  # Unix time from which they are out; as `at_ms`


class Whereabouts:
    """The terminal's own knowledge, rebuilt by being told of every event in order.

    Args:
        terminal: its name.
        areas: those with rules; their reset counts.
        zone: the terminal's.
    """

    def __init__(self, terminal: str, areas: Iterable[Area], zone: ZoneInfo) -> None:
        self._terminal = terminal
        self._areas = {area.name: area for area in areas}
        self._zone = zone
        self._seen: dict[str, _Seen] = {}
        self._epoch, self._seq = "", 0
        self._begun: _When | None = None
        self._present: dict[str, _When] = {}
        self._boot_with_time = ""

    def recorded(self, event: Event) -> None:
        """Take over an event that is durable."""
        fields, moment = event.fields, moment_of(event.fields)
        self._epoch, self._seq = str(fields["epoch"]), event.seq
        if moment.source in {TimeSource.NTP, TimeSource.RTC}:
            self._boot_with_time = moment.boot
        when = _When(unix_ms(moment) if self._knows(moment) else UNKNOWN_MS, moment.boot, moment.mono_ms)
        for number, area in movements_in(fields):
            self._moved(number, area, when)
        match fields["event_type"]:
            case "passback.reset":
                person = fields.get("cardholder")
                for number in list(self._seen) if person is None else [str(person)]:
                    self._moved(number, OUTSIDE, when)
            case "muster.begun":
                self._begun, self._present = when, {}
            case "muster.ended":
                self._begun, self._present = None, {}
        if (present := present_in(fields)) is not None and self._begun is not None:
            self._present[present] = when

    def statement(self, moment: Moment) -> Statement:
        """Say it."""
        now_ms, known = unix_ms(moment), self._knows(moment)
        if known:
            self._take_time(moment)
            self._seen = {number: seen for number, seen in self._seen.items() if _counts(seen.when, now_ms)}
        movements = tuple(_said(number, seen, now_ms, known=known) for number, seen in self._seen.items())
        begun = self._begun if self._begun is not None and (not known or _counts(self._begun, now_ms)) else None
        return Statement(
            terminal=self._terminal,
            epoch=self._epoch,
            seq=self._seq,
            at_ms=now_ms,
            clock_unset=not known or any(each.at_ms == UNKNOWN_MS for each in movements),
            movements=movements,
            begun_ms=None if begun is None else begun.at_ms,
            present={} if begun is None else {number: when.at_ms for number, when in self._present.items()},
        )

    def next_end_ms(self, now_ms: int) -> int | None:
        """When the next person counts as out though nobody saw them leave, Unix time."""
        ends = (seen.ends_ms for seen in self._seen.values() if seen.area != OUT)
        return min((ends_ms for ends_ms in ends if ends_ms > now_ms), default=None)

    def _knows(self, moment: Moment) -> bool:
        """Whether a moment's time is known; one that only goes on from before a boot is not."""
        if moment.source is TimeSource.HOLDOVER:
            return moment.boot == self._boot_with_time
        return moment.source is not TimeSource.NONE

    def _moved(self, number: str, area: str, when: _When) -> None:
        ends_ms = UNKNOWN_MS
        if when.at_ms != UNKNOWN_MS:
            at = datetime.fromtimestamp(when.at_ms / 1000, UTC).astimezone(self._zone)
            ends_ms = round(end_of(at, self._areas.get(area)).timestamp() * 1000)
        self._seen[number] = _Seen(OUT if area == OUTSIDE else area, when, ends_ms)

    def _take_time(self, moment: Moment) -> None:
        """Give what happened in this boot before the time was known its time."""
        since_boot_ms = unix_ms(moment) - moment.mono_ms

        def timed(when: _When) -> _When:
            if when.at_ms != UNKNOWN_MS or when.boot != moment.boot:
                return when
            return when._replace(at_ms=since_boot_ms + when.mono_ms)

        for number, seen in self._seen.items():
            when = timed(seen.when)
            if when is not seen.when:
                self._moved(number, seen.area or OUTSIDE, when)
        self._present = {number: timed(when) for number, when in self._present.items()}
        if self._begun is not None:
            self._begun = timed(self._begun)


def unix_ms(moment: Moment) -> int:
    """A moment's wall time as Unix time."""
    return round(moment.at.timestamp() * 1000)


def _counts(when: _When, now_ms: int) -> bool:
    return when.at_ms == UNKNOWN_MS or when.at_ms + COUNTS_MS > now_ms


def _said(number: str, seen: _Seen, now_ms: int, *, known: bool) -> Movement:
    """What is said of a person now; `known`: that this is now."""
    area, at_ms = seen.area, seen.when.at_ms
    if known and at_ms > now_ms + _AHEAD_MS:
        at_ms = UNKNOWN_MS
    elif known and at_ms != UNKNOWN_MS and seen.ends_ms <= now_ms:
        area, at_ms = OUT, seen.ends_ms
    return Movement(number=number, area=area, at_ms=at_ms)

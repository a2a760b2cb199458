"""Where this terminal saw everybody last: what it says for the roll call (model/muster.py), from its journal alone.

Passback (model/passback.py) forgets people at an area's reset, or by order; here they are out from then on, or what
another terminal saw of them before would put them inside again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

from kazasu.model.event import moment_of
from kazasu.model.moment import TimeSource
from kazasu.model.muster import COUNTS_MS, OUT, Movement, Statement
from kazasu.model.passback import OUTSIDE, end_of
from kazasu.model.presence import movements_in, present_in

if TYPE_CHECKING:
    from collections.abc import Iterable
    from zoneinfo import ZoneInfo

    from kazasu.model.event import Event
    from kazasu.model.moment import Moment
    from kazasu.model.passback import Area

_AHEAD_MS = 60_000  # a movement from the future: the clock went back since


class _Seen(NamedTuple):
    movement: Movement
    ends_ms: int  # Unix time from which they are out
    clock_unset: bool


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
        self._begun_ms: int | None = None
        self._present: dict[str, int] = {}

    def recorded(self, event: Event) -> None:
        """Take over an event that is durable."""
        fields, moment = event.fields, moment_of(event.fields)
        at_ms = unix_ms(moment)
        self._epoch, self._seq = str(fields["epoch"]), event.seq
        for number, area in movements_in(fields):
            self._moved(number, area, moment)
        match fields["event_type"]:
            case "passback.reset":
                person = fields.get("cardholder")
                for number in list(self._seen) if person is None else [str(person)]:
                    self._moved(number, OUTSIDE, moment)
            case "muster.begun":
                self._begun_ms, self._present = at_ms, {}
            case "muster.ended":
                self._begun_ms, self._present = None, {}
        if (present := present_in(fields)) is not None and self._begun_ms is not None:
            self._present[present] = at_ms

    def statement(self, moment: Moment) -> Statement:
        """Say it."""
        now_ms = unix_ms(moment)
        self._seen = {number: seen for number, seen in self._seen.items() if seen.movement.at_ms + COUNTS_MS > now_ms}
        begun_ms = self._begun_ms
        if begun_ms is not None and begun_ms + COUNTS_MS <= now_ms:
            begun_ms = None
        return Statement(
            terminal=self._terminal,
            epoch=self._epoch,
            seq=self._seq,
            at_ms=now_ms,
            clock_unset=moment.source is TimeSource.NONE
            or any(seen.clock_unset or seen.movement.at_ms > now_ms + _AHEAD_MS for seen in self._seen.values()),
            movements=tuple(_as_of(seen, now_ms) for seen in self._seen.values()),
            begun_ms=begun_ms,
            present={} if begun_ms is None else dict(self._present),
        )

    def next_end_ms(self, now_ms: int) -> int | None:
        """When the next person counts as out though nobody saw them leave, Unix time."""
        ends = (seen.ends_ms for seen in self._seen.values() if seen.movement.area != OUT)
        return min((ends_ms for ends_ms in ends if ends_ms > now_ms), default=None)

    def _moved(self, number: str, area: str, moment: Moment) -> None:
        at_ms = unix_ms(moment)
        ends = end_of(moment.at.astimezone(self._zone), self._areas.get(area))
        self._seen[number] = _Seen(
            Movement(number=number, area=OUT if area == OUTSIDE else area, at_ms=at_ms),
            round(ends.timestamp() * 1000),
            moment.source is TimeSource.NONE,
        )


def unix_ms(moment: Moment) -> int:
    """A moment's wall time as Unix time."""
    return round(moment.at.timestamp() * 1000)


def _as_of(seen: _Seen, now_ms: int) -> Movement:
    if seen.ends_ms > now_ms:
        return seen.movement
    return msgspec.structs.replace(seen.movement, area=OUT, at_ms=seen.ends_ms)

"""Who is in which area, and whether somebody may enter one: anti-passback and capacity.

An area's rule is about entering it. With the rule hard or soft, whoever is known to be somewhere has to be where the
door leads in from; nobody knows where a person is who was not seen since the last reset, and so anybody may begin. With
the rule timed, whoever entered has to wait, wherever they went: for doors without a reader on the way out.

The memory is what was recorded, in its order. Where somebody is counts until the area's reset, and for a day and a half
at most; a clock that goes back by half a day ends it, too. So a restart, which reads the journal back to the first
event that is older than two days, remembers neither less nor more than what was remembered before it.
"""

from __future__ import annotations

import heapq
from collections import Counter
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, Literal, TypeAlias

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from kazasu.model.moment import Moment

Rule: TypeAlias = Literal["off", "soft", "hard", "timed"]

_COUNTS_S = 36 * 3600
_BACK_S = 12 * 3600  # both together: the span that a start reads, see terminal.py


class Area(msgspec.Struct, frozen=True, kw_only=True):
    """A part of the site that doors lead into.

    Attributes:
        name: the site's.
        passback: `off`: nobody asks; `soft`: recorded, and let in; `hard`: denied; `timed`: denied for `within_s`.
        within_s: for `timed`: how long after an entry nobody enters again.
        reset_at: local time at which everybody in it is forgotten, each day; None: a day and a half after their entry.
        capacity: how many people may be in it; None: any number.
    """

    name: str
    passback: Rule = "off"
    within_s: float = 0
    reset_at: time | None = None
    capacity: int | None = None


class _Entry(msgspec.Struct, frozen=True, kw_only=True):
    area: str
    boot: str
    mono_ms: int
    at_s: float  # Unix time
    ends_s: float  # Unix time from which it counts no more


class Passback:
    """Where everybody is who was seen lately.

    Args:
        areas: those with rules; any other area has none, and people are known to be in it.
    """

    def __init__(self, areas: Iterable[Area]) -> None:
        self._areas: Mapping[str, Area] = {area.name: area for area in areas}
        self._entries: dict[str, _Entry] = {}
        self._inside: Counter[str] = Counter()
        self._ends: list[tuple[float, str]] = []
        self._newest_s = 0.0  # no entry is newer

    def rule(self, area: str) -> Rule:
        """The rule of an area; `off` if it has none."""
        known = self._areas.get(area)
        return "off" if known is None else known.passback

    def breached(self, cardholder: str, leaves: str, enters: str, moment: Moment) -> bool:
        """Say whether a person who would pass from one area into another breaks the rule of the latter.

        The wait of a timed rule goes by the monotonic clock; across a boot by the time since it, which is the least
        that has passed, so that no step of the clock shortens it.
        """
        rule, entry = self.rule(enters), self._entry(cardholder, moment)
        if entry is None or rule == "off":
            return False
        if rule == "timed":
            passed_ms = moment.mono_ms - entry.mono_ms if entry.boot == moment.boot else moment.mono_ms
            return entry.area == enters and passed_ms < self._areas[enters].within_s * 1000
        return entry.area != leaves

    def full(self, enters: str, people: Iterable[str], moment: Moment) -> bool:
        """Say whether these people, who would enter together, are more than an area still takes."""
        area = self._areas.get(enters)
        if area is None or area.capacity is None:
            return False
        coming = {number for number in people if not self._is_in(number, enters, moment)}
        return self.occupancy(enters, moment) + len(coming) > area.capacity

    def occupancy(self, area: str, moment: Moment) -> int:
        """How many people are known to be in an area."""
        if self._ends and self._ends[0][0] <= moment.at.timestamp():  # some that nobody has taken away yet
            return sum(self._is_in(number, area, moment) for number in self._entries)
        return self._inside[area]

    def inside(self, moment: Moment) -> dict[str, str]:
        """Everybody who is known to be somewhere: number and area."""
        return {number: entry.area for number in self._entries if (entry := self._entry(number, moment)) is not None}

    def moved(self, cardholder: str, area: str, moment: Moment) -> None:
        """Take over that a person entered an area."""
        self.reset(cardholder)
        ends_s = end_of(moment.at, self._areas.get(area)).timestamp()
        at_s = moment.at.timestamp()
        self._entries[cardholder] = _Entry(
            area=area, boot=moment.boot, mono_ms=moment.mono_ms, at_s=at_s, ends_s=ends_s
        )
        self._newest_s = max(self._newest_s, at_s)
        self._inside[area] += 1
        heapq.heappush(self._ends, (ends_s, cardholder))

    def reset(self, cardholder: str | None = None) -> None:
        """Forget where a person is, or everybody."""
        if cardholder is None:
            self._entries.clear()
            self._inside.clear()
            self._ends.clear()
        elif (entry := self._entries.pop(cardholder, None)) is not None:
            self._inside[entry.area] -= 1

    def elapse(self, at: datetime) -> None:
        """Take over that something was recorded at a time: what ended by then has ended for good.

        It would also be gone after a restart, whatever is done to the clock in between.
        """
        now_s = at.timestamp()
        while self._ends and self._ends[0][0] <= now_s:
            ends_s, cardholder = heapq.heappop(self._ends)
            entry = self._entries.get(cardholder)
            if entry is not None and entry.ends_s == ends_s:
                self.reset(cardholder)
        if self._newest_s >= now_s + _BACK_S:
            for cardholder in [number for number, entry in self._entries.items() if entry.at_s >= now_s + _BACK_S]:
                self.reset(cardholder)
            self._newest_s = now_s + _BACK_S

    def _entry(self, cardholder: str, moment: Moment) -> _Entry | None:
        entry = self._entries.get(cardholder)
        return None if entry is None or entry.ends_s <= moment.at.timestamp() else entry

    def _is_in(self, cardholder: str, area: str, moment: Moment) -> bool:
        entry = self._entry(cardholder, moment)
        return entry is not None and entry.area == area


def end_of(at: datetime, area: Area | None) -> datetime:
    """When an entry at this time counts no more.

    Args:
        at: aware, in the terminal's time zone: the reset is what the clock on the wall shows.
        area: with or without a reset.
    """
    latest = datetime.fromtimestamp(at.timestamp() + _COUNTS_S, at.tzinfo)
    if area is None or area.reset_at is None:
        return latest
    today, tomorrow = (datetime.combine(at.date() + timedelta(days=days), area.reset_at, at.tzinfo) for days in (0, 1))
    # By Unix time: on a day whose hour changes, a clock on the wall may show the reset twice, or leave it out.
    reset = today if at.timestamp() < today.timestamp() else tomorrow
    return min(reset, latest, key=datetime.timestamp)

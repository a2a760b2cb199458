"""What a key of the configuration may hold, beside what TOML has itself: durations, times of day, ranges of them."""

from __future__ import annotations

import re
from datetime import date, time

UNITS_S = {"d": 86400, "h": 3600, "m": 60, "s": 1, "ms": 0.001}
"""The units of a duration, greatest first."""

_DURATION = re.compile(rf"([0-9]{{1,9}})({'|'.join(UNITS_S)})")


class Duration(float):
    """Seconds, written with a unit: "500ms", "5s", "10m", "12h", "90d"."""

    def __str__(self) -> str:
        """As it is written, in the greatest unit that fits without a remainder."""
        milliseconds = round(self * 1000)
        unit = next((unit for unit, size_s in UNITS_S.items() if milliseconds % (size_s * 1000) == 0), "ms")
        return f"{milliseconds / (UNITS_S[unit] * 1000):.0f}{unit}" if milliseconds else "0s"


def parse_duration(text: str) -> Duration:
    """Read a duration as it is written.

    Raises:
        ValueError: it is something else; the words say what to write.
    """
    match = _DURATION.fullmatch(text)
    if match is None:
        raise ValueError(f'{text!r} is no duration: a whole number and its unit, such as "5s" or "90d"')
    return Duration(int(match[1]) * UNITS_S[match[2]])


class LocalTime(time):
    """A time of day on the clock on the wall, written "05:00"."""


class TimeRange:
    """Local times of day, written "05:00-12:00": the first included and the last not; may wrap midnight.

    "00:00-24:00" is the whole day: both are the same midnight then.
    """

    def __init__(self, first: LocalTime, last: LocalTime) -> None:
        self.first = first
        self.last = last

    @property
    def minutes(self) -> frozenset[int]:
        """The minutes of the day that it covers, 0 to 1439."""
        first = self.first.hour * 60 + self.first.minute
        last = self.last.hour * 60 + self.last.minute
        return frozenset(range(first, last) if first < last else (*range(first, 1440), *range(last)))


class WeekHours:
    """The same hours on some days of the week, written "mon-fri 07:00-20:00", "sat,sun 09:00-12:00" or "07:00-20:00".

    Args:
        weekdays: 0 for Monday to 6 for Sunday, on which the hours begin.
        during: the hours.
    """

    def __init__(self, weekdays: frozenset[int], during: TimeRange) -> None:
        self.weekdays = weekdays
        self.during = during


class DayRange:
    """Days, both ends included, written "2026-08-13..2026-08-15", or each year "12-29..01-03"; one day without "..".

    Args:
        first: a date, or month and day.
        last: likewise.
    """

    def __init__(self, first: date | tuple[int, int], last: date | tuple[int, int]) -> None:
        self.first = first
        self.last = last


def within(value: Duration, key: str, least_s: float, most_s: float) -> None:
    """Check that a duration is neither too short nor too long.

    Raises:
        ValueError: it is; with the key's name and both ends.
    """
    if not least_s <= value <= most_s:
        least, most = Duration(least_s), Duration(most_s)
        raise ValueError(f'{key} has to be from "{least!s}" to "{most!s}", and is "{value!s}"')

"""Times of day and of the week, on the clock on the wall."""

from __future__ import annotations

from datetime import datetime, time, timedelta

import msgspec

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class TimeRange(msgspec.Struct, frozen=True, kw_only=True):
    """Local times of day, the first included and the last not; may wrap midnight; equal ones are the whole day."""

    first: time
    last: time

    def __contains__(self, at: time) -> bool:
        if self.first < self.last:
            return self.first <= at < self.last
        return at >= self.first or at < self.last


class WeeklyHours(msgspec.Struct, frozen=True, kw_only=True):
    """The same hours on some days of the week.

    Attributes:
        hours: local; what lies after midnight in hours that wrap it belongs to the day on which they began.
        weekdays: 0 for Monday to 6 for Sunday.
    """

    hours: TimeRange
    weekdays: frozenset[int]

    def __contains__(self, at: datetime) -> bool:
        if at.time() not in self.hours:
            return False
        wraps = self.hours.first >= self.hours.last
        began = at - timedelta(days=1) if wraps and at.time() < self.hours.first else at
        return began.weekday() in self.weekdays

"""Times of day and of the week, on the clock on the wall."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

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

    def began(self, at: datetime) -> date | None:
        """On which day the hours began that cover a local time; None if they do not."""
        now = at.time()
        if now not in self:
            return None
        after_midnight = self.first >= self.last and now < self.first
        return (at - timedelta(days=1) if after_midnight else at).date()


class WeeklyHours(msgspec.Struct, frozen=True, kw_only=True):
    """The same hours on some days of the week.

    Attributes:
        hours: local; what lies after midnight in hours that wrap it belongs to the day on which they began.
        weekdays: 0 for Monday to 6 for Sunday.
    """

    hours: TimeRange
    weekdays: frozenset[int]

    def __contains__(self, at: datetime) -> bool:
        return self.began(at) is not None

    def began(self, at: datetime) -> date | None:
        """On which day the hours began that cover a local time; None if none do."""
        began = self.hours.began(at)
        return began if began is not None and began.weekday() in self.weekdays else None

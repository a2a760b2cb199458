from __future__ import annotations

from datetime import datetime, time
from zoneinfo import ZoneInfo

import pytest

from kazasu.model.schedule import TimeRange, WeeklyHours

TOKYO = ZoneInfo("Asia/Tokyo")
FRIDAY, SATURDAY = 4, 5


def hours(first: str, last: str, *weekdays: int) -> WeeklyHours:
    span = TimeRange(first=time.fromisoformat(first), last=time.fromisoformat(last))
    return WeeklyHours(hours=span, weekdays=frozenset(weekdays))


@pytest.mark.parametrize(
    ("span", "at", "inside"),
    [
        (hours("09:00", "17:00", FRIDAY), "2026-04-03T09:00", True),  # a Friday
        (hours("09:00", "17:00", FRIDAY), "2026-04-03T17:00", False),
        (hours("09:00", "17:00", FRIDAY), "2026-04-04T09:00", False),
        (hours("22:00", "05:00", FRIDAY), "2026-04-03T22:00", True),
        (hours("22:00", "05:00", FRIDAY), "2026-04-04T04:59", True),  # still Friday's
        (hours("22:00", "05:00", FRIDAY), "2026-04-04T22:00", False),
        (hours("22:00", "05:00", FRIDAY), "2026-04-03T04:59", False),  # Thursday's
        (hours("00:00", "00:00", SATURDAY), "2026-04-04T00:00", True),
        (hours("00:00", "00:00", SATURDAY), "2026-04-04T23:59:59", True),
        (hours("00:00", "00:00", SATURDAY), "2026-04-05T00:00", False),
        (hours("05:00", "05:00", FRIDAY), "2026-04-04T04:59", True),
        (hours("05:00", "05:00", FRIDAY), "2026-04-04T05:00", False),
    ],
)
def test_what_lies_after_midnight_belongs_to_the_day_before(span: WeeklyHours, at: str, *, inside: bool) -> None:
    assert (datetime.fromisoformat(at).replace(tzinfo=TOKYO) in span) is inside

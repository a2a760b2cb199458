from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from kazasu.model.moment import Moment, TimeSource

AT = datetime(2026, 4, 1, 8, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "mono_ms", "boot", "step_ms"),
    [
        (60, 67_000, "b", 0),
        (60, 7_000, "b", 60_000),
        (-3600, 67_000, "b", -3_660_000),
        (86_400, 30_000, "c", 0),
        (10, 30_000, "c", -20_000),
        (30, 30_000, "c", 0),
    ],
    ids=["time passes", "set on", "set back", "off for a day", "set back while off", "off for no time"],
)
def test_a_step_is_what_the_monotonic_clock_does_not_explain(
    seconds: int, mono_ms: int, boot: str, step_ms: int
) -> None:
    before = Moment(at=AT, source=TimeSource.NTP, error_ms=5, boot="b", mono_ms=7_000)
    moment = Moment(at=AT + timedelta(seconds=seconds), source=TimeSource.NTP, error_ms=5, boot=boot, mono_ms=mono_ms)

    assert moment.step_ms(before) == step_ms


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe"])
def test_the_days_on_which_the_hour_changes_are_no_step(zone: str) -> None:
    first = datetime(2026, 1, 1, tzinfo=UTC)
    moments = [
        Moment(
            at=(first + timedelta(hours=hour)).astimezone(ZoneInfo(zone)),
            source=TimeSource.NTP,
            error_ms=5,
            boot="b",
            mono_ms=hour * 3_600_000,
        )
        for hour in range(365 * 24)
    ]
    assert all(moment.step_ms(before) == 0 for before, moment in pairwise(moments))


def test_the_time_is_rfc_3339_with_offset_and_milliseconds() -> None:
    """RFC 3339, section 5.6, page 8."""
    tokyo = timezone(timedelta(hours=9))
    at = datetime(2026, 4, 1, 8, 30, 0, 123_999, tzinfo=tokyo)
    moment = Moment(at=at, source=TimeSource.NTP, error_ms=5, boot="b" * 32, mono_ms=7)

    assert moment.time == "2026-04-01T08:30:00.123+09:00"
    assert datetime.fromisoformat(moment.time).utcoffset() == timedelta(hours=9)

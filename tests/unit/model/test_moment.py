from __future__ import annotations

from datetime import datetime, timedelta, timezone

from kazasu.model.moment import Moment, TimeSource


def test_the_time_is_rfc_3339_with_offset_and_milliseconds() -> None:
    """RFC 3339, section 5.6, page 8."""
    tokyo = timezone(timedelta(hours=9))
    at = datetime(2026, 4, 1, 8, 30, 0, 123_999, tzinfo=tokyo)
    moment = Moment(at=at, source=TimeSource.NTP, error_ms=5, boot="b" * 32, mono_ms=7)

    assert moment.time == "2026-04-01T08:30:00.123+09:00"
    assert datetime.fromisoformat(moment.time).utcoffset() == timedelta(hours=9)

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from fakes.journal import FakeJournal
from kazasu.model.event import Draft
from kazasu.model.moment import Moment, TimeSource
from kazasu.services.own_punches import OwnPunches

if TYPE_CHECKING:
    from kazasu.model.event import Event

MORNING = datetime(2024, 2, 29, 8, 31, tzinfo=UTC)


def recorded(event_type: str, number: str, after: timedelta = timedelta()) -> Event:
    moment = Moment(at=MORNING + after, source=TimeSource.NTP, error_ms=1, boot="0" * 32, mono_ms=1)
    return FakeJournal().append(Draft(event_type=event_type, moment=moment, fields={"cardholder": number}))


def test_a_person_sees_their_own_last_two_newest_first() -> None:
    punches = OwnPunches()
    for event in (
        recorded("attendance.in", "1001"),
        recorded("attendance.in", "1002", timedelta(minutes=1)),
        recorded("attendance.out", "1001", timedelta(hours=4)),
        recorded("attendance.in", "1001", timedelta(hours=5)),
    ):
        punches.recorded(event)
    assert punches.of("1001") == (("in", "13:31"), ("out", "12:31"))
    assert punches.of("1002") == (("in", "08:32"),)


def test_a_denied_or_repeated_tap_is_no_punch() -> None:
    punches = OwnPunches()
    punches.recorded(recorded("attendance.suppressed", "1001"))
    punches.recorded(recorded("attendance.denied", "1001"))
    assert punches.of("1001") == ()


def test_who_has_not_come_for_two_days_is_forgotten() -> None:
    punches = OwnPunches()
    punches.recorded(recorded("attendance.in", "1001"))
    punches.recorded(recorded("attendance.in", "1002", timedelta(days=3)))
    assert punches.of("1001") == ()
    assert punches.of("1002") == (("in", "08:31"),)

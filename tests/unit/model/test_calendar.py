from __future__ import annotations

import subprocess
import sys
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from kazasu.model.calendar import (
    Answer,
    Days,
    HolidayCalendar,
    Outside,
    Schedule,
    YearlyDays,
    national_days,
)
from kazasu.model.schedule import TimeRange, WeeklyHours

TOKYO = ZoneInfo("Asia/Tokyo")
WORKDAYS = frozenset(range(5))
EVERY_DAY = frozenset(range(7))
JAPAN = national_days("JP")
TURN_OF_THE_YEAR = YearlyDays(first=(12, 29), last=(1, 3))
HOLIDAYS = HolidayCalendar((TURN_OF_THE_YEAR, Days(first=date(2026, 8, 13), last=date(2026, 8, 15))), JAPAN)


def span(words: str) -> TimeRange:
    first, last = words.split("-")
    return TimeRange(first=time.fromisoformat(first), last=time.fromisoformat(last))


def schedule(
    *hours: tuple[str, frozenset[int]], on_holidays: tuple[str, ...] | None = (), calendar: HolidayCalendar = HOLIDAYS
) -> Schedule:
    return Schedule(
        name="office",
        hours=tuple(WeeklyHours(hours=span(words), weekdays=days) for words, days in hours),
        on_holidays=None if on_holidays is None else tuple(map(span, on_holidays)),
        holidays=calendar,
    )


def at(words: str, zone: str = "Asia/Tokyo", fold: int = 0) -> datetime:
    return datetime.fromisoformat(words).replace(tzinfo=ZoneInfo(zone), fold=fold)


OFFICE = schedule(("07:00-20:00", WORKDAYS))


@pytest.mark.parametrize(
    ("moment", "outside"),
    [
        ("2026-11-24T06:59:59", Outside.HOURS),  # a Tuesday
        ("2026-11-24T07:00", None),
        ("2026-11-24T19:59:59.999999", None),
        ("2026-11-24T20:00", Outside.HOURS),
        ("2026-11-22T12:00", Outside.HOURS),  # a Sunday
        ("2026-11-23T12:00", Outside.HOLIDAY),  # 勤労感謝の日
        ("2026-11-23T05:00", Outside.HOURS),  # closed then on any Monday
        ("2026-05-06T12:00", Outside.HOLIDAY),  # 振替休日: the 3rd of May is a Sunday
        ("2026-09-22T12:00", Outside.HOLIDAY),  # 国民の休日, between two holidays
        ("2026-12-28T12:00", None),
        ("2026-12-29T12:00", Outside.HOLIDAY),
        ("2026-12-31T12:00", Outside.HOLIDAY),
        ("2027-01-01T12:00", Outside.HOLIDAY),
        ("2027-01-04T12:00", None),
        ("2026-08-14T12:00", Outside.HOLIDAY),
        ("2027-08-13T12:00", None),  # the site's day of one year
        ("2019-04-30T12:00", Outside.HOLIDAY),  # 天皇の即位の日's neighbours, of that year only
    ],
)
def test_office_hours_keep_the_countrys_and_the_sites_days(moment: str, outside: Outside | None) -> None:
    assert OFFICE.outside(at(moment)) is outside


@pytest.mark.parametrize(
    ("day", "yearly", "inside"),
    [
        ("2028-02-29", YearlyDays(first=(2, 29), last=(2, 29)), True),
        ("2028-02-28", YearlyDays(first=(2, 29), last=(2, 29)), False),
        ("2027-03-01", YearlyDays(first=(2, 29), last=(2, 29)), False),
        ("2028-02-29", YearlyDays(first=(2, 25), last=(3, 1)), True),
        ("2028-02-29", YearlyDays(first=(2, 1), last=(2, 28)), False),
        ("2026-12-28", TURN_OF_THE_YEAR, False),
        ("2026-12-29", TURN_OF_THE_YEAR, True),
        ("2027-01-03", TURN_OF_THE_YEAR, True),
        ("2027-01-04", TURN_OF_THE_YEAR, False),
    ],
)
def test_days_of_every_year_know_the_leap_day_and_the_turn_of_the_year(
    day: str, yearly: YearlyDays, inside: bool
) -> None:
    assert (date.fromisoformat(day) in yearly) is inside


def test_the_29th_of_february_is_a_day_of_the_week_like_any_other() -> None:
    assert OFFICE.outside(at("2028-02-29T12:00")) is None  # a Tuesday
    assert OFFICE.outside(at("2032-02-29T12:00")) is Outside.HOURS  # a Sunday


@pytest.mark.parametrize(
    ("moment", "outside"),
    [
        ("2026-12-29T10:59", Outside.HOLIDAY),
        ("2026-12-29T11:00", None),
        ("2026-12-29T14:59", None),
        ("2026-12-29T15:00", Outside.HOLIDAY),
        ("2026-12-28T06:00", Outside.HOURS),
        ("2027-01-03T12:00", None),  # a Sunday, and a holiday
        ("2027-01-10T12:00", Outside.HOURS),  # a Sunday
    ],
)
def test_a_holiday_can_have_hours_of_its_own(moment: str, outside: Outside | None) -> None:
    shop = schedule(("07:00-20:00", WORKDAYS), on_holidays=("11:00-15:00",))
    assert shop.outside(at(moment)) is outside


@pytest.mark.parametrize(
    ("moment", "outside"),
    [
        ("2026-11-22T22:00", None),  # Sunday's shift …
        ("2026-11-23T05:59", None),  # … ends on the holiday on which it began not
        ("2026-11-23T22:00", Outside.HOLIDAY),  # the holiday's own shift is none …
        ("2026-11-24T05:59", Outside.HOLIDAY),  # … and does not begin at midnight, either
        ("2026-11-24T22:00", None),
    ],
)
def test_a_night_shift_belongs_to_the_day_on_which_it_began(moment: str, outside: Outside | None) -> None:
    assert schedule(("22:00-06:00", EVERY_DAY)).outside(at(moment)) is outside


def test_a_holiday_may_be_a_day_like_any_other() -> None:
    assert schedule(("07:00-20:00", WORKDAYS), on_holidays=None).outside(at("2026-11-23T12:00")) is None


@pytest.mark.parametrize("year", [1948, 2100, 9999])
@pytest.mark.parametrize("own_hours", [(), ("11:00-15:00",)])
def test_where_nobody_knows_the_holidays_a_door_opens_only_if_it_would_either_way(
    year: int, own_hours: tuple[str, ...]
) -> None:
    day = next(date(year, 6, number) for number in range(1, 8) if date(year, 6, number).weekday() == 0)
    hours = schedule(("07:00-20:00", WORKDAYS), on_holidays=own_hours)

    assert HOLIDAYS.answer(day) is Answer.UNKNOWN
    assert hours.outside(datetime.combine(day, time(8), TOKYO)) is Outside.HOLIDAY
    assert (hours.outside(datetime.combine(day, time(12), TOKYO)) is None) is bool(own_hours)
    assert HolidayCalendar((TURN_OF_THE_YEAR,), JAPAN).answer(date(year, 12, 30)) is Answer.YES


@pytest.mark.parametrize(
    ("zone", "moment", "fold", "outside"),
    [
        ("Europe/Berlin", "2026-10-25T02:30", 0, None),  # comes twice
        ("Europe/Berlin", "2026-10-25T02:30", 1, None),
        ("Europe/Berlin", "2026-10-25T03:00", 0, Outside.HOURS),
        ("Europe/Berlin", "2026-03-29T03:00", 0, Outside.HOURS),  # 02:00 to 03:00 never comes
        ("Australia/Lord_Howe", "2026-04-05T01:45", 1, Outside.HOURS),  # back by half an hour
        ("Asia/Kathmandu", "2026-04-05T02:00", 0, None),  # +05:45
        ("Asia/Tokyo", "2026-04-05T02:00", 0, None),
    ],
)
def test_hours_are_what_the_clock_on_the_wall_shows_in_every_zone(
    zone: str, moment: str, fold: int, outside: Outside | None
) -> None:
    night = schedule(("02:00-03:00", EVERY_DAY), on_holidays=None)
    assert night.outside(at(moment, zone, fold)) is outside


@pytest.mark.parametrize(
    "zone",
    ["Asia/Tokyo", "Europe/Berlin", "America/Sao_Paulo", "Australia/Lord_Howe", "Pacific/Apia", "Asia/Kathmandu"],
)
def test_every_instant_of_a_year_is_judged_by_its_wall_time_alone(zone: str) -> None:
    shift, instant = schedule(("22:00-06:00", WORKDAYS), on_holidays=None), datetime(2026, 1, 1, tzinfo=UTC)
    for _ in range(365 * 4):
        instant += timedelta(hours=5, minutes=59, seconds=13)
        wall = instant.astimezone(ZoneInfo(zone))
        began = (wall.replace(tzinfo=None) - timedelta(hours=6)).date() if wall.hour < 6 else wall.date()
        night = wall.hour >= 22 or wall.hour < 6
        assert (shift.outside(wall) is None) is (night and began.weekday() < 5)


def test_a_country_that_nobody_knows_is_refused() -> None:
    with pytest.raises(ValueError, match="no country"):
        national_days("XX")


def test_holidays_are_imported_only_by_who_keeps_them() -> None:
    code = "import sys, kazasu.app, kazasu.cli.check_config; sys.exit('holidays' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)

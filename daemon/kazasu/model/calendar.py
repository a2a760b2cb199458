"""Holidays and the hours that go by them: the days of a country and the site's own, on the clock on the wall.

The days of a country come from the package `holidays`, which is imported when the first calendar that needs it is made:
measured on an x86-64 machine 80 to 130 ms and 14 MB, since it brings every country's rules (on a Pi Zero 2 W five times
as long). A terminal whose doors keep no country's holidays never imports it.
"""

from __future__ import annotations

import enum
import functools
from datetime import date, datetime
from typing import TYPE_CHECKING, TypeAlias

import msgspec

from kazasu.model.schedule import TimeRange, WeeklyHours

if TYPE_CHECKING:
    from collections.abc import Callable

YearlyDay: TypeAlias = tuple[int, int]
"""Month and day; the 29th of February comes in leap years only."""

_KEPT_DAYS = 4
_KEPT_YEARS = 4  # a shift of yesterday on New Year's Day asks for two


class YearlyDays(msgspec.Struct, frozen=True, kw_only=True):
    """Days of every year, both ends included; may go on into the next year, as the turn of the year does."""

    first: YearlyDay
    last: YearlyDay

    def __contains__(self, day: date) -> bool:
        at = (day.month, day.day)
        if self.first <= self.last:
            return self.first <= at <= self.last
        return at >= self.first or at <= self.last


class Days(msgspec.Struct, frozen=True, kw_only=True):
    """Days of one year, both ends included."""

    first: date
    last: date

    def __contains__(self, day: date) -> bool:
        return self.first <= day <= self.last


class Answer(enum.Enum):
    """Whether a day is a holiday."""

    NO = "no"
    YES = "yes"
    UNKNOWN = "unknown"  # beyond the years whose holidays the package knows: open only what is open either way


class HolidayCalendar:
    """Which days are holidays.

    Args:
        own: the site's, each year's or one year's.
        national: the holidays of one year, or None if nobody knows them; None: the country's do not count.
    """

    def __init__(
        self,
        own: tuple[YearlyDays | Days, ...] = (),
        national: Callable[[int], frozenset[date] | None] | None = None,
    ) -> None:
        self._own = own
        self._national = None if national is None else functools.lru_cache(maxsize=_KEPT_YEARS)(national)
        self._answers = functools.lru_cache(maxsize=_KEPT_DAYS)(self._answer)  # every schedule asks the same

    def answer(self, day: date) -> Answer:
        """Say whether a day is a holiday."""
        return self._answers(day)

    def _answer(self, day: date) -> Answer:
        if any(day in days for days in self._own):
            return Answer.YES
        if self._national is None:
            return Answer.NO
        days = self._national(day.year)
        if days is None:
            return Answer.UNKNOWN
        return Answer.YES if day in days else Answer.NO


NO_HOLIDAYS = HolidayCalendar()


def national_days(country: str) -> Callable[[int], frozenset[date] | None]:
    """The public holidays of a country, a year at a time; imports `holidays`, so that no tap waits for it.

    Args:
        country: ISO 3166-1 alpha-2; "JP" has the holidays of 国民の祝日に関する法律, the substitute ones included.

    Raises:
        ValueError: the package knows no such country.
    """
    import holidays  # costly: see above

    try:
        known = holidays.country_holidays(country)
    except NotImplementedError as error:
        raise ValueError(f'{country!r} is no country whose holidays are known, such as "JP"') from error
    first_year, last_year = known.start_year, known.end_year

    def of(year: int) -> frozenset[date] | None:
        if not first_year <= year <= last_year:
            return None
        return frozenset(holidays.country_holidays(country, years=year, expand=False))

    return of


class Outside(enum.Enum):
    """Why a time lies outside a schedule's hours."""

    HOURS = "hours"
    HOLIDAY = "holiday"  # within the week's hours, but the day is a holiday


class Schedule(msgspec.Struct, frozen=True, kw_only=True):
    """The hours of the week, and those of holidays.

    Attributes:
        name: the site's.
        hours: of the week; hours that go on after midnight belong to the day on which they began, so a shift that
            began before a holiday goes on into it, and one that would begin on it does not.
        on_holidays: instead of the week's; empty: none; None: a holiday is a day like any other.
        holidays: which days those are.
    """

    name: str
    hours: tuple[WeeklyHours, ...]
    on_holidays: tuple[TimeRange, ...] | None = None
    holidays: HolidayCalendar = NO_HOLIDAYS

    def outside(self, at: datetime) -> Outside | None:
        """Say why a time lies outside the hours; None if it lies within them.

        Args:
            at: aware, in the terminal's time zone; only what the clock on the wall shows counts, so in the hour that
                comes twice in autumn both are within, and the one that is left out in spring never comes.
        """
        by_week = [began for each in self.hours if (began := each.began(at)) is not None]
        if self.on_holidays is None:
            return None if by_week else Outside.HOURS
        by_holiday = [began for each in self.on_holidays if (began := each.began(at)) is not None]
        for unknown_is_holiday in (False, True):
            of_the_week = any(not self._holiday(day, unknown=unknown_is_holiday) for day in by_week)
            if not of_the_week and not any(self._holiday(day, unknown=unknown_is_holiday) for day in by_holiday):
                return Outside.HOLIDAY if by_week else Outside.HOURS
        return None

    def _holiday(self, day: date, *, unknown: bool) -> bool:
        answer = self.holidays.answer(day)
        return unknown if answer is Answer.UNKNOWN else answer is Answer.YES

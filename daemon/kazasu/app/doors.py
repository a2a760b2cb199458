"""Doors, put together from the configuration: who may pass. The rest is assemble.py's."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from kazasu.errors import ConfigurationError
from kazasu.model import passback
from kazasu.model.access import Assurance
from kazasu.model.access_level import AccessLevel, AccessLevels
from kazasu.model.calendar import NO_HOLIDAYS, Days, HolidayCalendar, Schedule, YearlyDays, national_days
from kazasu.model.door_rules import DoorPolicy, DoorRules, DoorSite, Passage
from kazasu.model.schedule import TimeRange, WeeklyHours
from kazasu.services.door_access import DoorAccess

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from kazasu.model import setting
    from kazasu.model.configuration import Config


def door_access(
    config: Config, *, secure: Callable[[str], bool], roster_made_s: Callable[[], int | None]
) -> DoorAccess:
    """The service that decides who passes doors.

    Args:
        config: checked, with doors.
        secure: whether a door is closed and locked.
        roster_made_s: see ports.store.Roster.made_s.

    Raises:
        ConfigurationError: the holidays of a country that nobody knows.
    """
    return DoorAccess(door_site(config), access_levels(config), secure=secure, roster_made_s=roster_made_s)


def access_levels(config: Config) -> AccessLevels:
    """The access levels of the configuration.

    Raises:
        ConfigurationError: the holidays of a country that nobody knows.
    """
    by_name = schedules(config)
    every_door = frozenset(door.name for door in config.doors)
    return AccessLevels(
        AccessLevel(
            name=level.name,
            doors=frozenset(door for door in every_door if level.opens(door)),
            schedule=None if level.schedule is None else by_name[level.schedule],
            min_assurance=Assurance.from_word(level.min_assurance),
            valid_from=level.valid_from,
            valid_until=level.valid_until,
            needs_escort=level.needs_escort,
            escorts=level.escorts,
            extended=level.extended,
            emergency=level.emergency,
            in_lockdown=level.in_lockdown,
            first_person=level.first_person,
            no_passback=level.no_passback,
        )
        for level in config.levels
    )


def door_policy(config: Config) -> DoorPolicy | None:
    """What a new roster of the site's can change: None for a terminal without doors.

    Raises:
        ConfigurationError: the holidays of a country that nobody knows.
    """
    if not config.doors:
        return None
    by_name = schedules(config)
    unlock = {door.name: by_name[door.unlock] for door in config.doors if door.unlock is not None}
    return DoorPolicy(levels=access_levels(config), unlock=unlock)


def door_site(config: Config) -> DoorSite:
    """What the configuration says of doors.

    Raises:
        ConfigurationError: the holidays of a country that nobody knows.
        ValueError: there is no [services.door].
    """
    service = config.services.door
    if service is None:
        raise ValueError("there are no doors")
    by_name = schedules(config)
    return DoorSite(
        doors=tuple(
            DoorRules(
                name=door.name,
                two_person=door.two_person,
                interlock=door.interlock,
                unlock=None if door.unlock is None else by_name[door.unlock],
                first_person=door.first_person,
            )
            for door in config.doors
        ),
        passages=_passages(config),
        zone=config.terminal.timezone,
        areas=areas(config),
        company_within_s=service.company_within,
        roster_max_age_s=service.roster_max_age,
    )


def areas(config: Config) -> tuple[passback.Area, ...]:
    """The areas that have rules."""
    return tuple(
        passback.Area(
            name=area.name,
            passback=area.passback,
            within_s=area.within or 0,
            reset_at=area.reset,
            capacity=area.capacity,
        )
        for area in config.areas
    )


def schedules(config: Config) -> Mapping[str, Schedule]:
    """The schedules of the configuration, by name.

    Raises:
        ConfigurationError: the holidays of a country that nobody knows.
    """
    calendar = _calendar(config)
    return {
        each.name: Schedule(
            name=each.name,
            hours=tuple(WeeklyHours(hours=_hours(part.during), weekdays=part.weekdays) for part in each.hours),
            on_holidays=None if each.on_holidays is None else tuple(map(_hours, each.on_holidays)),
            holidays=calendar,
        )
        for each in config.schedules
    }


def _passages(config: Config) -> Mapping[str, Passage]:
    ways: dict[str, Passage] = {}
    for door in config.doors:
        inner, outer = (door.area or "", door.from_area) if door.area else ("", "")
        for reader in door.readers:
            ways[reader] = Passage(door=door.name, way="in", leaves=outer, enters=inner)
        for reader in door.exit_readers:
            ways[reader] = Passage(door=door.name, way="out", leaves=inner, enters=outer)
    return ways


def _calendar(config: Config) -> HolidayCalendar:
    """All [[holidays]] together; imports a country's only if a schedule keeps any."""
    if not any(schedule.on_holidays is not None for schedule in config.schedules):
        return NO_HOLIDAYS
    countries = [each.country for each in config.holidays if each.country is not None]
    try:
        known = [national_days(country) for country in dict.fromkeys(countries)]
    except ValueError as error:
        raise ConfigurationError(f"[[holidays]]: {error}") from error

    def all_of(year: int) -> frozenset[date] | None:
        found = [days(year) for days in known]
        return None if None in found else frozenset().union(*(days for days in found if days is not None))

    own = tuple(_days(part) for each in config.holidays for part in each.days)
    return HolidayCalendar(own, all_of if known else None)


def _days(part: setting.DayRange) -> Days | YearlyDays:
    first, last = part.first, part.last
    if isinstance(first, date) and isinstance(last, date):
        return Days(first=first, last=last)
    if isinstance(first, tuple) and isinstance(last, tuple):
        return YearlyDays(first=first, last=last)
    raise TypeError("the configuration keeps them apart")


def _hours(part: setting.TimeRange) -> TimeRange:
    return TimeRange(first=part.first, last=part.last)

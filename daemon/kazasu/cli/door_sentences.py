"""The doors of a configuration in sentences, as the people would say them who asked for the doors."""

from __future__ import annotations

from datetime import date, time
from typing import TYPE_CHECKING

from kazasu.app.doors import schedules
from kazasu.model.schedule import WEEKDAYS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kazasu.model.configuration import Config
    from kazasu.model.configuration_doors import Area, Door, Level, Schedule
    from kazasu.model.setting import DayRange, TimeRange

_TO = "\N{EN DASH}"
_IN_ONE_SENTENCE = 3
_DAYS = {frozenset(range(7)): "every day", frozenset(range(5)): "weekdays", frozenset({5, 6}): "weekends"}


def door_sentences(config: Config) -> Iterator[str]:
    """Say what the configuration means at each door.

    Raises:
        ConfigurationError: what shows only when it is put together, such as a country whose holidays nobody knows.
    """
    schedules(config)
    for door in config.doors:
        yield from _door(door, config)
    if config.doors:
        yield from _emergencies(config)
    if any(schedule.on_holidays is not None for schedule in config.schedules):
        countries = [f"the public ones of {each.country}" for each in config.holidays if each.country]
        own = [_day_range(days) for each in config.holidays for days in each.days]
        yield f"Holidays: {', '.join([*countries, *own])}."
    for level in config.levels:
        if not level.doors and not (level.escorts or level.extended or level.no_passback):
            yield f"Level {_name(level)} opens no door here and says nothing of its people."


def _door(door: Door, config: Config) -> Iterator[str]:
    levels = [level for level in config.levels if level.opens(door.name)]
    told = [_level(level, config) for level in levels]
    if not told:
        who = "nobody, since no level opens it"
    elif len(told) > _IN_ONE_SENTENCE:
        who = f"staff with one of {len(told)} levels"
    else:
        who = f"staff with {'; or with '.join(told)}"
    yield f"Door {door.shown}: {who}; {_lock(door)}; {_alarm(door)}."
    if len(told) > _IN_ONE_SENTENCE:
        yield from (f"  {words[0].upper()}{words[1:]}." for words in told)
    yield from (f"  {words}." for words in _rules(door, config))


def _level(level: Level, config: Config) -> str:
    parts = [f"level {_name(level)}", _when(level.schedule, config, f" {config.terminal.timezone}")]
    if level.valid_from is not None:
        parts.append(f"from {level.valid_from}")
    if level.valid_until is not None:
        parts.append(f"until {level.valid_until}")
    more = "" if level.min_assurance == "challenge_pin" else " or better"
    parts.append(f"{level.min_assurance}{more}")
    words = {
        "with an escort": level.needs_escort,
        "may escort visitors": level.escorts,
        "also in a lockdown": level.in_lockdown,
        "also in an emergency": level.emergency,
        "released for longer": level.extended,
        "passback only recorded": level.no_passback,
    }
    return ", ".join([*parts, *(word for word, said in words.items() if said)])


def _when(name: str | None, config: Config, zone: str = "") -> str:
    return "at any time" if name is None else _hours(next(each for each in config.schedules if each.name == name), zone)


def _hours(schedule: Schedule, zone: str) -> str:
    week = " and ".join(f"{_weekdays(part.weekdays)} {_span(part.during)}" for part in schedule.hours) + zone
    if schedule.on_holidays is None:
        return week
    if not schedule.on_holidays:
        return f"{week}, not on holidays"
    return f"{week}, on holidays {' and '.join(map(_span, schedule.on_holidays))}"


def _weekdays(days: frozenset[int]) -> str:
    return _DAYS.get(days) or ", ".join(WEEKDAYS[day] for day in sorted(days))


def _span(span: TimeRange) -> str:
    if span.first == span.last:
        return f"from {span.first.isoformat('minutes')} for 24 h" if span.first != time.min else "the whole day"
    last = "24:00" if span.last == time.min else span.last.isoformat("minutes")
    return f"{span.first.isoformat('minutes')}{_TO}{last}"


def _lock(door: Door) -> str:
    part = "strike" if door.fail == "secure" else "magnet"
    if door.strike is None:
        return f"no {part} is wired"
    return f"{part} on GPIO {door.strike.pin} for {door.release:g} s"


def _alarm(door: Door) -> str:
    if door.contact is None:
        return "no contact is wired, so nobody sees it held open or forced"
    return f"alarm after {door.held_open:g} s open"


def _rules(door: Door, config: Config) -> Iterator[str]:
    if not door.readers and not door.exit_readers:
        yield "No reader is at it"
    if door.fire is None and door.strike is not None and door.fail == "safe":
        yield "No fire alarm is wired to it: the magnet has to lose its power without this terminal"
    if door.two_person and config.services.door is not None:
        yield f"Nobody enters alone: the second person taps within {config.services.door.company_within:g} s"
    if door.interlock:
        others = [other.shown for other in config.doors if other.name in door.interlock]
        yield f"Opens only while {' and '.join(others)} {'is' if len(others) == 1 else 'are'} closed and locked"
    if door.unlock is not None:
        starts = ", once somebody has entered who may start that" if door.first_person else ""
        yield f"Stays unlocked {_when(door.unlock, config)}{starts}"
    if door.area is not None:
        area = next((each for each in config.areas if each.name == door.area), None)
        yield f"Leads from {door.from_area} into {door.area}{'' if area is None else _area(area)}"


def _area(area: Area) -> str:
    rules = {
        "off": "",
        "soft": "; passback is recorded",
        "hard": "; passback is denied",
        "timed": f"; nobody enters again within {area.within} who was not elsewhere since",
    }
    reset = "" if area.reset is None else f"; everybody is forgotten at {area.reset.isoformat('minutes')}"
    return rules[area.passback] + ("" if area.capacity is None else f"; takes {area.capacity} people") + reset


def _emergencies(config: Config) -> Iterator[str]:
    max_age = config.services.door and config.services.door.roster_max_age
    cases = "while the clock is unset" + ("" if max_age is None else f", or the roster older than {max_age}")
    for door in config.doors:
        levels = [_name(level) for level in config.levels if level.emergency and level.opens(door.name)]
        who = f"only level {' and '.join(levels)} opens" if levels else "nobody opens"
        yield f"  {cases[0].upper()}{cases[1:]}, {who} Door {door.shown}."


def _name(level: Level) -> str:
    return level.title or level.name


def _day_range(days: DayRange) -> str:
    first, last = _day(days.first), _day(days.last)
    return first if first == last else f"{first} to {last}"


def _day(day: date | tuple[int, int]) -> str:
    return day.isoformat() if isinstance(day, date) else f"{day[0]:02}-{day[1]:02}"

"""What an installer can set about doors; each class is a table of config/kazasu.toml, as in configuration.py.

A table reads like the door it describes; where one names another ([[levels]] a door, a door a schedule), what the name
stands for is looked for when the whole file is checked.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec

from kazasu.model.presence import OUTSIDE
from kazasu.model.setting import DayRange, Duration, LocalTime, TimeRange, WeekHours, within
from kazasu.model.table import AssuranceWord, ButtonPin, Name, Pin, ReaderName, Table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

EVERY_DOOR = "*"
Title = Annotated[str, msgspec.Meta(min_length=1, max_length=60, description="text of 1 to 60 characters")]
PeopleNumber = Annotated[int, msgspec.Meta(ge=1, le=1_000_000, description="a number of people, 1 to 1000000")]
Country = Annotated[str, msgspec.Meta(pattern=r"^[A-Z]{2}\Z", description="two capital letters (ISO 3166), such as JP")]


class DoorService(Table, frozen=True, kw_only=True):
    """[services.door]."""

    company_within: Duration = Duration(15)
    roster_max_age: Duration | None = None

    def __post_init__(self) -> None:
        within(self.company_within, "company_within", 3, 120)
        if self.roster_max_age is not None:
            within(self.roster_max_age, "roster_max_age", 3600, 3650 * 86400)


class Door(Table, frozen=True, kw_only=True):
    """[[doors]]."""

    name: Name
    title: Title | None = None
    readers: tuple[ReaderName, ...] = ()
    exit_readers: tuple[ReaderName, ...] = ()
    area: Name | None = None
    from_area: Name = OUTSIDE
    strike: Pin | None = None
    fail: Literal["secure", "safe"] = "secure"
    release: Duration = Duration(5)
    extended_release: Duration = Duration(15)
    contact: ButtonPin | None = None
    held_open_warning: Duration = Duration(20)
    held_open: Duration = Duration(30)
    rex: ButtonPin | None = None
    motion: ButtonPin | None = None
    fire: ButtonPin | None = None
    tamper: ButtonPin | None = None
    two_person: bool = False
    interlock: tuple[Name, ...] = ()
    unlock: Name | None = None
    first_person: bool = False

    def __post_init__(self) -> None:
        within(self.release, "release", 1, 60)
        within(self.extended_release, "extended_release", self.release, 300)
        within(self.held_open, "held_open", 5, 3600)
        within(self.held_open_warning, "held_open_warning", 1, self.held_open)
        if self.name in self.interlock:
            raise ValueError("`interlock` names the door itself; it names the others")
        if self.first_person and self.unlock is None:
            raise ValueError("`first_person` is about the hours of `unlock`, which is missing")
        if self.area == self.from_area:
            raise ValueError(f"`area` and `from_area` are both {self.area}: the door leads from one into the other")

    @property
    def shown(self) -> str:
        """What people call it."""
        return self.title or self.name

    @property
    def pins(self) -> tuple[int, ...]:
        """The pins that it takes."""
        wired = (self.strike, self.contact, self.rex, self.motion, self.fire, self.tamper)
        return tuple(pin.pin for pin in wired if pin is not None)


class Area(Table, frozen=True, kw_only=True):
    """[[areas]]."""

    name: Name
    passback: Literal["off", "soft", "hard", "timed"] = "off"
    within: Duration | None = None
    reset: LocalTime | None = None
    capacity: (
        Annotated[int, msgspec.Meta(ge=1, le=1_000_000, description="a number of people, 1 to 1000000")] | None
    ) = None

    def __post_init__(self) -> None:
        if (self.passback == "timed") != (self.within is not None):
            raise ValueError('`within` belongs to passback = "timed", and that needs it')
        if self.within is not None:
            within(self.within, "within", 10, 86400)


class Schedule(Table, frozen=True, kw_only=True):
    """[[schedules]]."""

    name: Name
    hours: Annotated[tuple[WeekHours, ...], msgspec.Meta(min_length=1)]
    on_holidays: tuple[TimeRange, ...] | None = None


class Holidays(Table, frozen=True, kw_only=True):
    """[[holidays]]."""

    country: Country | None = None
    days: tuple[DayRange, ...] = ()

    def __post_init__(self) -> None:
        if (self.country is None) == (not self.days):
            raise ValueError("name a `country` or `days`, one of them in each table")


class Level(Table, frozen=True, kw_only=True):
    """[[levels]]."""

    name: Name
    title: Title | None = None
    doors: tuple[Annotated[str, msgspec.Meta(pattern=r"^(\*|[a-z0-9][a-z0-9-]{0,31})\Z")], ...] = ()
    schedule: Name | None = None
    min_assurance: AssuranceWord = "serial"
    valid_from: date | None = None
    valid_until: date | None = None
    needs_escort: bool = False
    escorts: bool = False
    extended: bool = False
    emergency: bool = False
    in_lockdown: bool = False
    first_person: bool = False
    no_passback: bool = False

    def __post_init__(self) -> None:
        if self.valid_from is not None and self.valid_until is not None and self.valid_until < self.valid_from:
            raise ValueError(f"`valid_until` {self.valid_until} lies before `valid_from` {self.valid_from}")
        if self.needs_escort and self.escorts:
            raise ValueError("`needs_escort` and `escorts` cannot both be: who needs one is none")

    def opens(self, door: str) -> bool:
        """Whether it is about a door."""
        return door in self.doors or EVERY_DOOR in self.doors


class Rules(Table, frozen=True, kw_only=True):
    """Who may pass when: tables that a site can also give all its terminals at once, with its roster."""

    schedules: tuple[Schedule, ...] = ()
    holidays: tuple[Holidays, ...] = ()
    levels: tuple[Level, ...] = ()


class DoorTables(Rules, frozen=True, kw_only=True):
    """The tables of the file that are about doors."""

    doors: tuple[Door, ...] = ()
    areas: tuple[Area, ...] = ()


def problems_of_rules(rules: Rules) -> Iterator[str]:
    """Say what rules for a whole site, whose doors are on its terminals, have wrong together."""
    for kind in ("schedules", "levels"):
        names = [each.name for each in getattr(rules, kind)]
        yield from (f"two [[{kind}]] are called {name}" for name in _twice(names))
    schedules = [schedule.name for schedule in rules.schedules]
    for level in rules.levels:
        if level.schedule is not None:
            yield from _unknown(f"level {level.name}", "schedule", level.schedule, schedules)
    yield from _problems_of_holidays(rules)


def rules_at(doors: tuple[Door, ...], rules: Rules) -> Rules:
    """What a site's rules are at a terminal: levels that are only about doors elsewhere are none here."""
    names = {EVERY_DOOR, *(door.name for door in doors)}
    here = tuple(
        msgspec.structs.replace(level, doors=tuple(door for door in level.doors if door in names))
        for level in rules.levels
        if not level.doors or not names.isdisjoint(level.doors)
    )
    return Rules(schedules=rules.schedules, holidays=rules.holidays, levels=here)


def problems_of_doors(tables: DoorTables, readers: Sequence[str]) -> Iterator[str]:
    """Say what tables that are sound by themselves have wrong together.

    Args:
        tables: of one file.
        readers: the names in its [[readers]].
    """
    for kind in ("doors", "areas", "schedules", "levels"):
        names = [each.name for each in getattr(tables, kind)]
        yield from (f"two [[{kind}]] are called {name}" for name in _twice(names))
    for each in (*tables.areas, *tables.schedules, *tables.holidays, *tables.levels):
        if not tables.doors:
            yield f"[[{type(each).__name__.lower().rstrip('s')}s]] is about doors, and there are no [[doors]]"
            return
    yield from _problems_of_names(tables, readers)
    yield from _problems_of_rules(tables)


def _problems_of_names(tables: DoorTables, readers: Sequence[str]) -> Iterator[str]:
    doors = [door.name for door in tables.doors]
    schedules = [schedule.name for schedule in tables.schedules]
    for door in tables.doors:
        for reader in (*door.readers, *door.exit_readers):
            yield from _unknown(f"door {door.name}", "reader", reader, readers)
        for other in door.interlock:
            yield from _unknown(f"door {door.name}: interlock", "door", other, doors)
        if door.unlock is not None:
            yield from _unknown(f"door {door.name}: unlock", "schedule", door.unlock, schedules)
    at_doors = [reader for door in tables.doors for reader in (*door.readers, *door.exit_readers)]
    yield from (f"reader {reader} is at two doors, or on both sides of one" for reader in _twice(at_doors))
    for level in tables.levels:
        for name in level.doors:
            if name != EVERY_DOOR:
                yield from _unknown(f"level {level.name}", "door", name, doors)
        if level.schedule is not None:
            yield from _unknown(f"level {level.name}", "schedule", level.schedule, schedules)
    areas = [area for door in tables.doors for area in (door.area, door.from_area) if area is not None]
    for area in tables.areas:
        yield from _unknown("[[areas]]", "area of a door", area.name, areas)


def _problems_of_rules(tables: DoorTables) -> Iterator[str]:
    for door in tables.doors:
        if door.first_person and not any(level.first_person and level.opens(door.name) for level in tables.levels):
            yield f"door {door.name}: first_person waits for ever: no level with first_person = true opens it"
        if door.two_person and any(area.name == door.area and area.capacity == 1 for area in tables.areas):
            yield f"door {door.name}: two_person lets nobody in: the area {door.area} takes one person"
        if any(level.needs_escort and level.opens(door.name) for level in tables.levels) and not any(
            level.escorts and (level.opens(door.name) or not level.doors) for level in tables.levels
        ):
            yield f"door {door.name}: a level needs an escort, and no level with escorts = true is about it"
    for area in tables.areas:
        ways_out = [door for door in tables.doors if _leads_out(door, area.name)]
        if area.passback in {"soft", "hard"} and not ways_out:
            yield (
                f'area {area.name}: passback = "{area.passback}" needs a reader on the way out (exit_readers);'
                ' without one there is "timed"'
            )
        if area.capacity is not None and not ways_out and area.reset is None:
            yield f"area {area.name}: capacity needs a reader on the way out (exit_readers), or a reset"
    yield from _problems_of_holidays(tables)


def _problems_of_holidays(rules: Rules) -> Iterator[str]:
    for schedule in rules.schedules:
        if schedule.on_holidays is not None and not rules.holidays:
            yield f"schedule {schedule.name}: on_holidays is set, and there are no [[holidays]]"


def _leads_out(door: Door, area: str) -> bool:
    return bool(door.exit_readers if door.area == area else door.readers if door.from_area == area else ())


def _twice(names: Iterable[str]) -> list[str]:
    seen: dict[str, int] = {}
    for name in names:
        seen[name] = seen.get(name, 0) + 1
    return [name for name, count in seen.items() if count > 1]


def _unknown(where: str, kind: str, name: str, known: Iterable[str]) -> Iterator[str]:
    known = tuple(dict.fromkeys(known))
    if name in known:
        return
    import difflib  # only a mistake needs it

    near = difflib.get_close_matches(name, known, n=1)
    options = f"did you mean {near[0]}?" if near else f"there are: {', '.join(known) or 'none'}"
    yield f"{where}: {name} is no {kind}; {options}"

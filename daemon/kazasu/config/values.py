"""Values of a configuration file: what TOML gives, as the classes of model/configuration.py."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from kazasu.cards import registry
from kazasu.model.configuration import Cards, Config, KindSettings
from kazasu.model.schedule import WEEKDAYS
from kazasu.model.setting import DayRange, Duration, LocalTime, TimeRange, WeekHours, parse_duration

# The tables in [cards] are the kinds'; they are gathered as `settings`.
OWN_OF_CARDS = frozenset(field.encode_name for field in msgspec.structs.fields(Cards)) - {"settings"}

_YEARLY = re.compile(r"[0-9]{2}-[0-9]{2}")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TIME = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")


def convert(value: Any, wanted: Any, folder: Path) -> Any:
    """Make a value of the wanted class.

    Args:
        value: as TOML gives it.
        wanted: a class of model/configuration.py, or of a field there.
        folder: where relative paths begin.

    Raises:
        msgspec.ValidationError: it is not such a value.
    """

    def decode(wanted: type, value: object) -> object:
        if isinstance(value, KindSettings):
            return value
        if not isinstance(value, str):
            raise ValueError(f"expected text in quotation marks, got {type(value).__name__}")  # noqa: TRY004
        return _DECODERS[wanted](value, folder)

    if wanted is Config and isinstance(value, dict) and isinstance(value.get("cards"), dict):
        value = value | {"cards": _gathered(value["cards"], folder)}
    elif wanted is Cards and isinstance(value, dict):
        value = _gathered(value, folder)
    return msgspec.convert(value, wanted, dec_hook=decode)


def _gathered(cards: dict[str, Any], folder: Path) -> dict[str, Any]:
    """The table [cards] with its kinds' tables as one value, each of its own class.

    Raises:
        msgspec.ValidationError: a kind or a table that nobody knows, or a table that is wrong.
    """
    by_kind = {}
    for kind in dict.fromkeys([*named_kinds(cards), *cards]):
        if kind not in OWN_OF_CARDS:
            module = registry.module_of(kind)
            if module is None:
                raise msgspec.ValidationError(f"{kind!r} is no kind of card")
            by_kind[kind] = convert(cards.get(kind, {}), module.Settings, folder)
    own = {name: value for name, value in cards.items() if name in OWN_OF_CARDS}
    return own | {"settings": KindSettings(by_kind)}


def named_kinds(cards: dict[str, Any]) -> tuple[str, ...]:
    """The kinds that a table [cards] asks for, sound or not."""
    kinds = cards.get("kinds", msgspec.structs.fields(Cards)[0].default)
    return tuple(kind for kind in kinds if isinstance(kind, str)) if isinstance(kinds, list | tuple) else ()


def _time(text: str, _folder: Path) -> LocalTime:
    match = _TIME.fullmatch(text)
    if match is None:
        raise ValueError(f'{text!r} is no time of day, such as "05:00"')
    return LocalTime(int(match[1]), int(match[2]))


def _time_range(text: str, folder: Path) -> TimeRange:
    first, hyphen, last = text.partition("-")
    if not hyphen or first == last:
        raise ValueError(f'{text!r} is no range of times, such as "05:00-12:00"')
    return TimeRange(_time(first, folder), LocalTime(0) if last == "24:00" else _time(last, folder))


def _week_hours(text: str, folder: Path) -> WeekHours:
    days, _, hours = text.rpartition(" ")
    weekdays: set[int] = set() if days else set(range(7))
    for part in days.split(",") if days else ():
        first, hyphen, last = part.strip().partition("-")
        if first not in WEEKDAYS or (last or first) not in WEEKDAYS or (hyphen and not last):
            raise ValueError(
                f'{text!r} is no hours of the week, such as "mon-fri 07:00-20:00" or "sat,sun 09:00-12:00"'
            )
        begin, end = WEEKDAYS.index(first), WEEKDAYS.index(last or first)
        weekdays |= {day % 7 for day in range(begin, end + 1 if end >= begin else end + 8)}
    return WeekHours(frozenset(weekdays), _time_range(hours, folder))


def _day_range(text: str, _folder: Path) -> DayRange:
    first_text, dots, last_text = text.partition("..")
    first, last = (_day(part, text) for part in (first_text, last_text if dots else first_text))
    if isinstance(first, date) != isinstance(last, date):
        raise ValueError(f"{text!r} begins with a day of one year and ends with one of each, or the other way round")
    if isinstance(first, date) and isinstance(last, date) and last < first:
        raise ValueError(f"{text!r} ends before it begins")
    return DayRange(first, last)


def _day(part: str, text: str) -> date | tuple[int, int]:
    try:
        if _YEARLY.fullmatch(part):
            leap_day = date.fromisoformat(f"2000-{part}")  # a leap year: the 29th of February is a day
            return (leap_day.month, leap_day.day)
        return date.fromisoformat(part if _DATE.fullmatch(part) else "")
    except ValueError as error:
        raise ValueError(
            f'{text!r} is no days, such as "2026-08-13", "2026-08-13..2026-08-15" or, each year, "12-29..01-03"'
        ) from error


def _zone(text: str, _folder: Path) -> ZoneInfo:
    try:
        return ZoneInfo(text)
    except (ValueError, OSError, KeyError) as error:
        raise ValueError(f'{text!r} is no time zone, such as "Asia/Tokyo"') from error


def _path(text: str, folder: Path) -> Path:
    if not text or "\0" in text:
        raise ValueError(f"{text!r} is no path")
    return folder / text


_DECODERS: dict[type, Any] = {
    Duration: lambda text, _: parse_duration(text),
    LocalTime: _time,
    TimeRange: _time_range,
    ZoneInfo: _zone,
    Path: _path,
    WeekHours: _week_hours,
    DayRange: _day_range,
}

"""Values of a configuration file: what TOML gives, as the classes of model/configuration.py."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from kazasu.cards import registry
from kazasu.model.configuration import Cards, Config, KindSettings
from kazasu.model.setting import UNITS_S, Duration, LocalTime, TimeRange

# The tables in [cards] are the kinds'; they are gathered as `settings`.
OWN_OF_CARDS = frozenset(field.encode_name for field in msgspec.structs.fields(Cards)) - {"settings"}

_DURATION = re.compile(rf"([0-9]{{1,9}})({'|'.join(UNITS_S)})")
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


def _duration(text: str, _folder: Path) -> Duration:
    match = _DURATION.fullmatch(text)
    if match is None:
        raise ValueError(f'{text!r} is no duration: a whole number and its unit, such as "5s" or "90d"')
    return Duration(int(match[1]) * UNITS_S[match[2]])


def _time(text: str, _folder: Path) -> LocalTime:
    match = _TIME.fullmatch(text)
    if match is None:
        raise ValueError(f'{text!r} is no time of day, such as "05:00"')
    return LocalTime(int(match[1]), int(match[2]))


def _time_range(text: str, folder: Path) -> TimeRange:
    first, hyphen, last = text.partition("-")
    if not hyphen or first == last:
        raise ValueError(f'{text!r} is no range of times, such as "05:00-12:00"')
    return TimeRange(_time(first, folder), _time(last, folder))


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
    Duration: _duration,
    LocalTime: _time,
    TimeRange: _time_range,
    ZoneInfo: _zone,
    Path: _path,
}

"""The configuration file: TOML into the frozen values of model/configuration.py.

Everything that is wrong is said at once, with file, line, table and key; an unknown key names the nearest known one.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from types import UnionType
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeVar, Union, get_args, get_origin
from zoneinfo import ZoneInfo

import msgspec
import tomli

from kazasu.cards import registry
from kazasu.errors import ConfigurationError
from kazasu.model.configuration import (
    UNITS_S,
    Cards,
    Config,
    Duration,
    Keys,
    KindSettings,
    LocalTime,
    Table,
    TimeRange,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

_Table = TypeVar("_Table", bound=Table)

# The tables in [cards] are the kinds'; config gathers them as `settings`.
_OWN_OF_CARDS = frozenset(field.encode_name for field in msgspec.structs.fields(Cards)) - {"settings"}
_MAX_FILE_BYTES = 256 * 1024
_DURATION = re.compile(rf"([0-9]{{1,9}})({'|'.join(UNITS_S)})")
_TIME = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")
_HEADER = re.compile(r"\s*(\[\[?)\s*([\w.\- ]+?)\s*\]")
_KEY = re.compile(r"""\s*["']?([\w.-]+)["']?\s*=""")

_PLAIN_WORDS = {
    "`object`": "a table",
    "`array`": "a list",
    "`str`": "text in quotation marks",
    "`int`": "a whole number",
    "`float`": "a number with a point",
    "`bool`": "true or false",
}
"""What msgspec calls by JSON's and Python's names."""

Place: TypeAlias = tuple[str | int, ...]
"""Where in the file: the names of the tables and the key; which one, from 0, in a list of tables."""


def load(path: Path) -> Config:
    """Read a configuration file; relative paths in it are relative to its folder.

    Raises:
        ConfigurationError: everything that is wrong with it, a line each.
    """
    try:
        content = _content_of(path)
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read: {error.strerror}; name another with --config") from error
    return parse(content, path)


def parse(content: bytes, path: Path) -> Config:
    """Read a configuration file's content; `path` names it in errors and is where relative paths begin.

    Raises:
        ConfigurationError: everything that is wrong with it, a line each.
    """
    config = _table(content, path, Config)
    keys = Keys(**{name: path.parent / file for name, file in msgspec.structs.asdict(config.keys).items()})
    return msgspec.structs.replace(config, keys=keys)


def load_table(path: Path, table: type[_Table], check: Callable[[_Table], Iterable[tuple[Place, str]]]) -> _Table:
    """Read a TOML file that the configuration names, such as a card profile; relative paths begin in its folder.

    Args:
        path: the file.
        table: what stands in it.
        check: over several keys: where, and in words, what is wrong; asked once each key by itself is sound.

    Raises:
        ConfigurationError: everything that is wrong with it, a line each.
    """
    try:
        content = _content_of(path)
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read: {error.strerror}; is its path right?") from error
    value = _table(content, path, table)
    wrong = [_located(path, content.decode(), keys, what) for keys, what in check(value)]
    if wrong:
        raise ConfigurationError("\n".join(wrong))
    return value


def _content_of(path: Path) -> bytes:
    """A file, or one byte more than may be in it."""
    with path.open("rb") as file:
        return file.read(_MAX_FILE_BYTES + 1)


def _table(content: bytes, path: Path, table: type[_Table]) -> _Table:
    if len(content) > _MAX_FILE_BYTES:
        raise ConfigurationError(f"{path}: larger than {_MAX_FILE_BYTES} bytes: this is no configuration")
    try:
        text = content.decode()
        document = tomli.loads(text)
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(f"{path}: not TOML: {error}") from error
    try:
        value: _Table = _convert(document, table, path.parent)
    except msgspec.ValidationError as error:
        lines = [_located(path, text, keys, what) for keys, what in _problems(document, table, ())]
        raise ConfigurationError("\n".join(lines)) from error
    return value


def problems(document: dict[str, Any]) -> list[tuple[Place, str]]:
    """Say what is wrong with a configuration that is TOML: where, and in words; empty if it can be used."""
    return list(_problems(document, Config, ()))


def _problems(value: Any, wanted: Any, keys: Place) -> Iterator[tuple[Place, str]]:
    """Convert from the leaves up, so that one mistake hides no other; checks over several keys come last."""
    sound = True
    for problem in _problems_inside(value, _table_in(wanted), keys):
        sound = False
        yield problem
    if sound:
        try:
            _convert(value, wanted, Path())
        except msgspec.ValidationError as error:
            yield keys, _words_of(error, value, wanted)


def _problems_inside(value: Any, table: type[Table] | None, keys: Place) -> Iterator[tuple[Place, str]]:
    if table is None:
        return
    if isinstance(value, list):
        for index, row in enumerate(value):
            yield from _problems(row, table, (*keys, index))
    elif isinstance(value, dict):
        fields = _fields_of_cards(value) if table is Cards else _fields(table)
        # A kind that nobody has is told once, where `kinds` names it.
        told, known = (_named_kinds(value), (*fields, *registry.names())) if table is Cards else ((), fields)
        for key in [key for key in value if key not in fields and key not in told]:
            yield (*keys, key), f"unknown; {_nearest(key, known)}"
        for name, (wanted, required) in fields.items():
            if name in value:
                yield from _problems(value[name], wanted, (*keys, name))
            elif required:
                yield keys, _missing(name, _table_in(wanted), keys, optional_kind=table is Cards)
        if table is Cards:
            yield from _unknown_kinds(value)


def _missing(name: str, table: type[Table] | None, keys: Place, *, optional_kind: bool) -> str:
    if table is None:
        return f"the key {name} is missing"
    words = f"the table [{'.'.join(map(str, (*keys, name)))}] is missing"
    return f"{words}: it has {', '.join(_fields(table))}; or take {name} out of `kinds`" if optional_kind else words


def _fields(table: type[Table]) -> dict[str, tuple[Any, bool]]:
    """Type of each key of a table, and whether it has to be there."""
    return {field.encode_name: (field.type, field.required) for field in msgspec.structs.fields(table)}


def _fields_of_cards(cards: dict[str, Any]) -> dict[str, tuple[Any, bool]]:
    """The same for [cards]: each kind has a table of its own, which a kind with required keys needs."""
    fields = {name: field for name, field in _fields(Cards).items() if name in _OWN_OF_CARDS}
    named = _named_kinds(cards)
    for kind in {*named, *cards} - _OWN_OF_CARDS:
        module = registry.module_of(kind)
        if module is not None:
            required = any(required for _, required in _fields(module.Settings).values())
            fields[kind] = (module.Settings, kind in named and required)
    return fields


def _unknown_kinds(cards: dict[str, Any]) -> Iterator[tuple[Place, str]]:
    for kind in _named_kinds(cards):
        if registry.module_of(kind) is None:
            yield ("cards", "kinds"), f"{kind!r} is no kind of card; {_nearest(kind, registry.names())}"


def _named_kinds(cards: dict[str, Any]) -> tuple[str, ...]:
    """The kinds that a table [cards] asks for, sound or not."""
    kinds = cards.get("kinds", msgspec.structs.fields(Cards)[0].default)
    return tuple(kind for kind in kinds if isinstance(kind, str)) if isinstance(kinds, list | tuple) else ()


def _nearest(word: str, known: Iterable[str]) -> str:
    import difflib  # only a mistake needs it

    known = tuple(known)
    if not known:
        return "there is nothing to set here"
    near = difflib.get_close_matches(word, known, n=1)
    return f"did you mean {near[0]}?" if near else f"there are: {', '.join(known)}"


def _table_in(wanted: Any) -> type[Table] | None:
    """Find the table in `Table`, `Table | None` or a tuple of them."""
    if isinstance(wanted, type) and issubclass(wanted, Table):
        return wanted
    return next(filter(None, map(_table_in, get_args(wanted))), None)


def _convert(value: Any, wanted: Any, folder: Path) -> Any:
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
    for kind in dict.fromkeys([*_named_kinds(cards), *cards]):
        if kind not in _OWN_OF_CARDS:
            module = registry.module_of(kind)
            if module is None:
                raise msgspec.ValidationError(f"{kind!r} is no kind of card")
            by_kind[kind] = _convert(cards.get(kind, {}), module.Settings, folder)
    own = {name: value for name, value in cards.items() if name in _OWN_OF_CARDS}
    return own | {"settings": KindSettings(by_kind)}


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


def credential(path: Path) -> Path:
    """Where a secret is: in this unit's credential directory if systemd put it there, else as configured.

    systemd names what it finds in a folder after the folder and the file (systemd.exec(5), LoadCredential): the unit's
    `LoadCredential=keys:/etc/kazasu/keys` makes keys/event.key the credential `keys_event.key`.
    """
    directory = os.environ.get("CREDENTIALS_DIRECTORY")
    if directory and (given := Path(directory) / f"{path.parent.name}_{path.name}").exists():
        return given
    return path


def _words_of(error: msgspec.ValidationError, value: object, wanted: Any) -> str:
    """Say what is wrong with a value, and what would be right."""
    for option in (wanted, *(get_args(wanted) if get_origin(wanted) in {Union, UnionType} else ())):
        for meta in getattr(option, "__metadata__", ()):
            if meta.description is not None:
                return f"{value!r:.80} is not {meta.description}"
    words, _, _ = str(error).partition(" - at `$")
    for name, plain in _PLAIN_WORDS.items():
        words = words.replace(name, plain)
    options = _options_in(wanted)
    return f"{words}; there are: {', '.join(map(str, options))}" if options else words


def _options_in(wanted: Any) -> tuple[str, ...]:
    if get_origin(wanted) is Literal:
        return get_args(wanted)
    return next(filter(None, map(_options_in, get_args(wanted))), ())


def _located(path: Path, text: str, keys: Place, what: str) -> str:
    line = _line_of(text, keys)
    place = f"{path}:{line}" if line else str(path)
    name = ".".join(key for key in keys if isinstance(key, str))
    return f"{place}: {name}: {what}" if name else f"{place}: {what}"


def _line_of(text: str, keys: Place) -> int | None:
    """Find the line of a key, or of the nearest thing around it, the way people write TOML (decision 0004)."""
    table: Place = ()
    rows: dict[Place, int] = {}
    found, best = None, 0
    for number, line in enumerate(text.splitlines(), 1):
        if match := _HEADER.match(line):
            here = table = tuple(match[2].replace(" ", "").split("."))
            if match[1] == "[[":
                rows[table] = rows.get(table, -1) + 1
                here = table = (*table, rows[table])
        elif match := _KEY.match(line):
            here = (*table, *match[1].split("."))
        else:
            continue
        if here[:-1] == keys and isinstance(here[-1], int):
            here = keys  # the list itself: its first row will do
        if here == keys[: len(here)] and len(here) > best:
            best, found = len(here), number
    return found

"""The configuration file: TOML into the frozen values of model/configuration.py.

Everything that is wrong is said at once, with file, line, table and key; an unknown key names the nearest known one.
"""

from __future__ import annotations

import difflib
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, get_args, get_origin
from zoneinfo import ZoneInfo

import msgspec
import tomli

from kazasu.errors import ConfigurationError
from kazasu.model.configuration import Config, Duration, Keys, LocalTime, Table, TimeRange

if TYPE_CHECKING:
    from collections.abc import Iterator

_MAX_FILE_BYTES = 256 * 1024
_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION = re.compile(r"(\d{1,9})(ms|s|m|h|d)")
_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")

Place: TypeAlias = tuple[str, ...]
"""Where in the file: the names of the tables and the key."""


def load(path: Path) -> Config:
    """Read a configuration file; relative paths in it are relative to its folder.

    Raises:
        ConfigurationError: everything that is wrong with it, a line each.
    """
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_FILE_BYTES + 1)
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read: {error.strerror}; name another with --config") from error
    return parse(content, path)


def parse(content: bytes, path: Path) -> Config:
    """Read a configuration file's content; `path` names it in errors and is where relative paths begin.

    Raises:
        ConfigurationError: everything that is wrong with it, a line each.
    """
    if len(content) > _MAX_FILE_BYTES:
        raise ConfigurationError(f"{path}: larger than {_MAX_FILE_BYTES} bytes: this is no configuration")
    try:
        text = content.decode()
        document = tomli.loads(text)
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(f"{path}: not TOML: {error}") from error
    problems = list(_unknown_keys(document, Config, ())) or list(_problems(document))
    if problems:
        raise ConfigurationError("\n".join(_located(path, text, keys, what) for keys, what in problems))
    config: Config = _convert(document, Config, path.parent)
    keys = Keys(event=path.parent / config.keys.event, pepper=path.parent / config.keys.pepper)
    return msgspec.structs.replace(config, keys=keys)


def _problems(document: dict[str, Any]) -> Iterator[tuple[Place, str]]:
    """Convert table by table, so that one mistake does not hide the next."""
    clean = True
    for field in msgspec.structs.fields(Config):
        if field.encode_name not in document:
            if field.required:
                clean = False
                yield (), f"the table [{field.encode_name}] is missing"
            continue
        try:
            _convert(document[field.encode_name], field.type, Path())
        except msgspec.ValidationError as error:
            clean = False
            yield _keys_of(error, field.encode_name), _words_of(error)
    if clean:
        try:
            _convert(document, Config, Path())
        except msgspec.ValidationError as error:
            yield _keys_of(error, None), _words_of(error)


def _convert(value: Any, wanted: Any, folder: Path) -> Any:
    def decode(wanted: type, value: object) -> object:
        if not isinstance(value, str):
            raise ValueError(f"expected text in quotation marks, got {type(value).__name__}")  # noqa: TRY004
        return _DECODERS[wanted](value, folder)

    return msgspec.convert(value, wanted, dec_hook=decode)


def _duration(text: str, _folder: Path) -> Duration:
    match = _DURATION.fullmatch(text)
    if match is None:
        raise ValueError(f'{text!r} is no duration: a whole number and its unit, such as "5s" or "90d"')
    return Duration(int(match[1]) * _UNITS[match[2]])


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
    """Where a secret is: in this unit's credential directory if systemd put it there, else as configured."""
    directory = os.environ.get("CREDENTIALS_DIRECTORY")
    if directory and (given := Path(directory) / path.name).exists():
        return given
    return path


def _unknown_keys(value: Any, wanted: Any, keys: Place) -> Iterator[tuple[Place, str]]:
    """Yield every key that no table of that place knows, with the nearest one that it does."""
    if isinstance(wanted, type) and issubclass(wanted, Table) and isinstance(value, dict):
        fields = {field.encode_name: field.type for field in msgspec.structs.fields(wanted)}
        for key, inner in value.items():
            if key in fields:
                for option in (fields[key], *get_args(fields[key])):
                    yield from _unknown_keys(inner, option, (*keys, key))
            else:
                near = difflib.get_close_matches(key, fields, n=1)
                hint = f"did you mean {near[0]}?" if near else f"there are: {', '.join(fields)}"
                yield (*keys, key), f"unknown; {hint}"
    elif get_origin(wanted) is tuple and isinstance(value, list):
        for inner in value:
            yield from _unknown_keys(inner, get_args(wanted)[0], keys)


def _keys_of(error: msgspec.ValidationError, table: str | None) -> Place:
    """Read the place out of msgspec's message: "… - at `$.gpio.green.pin`"."""
    _, _, place = str(error).rpartition(" - at `$")
    keys = tuple(re.findall(r"[A-Za-z_]\w*", place)) if place != str(error) else ()
    return (table, *keys) if table is not None else keys


def _words_of(error: msgspec.ValidationError) -> str:
    words, _, _ = str(error).partition(" - at `$")
    return re.sub(r"^Object missing required field `(.*)`$", r"the key \1 is missing", words)


def _located(path: Path, text: str, keys: Place, what: str) -> str:
    line = _line_of(text, keys)
    place = f"{path}:{line}" if line else str(path)
    return f"{place}: {'.'.join(keys)}: {what}" if keys else f"{place}: {what}"


def _line_of(text: str, keys: Place) -> int | None:
    """Find the line of a key, or of the nearest thing around it, the way people write TOML (decision 0004)."""
    header, found = "", None
    best = 0
    for number, line in enumerate(text.splitlines(), 1):
        if match := re.match(r"\s*\[+\s*([^\]]+?)\s*\]+", line):
            header = match[1].replace(" ", "")
            here = tuple(header.split("."))
        elif match := re.match(r"""\s*["']?([\w.-]+)["']?\s*=""", line):
            here = (*filter(None, header.split(".")), *match[1].split("."))
        else:
            continue
        if here == keys[: len(here)] and len(here) > best:
            best, found = len(here), number
    return found

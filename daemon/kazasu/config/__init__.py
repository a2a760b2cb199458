"""The configuration file: TOML into the frozen values of model/configuration.py.

Everything that is wrong is said at once, with file, line, table and key; an unknown key names the nearest known one.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import msgspec
import tomli

from kazasu.config.problems import located, problems_of
from kazasu.config.values import convert
from kazasu.errors import ConfigurationError
from kazasu.model.configuration import Config, Keys
from kazasu.model.configuration_doors import Rules, problems_of_rules, rules_at
from kazasu.model.table import Table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from kazasu.config.problems import Place

_Table = TypeVar("_Table", bound=Table)

_MAX_FILE_BYTES = 256 * 1024


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
    wrong = [located(path, content.decode(), keys, what) for keys, what in check(value)]
    if wrong:
        raise ConfigurationError("\n".join(wrong))
    return value


def parse_rules(content: bytes, path: Path) -> Rules:
    """Read a site's levels, schedules and holidays (levels.toml); `path` names them in errors.

    Raises:
        ConfigurationError: everything that is wrong with them, a line each.
    """
    rules = _table(content, path, Rules)
    wrong = [located(path, content.decode(), (), what) for what in problems_of_rules(rules)]
    if wrong:
        raise ConfigurationError("\n".join(wrong))
    return rules


def under_rules(config: Config, content: bytes, path: Path) -> Config:
    """A configuration in which a site's rules stand in the place of its own; a terminal without doors needs none.

    Raises:
        ConfigurationError: they are wrong, or do not go with this terminal's doors.
    """
    rules = parse_rules(content, path)
    if not config.doors:
        return config
    here = rules_at(config.doors, rules)
    try:
        return msgspec.structs.replace(config, schedules=here.schedules, holidays=here.holidays, levels=here.levels)
    except ValueError as error:
        raise ConfigurationError(f"{path}: {error}") from error


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
        value: _Table = convert(document, table, path.parent)
    except msgspec.ValidationError as error:
        lines = [located(path, text, keys, what) for keys, what in problems_of(document, table)]
        raise ConfigurationError("\n".join(lines)) from error
    return value


def credential(path: Path) -> Path:
    """Where a secret is: in this unit's credential directory if systemd put it there, else as configured.

    systemd names what it finds in a folder after the folder and the file (systemd.exec(5), LoadCredential): the unit's
    `LoadCredential=keys:/etc/kazasu/keys` makes keys/event.key the credential `keys_event.key`.
    """
    directory = os.environ.get("CREDENTIALS_DIRECTORY")
    if directory and (given := Path(directory) / f"{path.parent.name}_{path.name}").exists():
        return given
    return path

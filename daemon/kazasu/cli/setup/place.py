"""Where a terminal is set up: what is configured there, which readers there are, and who else is on this Pi."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import tomli

from kazasu.cli.setup import service
from kazasu.config.problems import problems
from kazasu.errors import ReaderUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator


class Configured(NamedTuple):
    """A configuration that is there.

    Attributes:
        folder: where it is.
        document: as tomli reads it.
    """

    folder: Path
    document: Mapping[str, Any]


class Place(NamedTuple):
    """Where the terminal is set up.

    Attributes:
        folder: the configuration's.
        present: the configuration that is there, as tomli reads it; empty if there is none that can be used.
        here: where relative paths in answers begin.
        list_readers: asks pcscd for the readers' names.
        neighbours: the other terminals of this Pi.
    """

    folder: Path
    present: Mapping[str, Any]
    here: Path
    list_readers: Callable[[], list[str]]
    neighbours: tuple[Configured, ...] = ()

    def path(self, answer: str) -> Path:
        """The file that an answer names."""
        return Path(os.path.normpath(self.here / Path(answer).expanduser()))

    def readers(self) -> list[str]:
        """The names that pcscd gives to the readers it sees; none if it does not answer."""
        try:
            return self.list_readers()
        except ReaderUnavailable:
            return []


def value_at(document: Mapping[str, Any], table: tuple[str, ...]) -> Any:
    """Look a value up; the first of several [[readers]] is the one that is asked about."""
    found: Any = document
    for name in table:
        if isinstance(found, list):
            found = found[0] if found else None
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def place_of(path: Path, answers: Path | None) -> Place:
    """Look around.

    Args:
        path: of the configuration, there or not.
        answers: the file of answers, if there is one.
    """
    from kazasu.readers.pcsc import list_readers

    here = Path.cwd() if answers is None else answers.absolute().parent
    return Place(path.parent, _present(path), here, list_readers, tuple(_neighbours(path)))


def _neighbours(path: Path) -> Iterator[Configured]:
    """Find the other terminals of this Pi: /etc/kazasu@door/kazasu.toml beside /etc/kazasu/kazasu.toml."""
    if service.is_terminals(path.parent):
        for other in sorted(path.parent.parent.glob(f"kazasu*/{path.name}")):
            if other != path and service.is_terminals(other.parent):
                # What is wrong with that one, its own commands say.
                with contextlib.suppress(OSError, ValueError, RecursionError):
                    document = tomli.loads(other.read_bytes().decode())
                    if not problems(document):
                        yield Configured(other.parent, document)


def _present(path: Path) -> dict[str, Any]:
    """Read the configuration that is there; one that cannot be used counts as none, and is said."""
    try:
        present = tomli.loads(path.read_bytes().decode())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError) as error:
        print(f"{path} cannot be used, and is not taken over: {error}", file=sys.stderr)
        return {}
    if wrong := problems(present):
        for keys, words in wrong:
            print(f"{path}: {'.'.join(map(str, keys))}: {words}; it is not taken over", file=sys.stderr)
        return {}
    return present

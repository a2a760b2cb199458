"""What the desk remembers of the rosters that it published: roster/published.toml, and the last one's text beside it.

The version is written before anything is published with it, so that no crash lets two rosters have the same one: for a
terminal that would be a fork, which it refuses.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import msgspec
import tomli

from kazasu.errors import RosterError
from kazasu.model.roster_manifest import Offer
from kazasu.store.durable import sync_directory

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_HEADER = "# Written by `kazasu site publish`; keep it: terminals refuse a version that was there before.\n"


class Published(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What stands at the broker.

    Attributes:
        version: the last that was signed.
        pepper: the layer of the pepper that it is under; empty before the first.
        people: in the roster.
        credentials: cards in it.
        codes: in it.
        sha256: of its text; empty before the first.
        size_bytes: of its text.
        full: how terminals get it.
        base: the version that `delta` changes; 0 without one.
        base_sha256: of that version's text.
        delta: from there to here.
        revoked: cards that are worth nothing though they stand in the roster.
        left: what may stand at the broker, too, and is needed no longer.
    """

    version: int = 0
    pepper: str = ""
    people: int = 0
    credentials: int = 0
    codes: int = 0
    sha256: str = ""
    size_bytes: int = 0
    full: Offer | None = None
    base: int = 0
    base_sha256: str = ""
    delta: Offer | None = None
    revoked: tuple[str, ...] = ()
    left: tuple[Offer, ...] = ()

    @property
    def offers(self) -> tuple[Offer, ...]:
        """What terminals may be asking for."""
        return tuple(offer for offer in (self.full, self.delta) if offer is not None)


def read_published(path: Path) -> Published:
    """Read published.toml; a missing one: nothing was published yet.

    Raises:
        RosterError: it is not what the desk wrote.
    """
    try:
        document = tomli.loads(path.read_text(encoding="utf-8"))
        return msgspec.convert(document, Published)
    except FileNotFoundError:
        return Published()
    except (ValueError, RecursionError, msgspec.ValidationError) as error:
        raise RosterError(f"{path} is not as `kazasu site publish` wrote it: {error}; bring it back") from error


def write_published(path: Path, published: Published) -> None:
    """Write published.toml, whole or not at all; durable on return.

    Raises:
        RosterError: it cannot be written; what was there stays.
    """
    new = path.with_name(f".{path.name}.new")
    try:
        with new.open("w", encoding="utf-8") as file:
            file.write(_HEADER + "".join(f"{line}\n" for line in _lines(published)))
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
        sync_directory(path.parent)
    except OSError as error:
        raise RosterError(f"{path} cannot be written: {error.strerror}; nothing more was published") from error


def _lines(published: Published) -> Iterator[str]:
    tables: list[tuple[str, Offer]] = []
    for name, value in msgspec.structs.asdict(published).items():
        if isinstance(value, Offer):
            tables.append((f"[{name}]", value))
        elif name == "left":
            tables += [("[[left]]", offer) for offer in value]
        elif value is not None:
            yield _line(name, value)
    for header, offer in tables:
        yield f"\n{header}"
        yield from (_line(name, value) for name, value in msgspec.structs.asdict(offer).items())


def _line(name: str, value: str | int | tuple[str, ...]) -> str:
    """Numbers, strings and lists of strings are written in TOML as they are in JSON."""
    return f"{name} = {json.dumps(value)}"

"""Which version of its tables a store has, and how a newer Kazasu brings an older store up to date.

A version is one file, schema/<store>_<number>….sql, that is never changed once it was released: the step from the
version before. A new store takes all of them, an old one those that it lacks, in one transaction with `user_version`.
So there is one way to each version, and after a kill or a power cut at any statement the store has its old version
with everything in it, or the new one. A store of a newer Kazasu is refused and left as it is; which Kazasu made each
version is in the store itself, so that an older one can name it.
"""

from __future__ import annotations

import logging
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from kazasu import __version__
from kazasu.errors import KazasuError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_log = logging.getLogger(__name__)

_MADE_BY = "CREATE TABLE IF NOT EXISTS migration (version INTEGER PRIMARY KEY, kazasu TEXT NOT NULL) STRICT"


class Schema(msgspec.Struct, frozen=True, kw_only=True):
    """The tables of one kind of store.

    Attributes:
        name: `journal`, `roster` or `cursor`.
        application_id: SQLite's mark of the file's kind; 0 if it has none.
        version: the one that this Kazasu reads and writes, and so the number of the last step.
        error: what is raised for a store that cannot be used.
        folder: where the steps are.
    """

    name: str
    application_id: int
    version: int
    error: type[KazasuError]
    folder: Path = Path(__file__).with_name("schema")

    def step(self, number: int) -> str:
        """Statements from version `number` - 1 to `number`."""
        (path,) = self.folder.glob(f"{self.name}_{number:04}*.sql")
        return path.read_text(encoding="utf-8")


def bring_up_to_date(
    connection: sqlite3.Connection,
    path: Path,
    schema: Schema,
    fill: Callable[[sqlite3.Connection], object] | None = None,
) -> None:
    """Give a store the tables of this version; as durable as the connection's commits are.

    Args:
        connection: in autocommit; to be closed if anything is raised, which undoes it.
        path: for messages.
        schema: what the store is to be.
        fill: writes the first rows of a new store, in the same transaction; None: an empty file is no store.

    Raises:
        KazasuError: `schema.error`, with words: a newer Kazasu's store, or none of this kind; nothing was changed.
        sqlite3.Error: as usual.
    """
    if version_of(connection, path, schema) == schema.version:
        return
    connection.execute("BEGIN IMMEDIATE")
    before = version_of(connection, path, schema)  # another process may have been faster
    if before == 0 and fill is None:
        raise _empty(path, schema)
    for number in range(before + 1, schema.version + 1):
        for statement in _statements(schema.step(number)):
            connection.execute(statement)
        if number > 1:
            connection.execute(_MADE_BY)
            connection.execute("INSERT INTO migration VALUES (?, ?)", (number, __version__))
        connection.execute(f"PRAGMA user_version = {number}")
    if before == 0 and fill is not None:
        fill(connection)
    connection.execute("COMMIT")
    if before:
        detail = f"{path}: from version {before} of its tables to {schema.version}"
        _log.warning("store_migrated", extra={"fields": {"detail": detail}})


def expect_version(connection: sqlite3.Connection, path: Path, schema: Schema) -> None:
    """Return if the store can be read as it is, by whoever may not or need not change it.

    Raises:
        KazasuError: `schema.error`, with words.
        sqlite3.Error: as usual.
    """
    version = version_of(connection, path, schema)
    if version == 0:
        raise _empty(path, schema)
    if version != schema.version:
        raise schema.error(
            f"{path} is the {schema.name} of an older Kazasu (version {version} of its tables, and this Kazasu has"
            f" {schema.version}): start this Kazasu once, which brings it up to date"
        )


def version_of(connection: sqlite3.Connection, path: Path, schema: Schema) -> int:
    """Which version of its tables a store has; 0 if there are none yet.

    Raises:
        KazasuError: `schema.error`, with words: a newer Kazasu's store, or none of this kind.
        sqlite3.Error: as usual.
    """
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > schema.version:
        raise schema.error(
            f"{path} is the {schema.name} of a newer Kazasu (version {version} of its tables, and this Kazasu,"
            f" {__version__}, knows {schema.version}): install {_maker(connection)} or newer again; nothing was changed"
        )
    empty = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0] == 0
    if not empty and connection.execute("PRAGMA application_id").fetchone()[0] != schema.application_id:
        raise schema.error(f"{path} is no {schema.name} of Kazasu's, but some other database: move it away")
    return version


def _empty(path: Path, schema: Schema) -> KazasuError:
    return schema.error(f"{path} is empty, and no {schema.name}: move it away")


def _maker(connection: sqlite3.Connection) -> str:
    try:
        row = connection.execute("SELECT kazasu FROM migration ORDER BY version DESC LIMIT 1").fetchone()
    except sqlite3.OperationalError:
        row = None
    return "the version that wrote it" if row is None else f"Kazasu {row[0]}"


def _statements(script: str) -> Iterator[str]:
    """One at a time: `executescript` would commit what is already done."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
    if statement.strip():
        yield statement

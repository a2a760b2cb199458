"""From one SQLite file to PostgreSQL, once a site has outgrown it: everything that is kept, or nothing.

A terminal forgets what a receipt vouches for, so what is in the store is nowhere else. The file is therefore read by
this program alone (a collector that runs would go on writing to it), and it stays, as `….moved`.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, NamedTuple

from kazasu.collector.store.sqlite import SqliteStore
from kazasu.errors import StoreError
from kazasu.store.durable import sync_directory
from kazasu.store.sqlite import connect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from kazasu.collector.store.postgresql import PostgresqlStore
    from kazasu.collector.store.statements import Row

_SHOWN_EVERY = 10_000


class Moved(NamedTuple):
    """What came of it.

    Attributes:
        rows: how many of each table there are.
        kept_as: what the file is called now.
    """

    rows: dict[str, int]
    kept_as: Path


def move(path: Path, to: PostgresqlStore, shown: Callable[[int, int], None]) -> Moved:
    """Copy a store, and put the file aside.

    After a power cut the same call again does what is left.

    Args:
        path: the SQLite file.
        to: a database without events.
        shown: told how many rows of how many were read, now and then.

    Raises:
        StoreError: the file is missing, damaged or in use, or the database holds something else already.
        StoreUnavailable: either cannot be used now. Nothing was changed, in both cases.
    """
    with closing(SqliteStore(path, make=False)) as store:
        store.chains()  # brings its tables up to date
    try:
        with closing(connect(path, "rw")) as source:
            _exclude_others(source, path)
            tables = _tables(source)
            rows = {table: _count(source, table) for table in tables}
            with to.transaction():
                to.change(f"LOCK TABLE {', '.join(tables)} IN EXCLUSIVE MODE")
                there = {table: int(to.rows(f"SELECT count(*) FROM {table}")[0][0]) for table in tables}
                if not any(there.values()):
                    _copy(source, tables, to, shown, sum(rows.values()))
                elif there != rows or _chains(source, tables["chain"]) != to.rows(_chains_of(tables["chain"])):
                    raise StoreError(
                        f"the database holds {there['event']} events already, and not those of {path}: name an empty"
                        " one; nothing was changed"
                    )
    except sqlite3.Error as error:
        raise StoreError(f"{path} cannot be read: {error}; nothing was changed") from error
    kept_as = path.with_name(f"{path.name}.moved")
    path.replace(kept_as)
    sync_directory(path.parent)
    return Moved(rows, kept_as)


def _exclude_others(source: sqlite3.Connection, path: Path) -> None:
    """Go on only if nobody else has the file open: in write-ahead logging SQLite gives it away whole only then."""
    try:
        source.execute("PRAGMA locking_mode = EXCLUSIVE")
        source.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError as error:
        raise StoreError(
            f"{path} is in use ({error}): stop the collector first, `systemctl stop kazasu-collector`, and whoever else"
            " reads it; nothing was changed"
        ) from error


def _tables(source: sqlite3.Connection) -> dict[str, str]:
    """Each table, and its columns."""
    names = source.execute(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name <> 'migration' AND name NOT LIKE 'sqlite_%'"
    ).fetchall()
    return {
        name: ", ".join(column for (column,) in source.execute("SELECT name FROM pragma_table_info(?)", (name,)))
        for (name,) in names
    }


def _count(source: sqlite3.Connection, table: str) -> int:
    return int(source.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


def _chains_of(columns: str) -> str:
    return f"SELECT {columns} FROM chain ORDER BY terminal, number, epoch"


def _chains(source: sqlite3.Connection, columns: str) -> list[Row]:
    return source.execute(_chains_of(columns)).fetchall()


def _copy(
    source: sqlite3.Connection,
    tables: dict[str, str],
    to: PostgresqlStore,
    shown: Callable[[int, int], None],
    total: int,
) -> None:
    read = 0

    def counted(rows: Iterator[Row]) -> Iterator[Row]:
        nonlocal read
        for row in rows:
            yield row
            read += 1
            if read % _SHOWN_EVERY == 0:
                shown(read, total)

    for table, columns in tables.items():
        to.copy_in(table, columns, counted(source.execute(f"SELECT {columns} FROM {table}")))

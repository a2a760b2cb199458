"""The store in one SQLite file: the default, for a site whose collector runs on one machine."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kazasu.collector.store.evidence import MOST_UNSIGNED
from kazasu.collector.store.sql import SqlStore
from kazasu.errors import JournalUnwritable, StoreError, StoreUnavailable
from kazasu.store.durable import sync_directory
from kazasu.store.migration import Schema, bring_up_to_date
from kazasu.store.sqlite import abandon, connect, make_durable_wal

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from kazasu.collector.store.statements import Row

SCHEMA = Schema(
    name="archive",
    application_id=0x4B5A5343,
    version=1,
    error=StoreError,
    folder=Path(__file__).with_name("schema"),
)
_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_HELD = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})  # another program writes; the connection is sound
_CACHE_KIB = 32 * 1024  # a server's: the indexes of millions of events are larger than a Pi's memory is to be


class SqliteStore(SqlStore):
    """Implements EventStore.

    After any error of the disk nothing is built on what this connection believes: it is abandoned, and the next call
    opens the file anew.

    Args:
        path: the file.
        make: it is made, with its directory, if it is missing; else that is an error.
        schema: its tables.
        most_unsigned: so many messages that nobody signed are kept, of a terminal.

    It is opened at the first call, which raises `StoreError` if its tables are a newer Kazasu's or none of this kind.
    """

    def __init__(
        self, path: Path, *, make: bool = True, schema: Schema = SCHEMA, most_unsigned: int = MOST_UNSIGNED
    ) -> None:
        super().__init__(most_unsigned)
        self._schema = schema
        self._path = path
        self._make = make
        self._connection: sqlite3.Connection | None = None

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """See Statements."""
        with self._translated() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                connection.execute("COMMIT")
            except BaseException:
                with contextlib.suppress(sqlite3.Error):
                    connection.execute("ROLLBACK")
                raise

    @contextlib.contextmanager
    def reading(self) -> Iterator[None]:
        """See Statements."""
        with self._translated():
            yield

    def rows(self, statement: str, values: Sequence[Any] = ()) -> list[Row]:
        """See Statements."""
        return self._opened().execute(statement, values).fetchall()

    def change(self, statement: str, values: Sequence[Any] = ()) -> int:
        """See Statements."""
        return self._opened().execute(statement, values).rowcount

    def insert(self, table: str, columns: str, rows: Sequence[Row]) -> None:
        """See Statements."""
        marks = ", ".join("?" * len(columns.split(", ")))
        self._opened().executemany(f"INSERT INTO {table} ({columns}) VALUES ({marks})", rows)

    def stream(self, statement: str, values: Sequence[Any]) -> Iterator[Row]:
        """See Statements."""
        return self._opened().execute(statement, values)

    def close(self) -> None:
        """See EventStore."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    @contextlib.contextmanager
    def _translated(self) -> Iterator[sqlite3.Connection]:
        try:
            yield self._opened()
        except (sqlite3.OperationalError, sqlite3.DatabaseError, OSError) as error:
            if isinstance(error, sqlite3.IntegrityError | sqlite3.ProgrammingError):
                raise  # a defect of ours
            code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the low byte is the class
            self._give_up(code)
            if code in _DAMAGED:
                raise StoreError(
                    f"{self._path} is damaged, or no store: {error}; move it away and bring it back from the backup:"
                    " what is younger the collector asks the terminals for"
                ) from error
            raise StoreUnavailable(
                f"{self._path} cannot be used now: {error}; check the disk, its room and the file's owner: nothing is"
                " acknowledged until it can"
            ) from error

    def _opened(self) -> sqlite3.Connection:
        if self._connection is None:
            if not self._path.exists():
                if not self._make:
                    raise StoreError(f"there is no store {self._path} yet; the collector makes it when it first starts")
                self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                self._path.touch(mode=0o600)
                sync_directory(self._path.parent)
            connection = connect(self._path, "rw")
            try:
                connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
                make_durable_wal(connection)
                bring_up_to_date(connection, self._path, self._schema, fill=lambda _: None)
            except JournalUnwritable as error:
                connection.close()
                raise StoreError(str(error)) from error
            except BaseException:
                connection.close()
                raise
            self._connection = connection
        return self._connection

    def _give_up(self, code: int) -> None:
        if self._connection is None or code in _HELD:
            return
        abandon(self._connection, self._path)
        self._connection = None

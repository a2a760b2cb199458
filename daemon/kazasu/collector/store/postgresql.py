"""The store in PostgreSQL: for a site at size, and for several collectors at once. The only importer of psycopg."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import psycopg

from kazasu import __version__
from kazasu.collector.store.evidence import MOST_UNSIGNED
from kazasu.collector.store.sql import SqlStore
from kazasu.collector.store.sqlite import SCHEMA
from kazasu.errors import StoreError, StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from kazasu.collector.store.statements import Row
    from kazasu.store.migration import Schema

_CONNECT_S = 5
_SILENT_MS = 8000  # a server that is gone without a word; ports.loops.Beat asks for a beat every 10 s
_MIGRATION_LOCK = 0x4B5A5343  # one collector at a time makes tables
_TYPES = {"INTEGER": "BIGINT", "BLOB": "BYTEA", ") STRICT": ")"}
_ARRAYS = {"seq": "bigint[]", "mono_ms": "bigint[]", "arrived_s": "bigint[]", "body": "bytea[]"}
_BATCH = 500


class PostgresqlStore(SqlStore):
    """Implements EventStore; several processes may have one each on the same database.

    Args:
        conninfo: libpq's connection string or URI; a password belongs into its passfile or service file.
        schema: its tables.
        most_unsigned: so many messages that nobody signed are kept, of a terminal.

    It is opened at the first call, which raises `StoreError` if its tables are a newer Kazasu's or none of this kind.
    """

    lock = " FOR UPDATE"

    def __init__(self, conninfo: str, *, schema: Schema = SCHEMA, most_unsigned: int = MOST_UNSIGNED) -> None:
        super().__init__(most_unsigned)
        self._schema = schema
        self._conninfo = conninfo
        self._connection: psycopg.Connection[Row] | None = None

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """See Statements."""
        with self._translated() as connection, connection.transaction():
            yield

    @contextlib.contextmanager
    def reading(self) -> Iterator[None]:
        """See Statements."""
        with self._translated():
            yield

    def rows(self, statement: str, values: Sequence[Any] = ()) -> list[Row]:
        """See Statements."""
        return self._opened().execute(_own(statement), values).fetchall()

    def change(self, statement: str, values: Sequence[Any] = ()) -> int:
        """See Statements."""
        return self._opened().execute(_own(statement), values).rowcount

    def insert(self, table: str, columns: str, rows: Sequence[Row]) -> None:
        """See Statements. One statement with an array for each column: a fifth of the time of a row each."""
        if not rows:
            return
        arrays = ", ".join(f"%b::{_ARRAYS.get(name, 'text[]')}" for name in columns.split(", "))
        statement = f"INSERT INTO {table} ({columns}) SELECT * FROM unnest({arrays})"
        self._opened().execute(statement.encode(), [list(column) for column in zip(*rows, strict=True)])

    def copy_in(self, table: str, columns: str, rows: Iterable[Row]) -> None:
        """Take over rows of a store that has the same tables; within `transaction`."""
        with self._opened().cursor() as cursor, cursor.copy(f"COPY {table} ({columns}) FROM STDIN".encode()) as copy:
            for row in rows:
                copy.write_row(row)

    def stream(self, statement: str, values: Sequence[Any]) -> Iterator[Row]:
        """See Statements."""
        connection = self._opened()
        with connection.transaction(), connection.cursor("kazasu_stream") as cursor:
            cursor.itersize = _BATCH
            yield from cursor.execute(_own(statement), values)

    def close(self) -> None:
        """See EventStore."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    @contextlib.contextmanager
    def _translated(self) -> Iterator[psycopg.Connection[Row]]:
        try:
            yield self._opened()
        except (psycopg.OperationalError, psycopg.InterfaceError, psycopg.InternalError) as error:
            if self._connection is not None and self._connection.broken:
                self.close()
            words = " ".join(str(error).split())
            raise StoreUnavailable(
                f"PostgreSQL cannot be used now: {words}; nothing is acknowledged until it can"
            ) from error

    def _opened(self) -> psycopg.Connection[Row]:
        if self._connection is None or self._connection.closed:
            connection = psycopg.connect(
                self._conninfo,
                autocommit=True,
                connect_timeout=_CONNECT_S,
                tcp_user_timeout=_SILENT_MS,
                application_name="kazasu",
            )
            try:
                # Whatever the server's default is: what is acknowledged has to outlive it.
                connection.execute("SET synchronous_commit = on")
                _bring_up_to_date(connection, self._schema)
            except BaseException:
                connection.close()
                raise
            self._connection = connection
        return self._connection


def _bring_up_to_date(connection: psycopg.Connection[Row], schema: Schema) -> None:
    """Give the database the tables of this version; see store/migration.py, whose rules hold here too.

    Raises:
        StoreError: the tables are a newer Kazasu's.
    """
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (_MIGRATION_LOCK,))
        connection.execute(
            "CREATE TABLE IF NOT EXISTS kazasu_migration (version BIGINT PRIMARY KEY, kazasu TEXT NOT NULL)"
        )
        rows = connection.execute("SELECT version, kazasu FROM kazasu_migration ORDER BY version").fetchall()
        version, made_by = rows[-1] if rows else (0, "")
        if version > schema.version:
            raise StoreError(
                f"the database has the tables of a newer Kazasu (version {version}, and this Kazasu, {__version__},"
                f" knows {schema.version}): install Kazasu {made_by} or newer again; nothing was changed"
            )
        for number in range(version + 1, schema.version + 1):
            script = schema.step(number).partition("PRAGMA")[0]
            for sqlites, own in _TYPES.items():
                script = script.replace(sqlites, own)
            connection.execute(script.encode())
            connection.execute("INSERT INTO kazasu_migration VALUES (%s, %s)", (number, __version__))


def _own(statement: str) -> bytes:
    return statement.replace("?", "%s").encode()

"""Who is known here: one look-up by primary key, in constant time and memory, among a million people."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from kazasu.errors import RosterError
from kazasu.model.access import Assurance, Cardholder, Credential, Enrolment
from kazasu.store.sqlite import connect

if TYPE_CHECKING:
    from pathlib import Path

SCHEMA_VERSION = 1

_LOOK_UP = (
    "SELECT cardholder, name, min_assurance, valid_from_s, valid_until_s"
    " FROM credential JOIN cardholder ON number = cardholder WHERE pseudonym = ?"
)


class Roster:
    """Implements ports.Roster.

    The file is looked at with each call: an import puts another one in its place. A missing file is an empty roster.

    Raises:
        RosterError: the file is there and cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None
        self._identity: tuple[int, int] | None = None
        _ = self.version

    @property
    def version(self) -> int:
        """Rises with each change; 0 if there is no roster.

        Raises:
            RosterError: the file cannot be read.
        """
        row = self._one("SELECT version FROM roster", ())
        return 0 if row is None else row[0]

    def look_up(self, pseudonym: str) -> Enrolment | None:
        """Find a credential.

        Args:
            pseudonym: 32 hexadecimal digits.

        Raises:
            RosterError: the file cannot be read.
        """
        row = self._one(_LOOK_UP, (bytes.fromhex(pseudonym),))
        if row is None:
            return None
        number, name, min_assurance, valid_from_s, valid_until_s = row
        return Enrolment(
            credential=Credential(
                pseudonym=pseudonym,
                cardholder=number,
                min_assurance=Assurance(min_assurance),
                valid_from_s=valid_from_s,
                valid_until_s=valid_until_s,
            ),
            cardholder=Cardholder(number=number, name=name),
        )

    def close(self) -> None:
        """Let the file go; calling it again does nothing."""
        if self._connection is not None:
            self._connection.close()
        self._connection = self._identity = None

    def _one(self, statement: str, values: tuple[bytes, ...]) -> tuple | None:  # type: ignore[type-arg]  # SQLite's row
        try:
            connection = self._connect()
            if connection is None:
                return None
            rows = connection.execute(statement, values).fetchall()
        except (sqlite3.Error, OSError) as error:
            self.close()
            raise RosterError(
                f"{self._path} cannot be read: {error}; move it away and import the roster again"
            ) from error
        return rows[0] if rows else None

    def _connect(self) -> sqlite3.Connection | None:
        try:
            status = self._path.stat()
        except FileNotFoundError:
            self.close()
            return None
        identity = (status.st_dev, status.st_ino)
        if identity != self._identity:
            self.close()
            # Writable, because an enrolment that lost its power half-way is undone by whoever looks next.
            connection = connect(self._path, "rw")
            try:
                connection.execute("PRAGMA query_only = ON")
                check_schema(connection, self._path)
            except BaseException:
                connection.close()
                raise
            self._connection, self._identity = connection, identity
        return self._connection


def check_schema(connection: sqlite3.Connection, path: Path) -> None:
    """Return if this is a roster that this version of Kazasu reads.

    Raises:
        RosterError: it is not.
        sqlite3.Error: it is no database, or cannot be read.
    """
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version != SCHEMA_VERSION:
        raise RosterError(
            f"{path} is no roster of this version of Kazasu (schema {version}, expected {SCHEMA_VERSION}): move it"
            " away and import the roster again"
        )

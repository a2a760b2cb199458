"""Up to where the broker took events over: a small file of its own, so that it never holds the journal's write lock.

Losing it costs duplicates, which the collector drops (design, rule 5). So a broken one is made anew, and a disk that
takes nothing is no reason to stop sending: the position goes on in memory. Both are said.
"""

from __future__ import annotations

import logging
import os
import sqlite3
from typing import TYPE_CHECKING

from kazasu.errors import JournalVersion
from kazasu.store.durable import sync_directory
from kazasu.store.migration import Schema, bring_up_to_date, version_of
from kazasu.store.sqlite import connect, make_durable_wal

if TYPE_CHECKING:
    from pathlib import Path

_log = logging.getLogger(__name__)

DURABLE_EVENTS = 200
"""So many may be sent again after a power cut."""

CURSOR = Schema(name="cursor", application_id=0, version=1, error=JournalVersion)


class SendCursor:
    """Implements ports.store.SendCursor.

    Args:
        path: the file; made if it is missing.
        epoch: of the journal; a cursor of another epoch starts at 0. Empty while the journal cannot be opened: the
            stored position is kept for when it can.
        schema: the tables that it is to have.

    Raises:
        JournalVersion: it is a newer Kazasu's, or none; nothing was changed.
    """

    def __init__(self, path: Path, epoch: str, schema: Schema = CURSOR) -> None:
        self._path = path
        self._schema = schema
        self._connection: sqlite3.Connection | None = None
        stored_epoch, stored_seq, self._conn = self._load()
        self._epoch = epoch or stored_epoch
        self._seq = stored_seq if stored_epoch == self._epoch else 0
        self._durable_seq = self._seq

    @property
    def seq(self) -> int:
        """Last event acknowledged with plain success, within the journal's epoch."""
        return self._seq

    def advance(self, seq: int) -> None:
        """Move on; made durable every 200 events and at `flush`."""
        self._seq = seq
        if seq - self._durable_seq >= DURABLE_EVENTS:
            self.flush()

    def flush(self) -> None:
        """Make the position durable."""
        if self._seq != self._durable_seq:
            self._store()

    def next_connection(self) -> int:
        """Count one more connection, durably, and return its number."""
        self._conn += 1
        self._store()
        return self._conn

    def close(self) -> None:
        """Make the position durable and let the file go; calling it again does nothing."""
        self.flush()
        self._disconnect()

    def _load(self) -> tuple[str, int, int]:
        try:
            return self._read()
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):
                self._warn(error)
                return "", 0, 0
            _log.warning("cursor_made_anew", extra={"fields": {"detail": f"{self._path}: {error}"}})
        except OSError as error:
            self._warn(error)
            return "", 0, 0
        except JournalVersion:
            self._disconnect()
            raise
        self._disconnect()
        try:
            for suffix in ("", "-wal", "-shm"):
                self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)
            return self._read()
        except (sqlite3.Error, OSError) as error:
            self._warn(error)
        return "", 0, 0

    def _read(self) -> tuple[str, int, int]:
        row: tuple[str, int, int] | None = (
            self._connect().execute("SELECT epoch, seq, conn FROM cursor WHERE only_row = 1").fetchone()
        )
        return row or ("", 0, 0)

    def _store(self) -> None:
        # Moved on even if it fails: the next try comes with the next 200 events, not with each.
        self._durable_seq = self._seq
        try:
            self._connect().execute(
                "INSERT OR REPLACE INTO cursor VALUES (1, ?, ?, ?)", (self._epoch, self._seq, self._conn)
            )
        except (sqlite3.Error, OSError) as error:
            self._warn(error)
            self._disconnect()

    def _connect(self) -> sqlite3.Connection:
        if self._connection is None:
            if not self._path.exists():
                os.close(os.open(self._path, os.O_CREAT | os.O_RDWR, 0o600))
                sync_directory(self._path.parent)
            self._connection = connect(self._path, "rw")
            version_of(self._connection, self._path, self._schema)
            make_durable_wal(self._connection)
            bring_up_to_date(self._connection, self._path, self._schema, lambda _: None)
        return self._connection

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _warn(self, error: Exception) -> None:
        _log.warning("cursor_not_durable", extra={"fields": {"detail": f"{self._path}: {error}"}})

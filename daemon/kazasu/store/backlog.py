"""The journal as the publisher reads it: a second connection that never writes and never holds up a tap."""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
from typing import TYPE_CHECKING

from kazasu.store.journal_file import JOURNAL
from kazasu.store.migration import expect_version
from kazasu.store.sqlite import connect

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_log = logging.getLogger(__name__)


class Backlog:
    """Implements ports.store.Backlog.

    There need not be a journal yet, nor always the same: each call looks, and until there is one everything is empty.
    A journal that cannot be read is as good as none here; the terminal thread is who says what is wrong with it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None
        self._identity: tuple[int, int] | None = None
        self._epoch = ""

    @property
    def epoch(self) -> str:
        """The chain's name; empty while there is no journal."""
        epoch = self._epoch if self._connect() is not None else ""
        self._let_go_of_read_only()
        return epoch

    def after(self, seq: int, limit: int) -> Sequence[tuple[int, bytes]]:
        """Up to `limit` events after `seq`, in order: number and stored bytes."""
        return self._query("SELECT seq, body FROM event WHERE seq > ? ORDER BY seq LIMIT ?", (seq, limit))

    def last_seq(self) -> int:
        """The newest event's number; of a journal that was pruned empty, the last one pruned; 0 if there is none."""
        rows = self._query("SELECT coalesce((SELECT max(seq) FROM event), pruned_seq) FROM journal", ())
        return rows[0][0] if rows else 0

    def expect_readable(self) -> None:
        """Return if there is no journal yet, or one that this Kazasu can read.

        Raises:
            JournalVersion: it is another Kazasu's, or none.
        """
        with contextlib.suppress(sqlite3.Error), contextlib.closing(connect(self._path, "ro")) as connection:
            expect_version(connection, self._path, JOURNAL)

    def close(self) -> None:
        """Let the file go; calling it again does nothing."""
        if self._connection is not None:
            self._connection.close()
        self._connection = self._identity = None
        self._epoch = ""

    def _query(self, statement: str, values: tuple[int, ...]) -> list[tuple]:  # type: ignore[type-arg]  # SQLite's row
        connection = self._connect()
        if connection is None:
            return []
        try:
            # All at once: a statement left open would hold its place in the log and keep it from being begun anew.
            rows = connection.execute(statement, values).fetchall()
        except sqlite3.Error as error:
            _log.warning("backlog_unreadable", extra={"fields": {"detail": str(error)}})
            self.close()
            return []
        self._let_go_of_read_only()
        return rows

    def _let_go_of_read_only(self) -> None:
        """On a read-only disk, keep no connection.

        SQLite shares a journal's shared memory among all connections of a process. Opened while it could only be read,
        it would keep the terminal thread from writing after the disk is well again, for as long as we hold on to it.
        """
        if not os.access(self._path.parent, os.W_OK):
            self.close()

    def _connect(self) -> sqlite3.Connection | None:
        """Return a connection to the file that is there now, None if there is no journal in it."""
        try:
            status = self._path.stat()
        except OSError:
            self.close()
            return None
        identity = (status.st_dev, status.st_ino)
        if self._connection is not None and identity == self._identity:
            return self._connection
        self.close()
        try:
            connection = connect(self._path, "ro")
        except sqlite3.Error:
            return None
        with contextlib.suppress(sqlite3.Error):
            if connection.execute("PRAGMA user_version").fetchone()[0] == JOURNAL.version:
                self._epoch = connection.execute("SELECT epoch FROM journal").fetchone()[0]
                self._connection, self._identity = connection, identity
                return connection
        connection.close()
        return None

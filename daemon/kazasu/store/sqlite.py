"""How this project opens SQLite, and what its errors mean; the pragmas stand here and nowhere else."""

from __future__ import annotations

import os
import sqlite3
from typing import TYPE_CHECKING, Literal

from kazasu.errors import JournalCorrupt, JournalError, JournalFull, JournalUnwritable

if TYPE_CHECKING:
    from pathlib import Path

_BUSY_S = 1.0  # another connection holds a lock for milliseconds; a person who taps waits no longer than this
_CACHE_KIB = 512  # a quarter of SQLite's own: three connections are open on a machine with 512 MB
_FULL = 2  # PRAGMA synchronous
_NO_ROOM_BYTES = 64 * 1024  # SQLite's shared-memory file alone grows by 32 KiB


def connect(path: Path, mode: Literal["ro", "rw"]) -> sqlite3.Connection:
    """Open an existing database file; every statement is a transaction of its own unless BEGIN says otherwise.

    The connection may be made in one thread and used in another, never in two at once.

    Raises:
        sqlite3.Error: the file is missing or cannot be opened.
    """
    connection = sqlite3.connect(
        f"{path.resolve().as_uri()}?mode={mode}",
        uri=True,
        timeout=_BUSY_S,
        isolation_level=None,
        check_same_thread=False,
    )
    try:
        connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute("PRAGMA cell_size_check = ON")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def make_durable_wal(connection: sqlite3.Connection) -> None:
    """Set write-ahead logging that is flushed at every commit, and make sure that it is so.

    Raises:
        JournalUnwritable: SQLite answers with another mode: a commit would not survive a power cut.
        sqlite3.Error: as usual.
    """
    mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
    connection.execute("PRAGMA synchronous = FULL")
    synchronous = connection.execute("PRAGMA synchronous").fetchone()[0]
    if (mode, synchronous) != ("wal", _FULL):
        raise JournalUnwritable(
            f"SQLite will not flush each commit here (journal_mode {mode}, synchronous {synchronous}): it needs a"
            " file system with shared memory and locks, such as ext4; a network share will not do"
        )


def abandon(connection: sqlite3.Connection, path: Path) -> None:
    """Close a connection after an I/O error, without the checkpoint and flush of a database's last closing.

    A flush that failed once may report success the next time although nothing reached the disk. A read-only
    connection that stands by keeps this closing from being the last; its own closing cannot lock for writing, and so
    leaves the files as they are.
    """
    stand_by = None
    try:
        stand_by = connect(path, "ro")
        stand_by.execute("SELECT 1 FROM sqlite_schema").fetchone()
    except (sqlite3.Error, OSError):
        pass  # not even readable: then the closing below cannot write either
    connection.close()
    if stand_by is not None:
        stand_by.close()


def journal_error(error: Exception, path: Path) -> JournalError:
    """Say in the project's words what an error of SQLite or the system means for the journal."""
    if isinstance(error, JournalError):
        return error
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the low byte is the class, above it stands the detail
    detail = f"{error} ({getattr(error, 'sqlite_errorname', type(error).__name__)})"
    if code in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}:
        return JournalCorrupt(
            f"{path} is damaged: {detail}; keep the file for the auditor, move it away, and a new journal begins"
        )
    if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_CONSTRAINT}:
        return JournalUnwritable(f"another program uses {path}: {detail}; end it, and recording goes on by itself")
    if code == sqlite3.SQLITE_FULL or (code != sqlite3.SQLITE_READONLY and _no_room(path)):
        return JournalFull(
            f"no room on the disk that holds {path}: {detail}; free some, and recording goes on by itself"
        )
    return JournalUnwritable(f"{path} cannot be written: {detail}; check the disk, its mount and the file's owner")


def _no_room(path: Path) -> bool:
    """Look at the disk: SQLite reports a full one as an I/O error where it makes its shared-memory file."""
    try:
        status = os.statvfs(path.parent)
    except OSError:
        return False
    return status.f_bavail * status.f_frsize < _NO_ROOM_BYTES

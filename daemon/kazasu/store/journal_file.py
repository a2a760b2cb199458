"""Opening a journal: made if it is not there, belonging to us, durable, and whole at its end.

At start and after a fault the way is the same:

1. Make the file if it is missing or empty: mode 0600, its directory 0700 and synchronised, a random epoch.
2. Bring an older Kazasu's up to date, and leave a newer one's as it is (migration.py).
3. It must be this site's, this terminal's and this key's. A new key is a new epoch, and so a new file: an epoch then
   verifies with one key, and nobody has to know when keys changed.
4. Bring everything from the write-ahead log into the main file, flushed, and empty the log. What a process that died
   had written but not flushed is readable and not yet durable; it must be, before anybody is told of it or builds on
   it. And after a failed flush, pages that look clean may never have reached the disk: this writes them anew.
5. Verify the signatures of the last events and of all since the last checkpoint, the only ones that an interrupted
   write can have touched. Costs the same with ten events and with a million.
6. After a fault: what this process had acknowledged must still be there.
7. Note the checkpoint. That commit shows that the file can be written, and takes the flush of the log's new header
   upon itself, which would else fall to the next tap.
"""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import sqlite3
from typing import TYPE_CHECKING

import msgspec

from kazasu.errors import ConfigurationError, JournalCorrupt, JournalUnwritable, JournalVersion, KeyMaterialError
from kazasu.model.document import Verifier
from kazasu.model.event import GENESIS
from kazasu.store.chain import Chain, Head, digest_of
from kazasu.store.durable import make_directory, sync_directory
from kazasu.store.migration import Schema, bring_up_to_date, expect_version, version_of
from kazasu.store.sqlite import abandon, connect, make_durable_wal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_log = logging.getLogger(__name__)

JOURNAL = Schema(name="journal", application_id=0x4B5A534A, version=1, error=JournalVersion)  # "KZSJ"
_TAIL_EVENTS = 32


class OpenJournal(msgspec.Struct, kw_only=True):
    """An open journal and where its chain stands.

    Attributes:
        connection: the one that writes.
        identity: device and inode of the file, to notice when it is replaced.
        chain: whose it is.
        head: the last event.
        pruned: the last event removed.
    """

    connection: sqlite3.Connection
    identity: tuple[int, int]
    chain: Chain
    head: Head
    pruned: Head


class Owner(msgspec.Struct, frozen=True, kw_only=True):
    """Who may use a journal.

    Attributes:
        site: the organisation's name.
        terminal: the device's name.
        verifier: of the event key.
    """

    site: str
    terminal: str
    verifier: Verifier


def open_journal(path: Path, owner: Owner, before: OpenJournal | None, schema: Schema = JOURNAL) -> OpenJournal:
    """Open or make the journal; see the module's steps.

    Args:
        path: the database file.
        owner: who we are.
        before: its state when this process last had it open; what was acknowledged then must still be there.
        schema: the tables that it is to have.

    Raises:
        JournalVersion: it is a newer Kazasu's, or no journal.
        ConfigurationError: it is another site's or terminal's.
        KeyMaterialError: it is another key's.
        JournalCorrupt: it does not verify.
        JournalUnwritable: another connection reads all the time.
        sqlite3.Error, OSError: anything else; `sqlite.journal_error` tells what it means.
    """
    _make_file(path)
    with contextlib.ExitStack() as undo:
        connection = connect(path, "rw")
        undo.callback(abandon, connection, path)
        version_of(connection, path, schema)
        make_durable_wal(connection)
        connection.execute("PRAGMA wal_autocheckpoint = 0")  # no tap pays for one: Journal.idle does it
        bring_up_to_date(connection, path, schema, lambda new: _begin_epoch(new, owner))
        chain, pruned, checkpoint_seq = read_chain(connection, path, schema)
        _check_owner(chain, owner, connection)
        empty_log(connection, path)
        head = _verify_tail(connection, chain, pruned, checkpoint_seq, owner.verifier)
        if before is not None:
            _check_acknowledged(connection, chain, pruned, before)
        note_checkpoint(connection, head.seq)
        status = path.stat()
        undo.pop_all()
    return OpenJournal(
        connection=connection, identity=(status.st_dev, status.st_ino), chain=chain, head=head, pruned=pruned
    )


def read_chain(connection: sqlite3.Connection, path: Path, schema: Schema = JOURNAL) -> tuple[Chain, Head, int]:
    """Return whose chain it is, the last event pruned, and up to where it was checkpointed.

    Raises:
        JournalVersion: not a journal, or one of another version.
        JournalCorrupt: it names no epoch.
        sqlite3.Error: as usual.
    """
    expect_version(connection, path, schema)
    row = connection.execute(
        "SELECT site, terminal, epoch, pruned_seq, pruned_digest, checkpoint_seq FROM journal"
    ).fetchone()
    if row is None:
        raise JournalCorrupt(f"{path}: the row that names its epoch is missing")
    site, terminal, epoch, pruned_seq, pruned_digest, checkpoint_seq = row
    chain = Chain(path=path, site=site, terminal=terminal, epoch=epoch)
    return chain, Head(seq=pruned_seq, digest=pruned_digest), checkpoint_seq


def empty_log(connection: sqlite3.Connection, path: Path) -> None:
    """Bring everything into the main file, flushed, and cut the log to nothing.

    Raises:
        JournalUnwritable: a reader keeps it from happening.
        sqlite3.Error: as usual.
    """
    if connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
        raise JournalUnwritable(f"another program reads {path} all the time; end it, and recording goes on by itself")


def note_checkpoint(connection: sqlite3.Connection, seq: int) -> None:
    """Note that every event up to `seq` is in the main file.

    The count makes each note a change: for a row that stays as it is SQLite commits nothing and flushes no header.
    """
    connection.execute("UPDATE journal SET checkpoint_seq = ?, checkpoints = checkpoints + 1", (seq,))


def _make_file(path: Path) -> None:
    """Make an empty file that only we can read, with its directory, all durable; do nothing if it is there."""
    make_directory(path.parent)
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        sync_directory(path.parent)


def _begin_epoch(connection: sqlite3.Connection, owner: Owner) -> None:
    connection.execute(
        "INSERT INTO journal (only_row, epoch, site, terminal, keyid, pruned_seq, pruned_digest, checkpoint_seq,"
        " checkpoints) VALUES (1, ?, ?, ?, ?, 0, ?, 0, 0)",
        (secrets.token_hex(8), owner.site, owner.terminal, owner.verifier.keyid, GENESIS),
    )


def _check_owner(chain: Chain, owner: Owner, connection: sqlite3.Connection) -> None:
    if (chain.site, chain.terminal) != (owner.site, owner.terminal):
        raise ConfigurationError(
            f"{chain.path} is the journal of site {chain.site!r}, terminal {chain.terminal!r}, and the configuration"
            f" says site {owner.site!r}, terminal {owner.terminal!r}: correct it, or move the journal away, and a new"
            " one begins"
        )
    keyid = connection.execute("SELECT keyid FROM journal").fetchone()[0]
    if keyid != owner.verifier.keyid:
        raise KeyMaterialError(
            f"{chain.path} is signed with the key {keyid}, and the configured event key is {owner.verifier.keyid}:"
            " bring the right key back, or, if the key was changed on purpose, move the journal away once all of it was"
            " sent, and a new one begins"
        )


def _verify_tail(
    connection: sqlite3.Connection, chain: Chain, pruned: Head, checkpoint_seq: int, verifier: Verifier
) -> Head:
    last_seq = connection.execute("SELECT max(seq) FROM event").fetchone()[0] or pruned.seq
    if last_seq < max(checkpoint_seq, pruned.seq):
        raise JournalCorrupt(
            f"{chain.path}: event {last_seq + 1} of epoch {chain.epoch}: it is missing, and so is all up"
            f" to {checkpoint_seq}"
        )
    start_seq = max(pruned.seq, min(checkpoint_seq, last_seq - _TAIL_EVENTS))
    head = pruned if start_seq == pruned.seq else head_at(connection, chain, start_seq)
    for row in rows_after(connection, start_seq):
        event = chain.verified(head, row, verifier)
        head = Head(seq=event.seq, digest=event.digest)
    return head


def _check_acknowledged(connection: sqlite3.Connection, chain: Chain, pruned: Head, before: OpenJournal) -> None:
    if before.chain.epoch != chain.epoch:
        _log.critical("journal_made_anew", extra={"fields": {"epoch": chain.epoch, "former_epoch": before.chain.epoch}})
    elif before.head.seq > pruned.seq and head_at(connection, chain, before.head.seq) != before.head:
        raise JournalCorrupt(
            f"{chain.path}: event {before.head.seq} of epoch {chain.epoch}: it is not the one that was acknowledged"
        )


def head_at(connection: sqlite3.Connection, chain: Chain, seq: int) -> Head:
    """Return the chain's state after the stored event `seq`.

    Raises:
        JournalCorrupt: there is none.
        sqlite3.Error: as usual.
    """
    row = connection.execute("SELECT body FROM event WHERE seq = ?", (seq,)).fetchone()
    if row is None:
        raise JournalCorrupt(f"{chain.path}: event {seq} of epoch {chain.epoch}: it is missing")
    return Head(seq=seq, digest=digest_of(row[0]))


def rows_after(connection: sqlite3.Connection, seq: int) -> Iterator[tuple[int, int, bytes]]:
    """Yield seq, at_s and body of the events after `seq`, in order."""
    yield from connection.execute("SELECT seq, at_s, body FROM event WHERE seq > ? ORDER BY seq", (seq,))

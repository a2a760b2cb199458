"""The terminal's append-only, signed, hash-chained record (design, rules 1 and 3).

An append is one INSERT, which SQLite makes durable with exactly one fdatasync. What could add a second one to a tap
(checkpoints, the flush of a reset log's header) is done in `idle`.

After any error of the disk nothing is built on what this connection believes: it is abandoned, and the next append
or `idle` opens the file anew, decides by what is there, and makes that durable first (journal_file.py). An event whose
commit failed was never visible to another connection, so its number is used again; if the file shows it after all,
it has its place in the chain and the next event follows it. Either way there is one event to a number.
"""

from __future__ import annotations

import logging
import sqlite3
from typing import TYPE_CHECKING

from kazasu.errors import JournalError, JournalFull, JournalUnwritable
from kazasu.model.event import Place, sealed
from kazasu.model.moment import TimeSource
from kazasu.model.signature import Ed25519Verifier
from kazasu.store.chain import Head
from kazasu.store.journal_file import Owner, head_at, note_checkpoint, open_journal
from kazasu.store.retention import match, newest_s, remove_first, seq_before, slack_s
from kazasu.store.sqlite import abandon, journal_error
from kazasu.store.usage import WARN_PERCENT, usage_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import NoReturn

    from kazasu.model.event import Draft, Event
    from kazasu.model.receipt import Receipt
    from kazasu.model.signature import Ed25519Signer
    from kazasu.model.usage import Usage
    from kazasu.store.journal_file import OpenJournal

_log = logging.getLogger(__name__)

CHECKPOINT_EVENTS = 200
"""So many events may wait in the log: about 1.5 MB, and as many signatures to verify after a power cut."""


class Journal:
    """Implements ports.store.Journal.

    A disk that is full, read-only or broken does not keep it from being made: each append then raises, until one
    succeeds. A journal that is somebody else's or does not verify does.

    Args:
        path: the database file; made, with its directory, if it is missing.
        site: the organisation's name.
        terminal: the device's name.
        signer: the terminal's event key.
        max_events: room; at the limit `append` raises `JournalFull`.
        keep_s: an event younger than this, against the newest one, stays although a receipt vouches for it.
        collector: whether a collector sends receipts; if not, `idle` prunes by age, and by size from 80 % on, whether
            it was sent or not.

    Raises:
        JournalVersion: the journal is a newer Kazasu's, or some other file.
        ConfigurationError: it is another site's or terminal's.
        KeyMaterialError: it is another key's.
        JournalCorrupt: it does not verify.
    """

    def __init__(
        self,
        path: Path,
        site: str,
        terminal: str,
        signer: Ed25519Signer,
        *,
        max_events: int,
        keep_s: int,
        collector: bool,
    ) -> None:
        self._path = path
        self._owner = Owner(site=site, terminal=terminal, verifier=Ed25519Verifier(signer.public))
        self._signer = signer
        self._max_events = max_events
        self._keep_s = keep_s
        self._collector = collector
        self._state: OpenJournal | None = None
        self._usable = False
        self._since_checkpoint = 0
        self._receipt_seq = 0
        self._clock_s: int | None = None
        self._try_open()

    @property
    def epoch(self) -> str:
        """The chain's name; empty as long as the journal could never be opened."""
        return "" if self._state is None else self._state.chain.epoch

    @property
    def seq(self) -> int:
        """The last event's number; 0 if there is none."""
        return 0 if self._state is None else self._state.head.seq

    def append(self, draft: Draft) -> Event:
        """Give the draft its place, sign it, and return once it is durable; see ports.store.Journal.

        Raises:
            JournalFull: no room, in the configuration or on the disk.
            JournalUnwritable: the file cannot be written.
            JournalCorrupt: opening it again after a fault showed that it does not verify.
            ValueError: a field outside the wire's subset.
        """
        journal = self._opened()
        self._refuse_if_replaced(journal)
        if journal.head.seq - journal.pruned.seq >= self._max_events:
            raise JournalFull(
                f"{self._path} holds {self._max_events} events, as many as it may: bring the broker and its collector"
                " back, or raise [journal] max_events"
            )
        chain = journal.chain
        place = Place(
            site=chain.site,
            terminal=chain.terminal,
            epoch=chain.epoch,
            seq=journal.head.seq + 1,
            prev=journal.head.digest,
        )
        event = sealed(draft, place, self._signer)
        at_s = int(draft.moment.at.timestamp())
        try:
            journal.connection.execute("INSERT INTO event VALUES (?, ?, ?)", (event.seq, at_s, event.body))
        except (sqlite3.Error, OSError) as error:
            self._fail(error)
        journal.head = Head(seq=event.seq, digest=event.digest)
        self._since_checkpoint += 1
        if draft.moment.source is TimeSource.NTP:
            self._clock_s = at_s
        return event

    def recent(self, span_s: int) -> Iterator[Event]:
        """The newest event and those of the `span_s` seconds before it, oldest first; none while it is not open.

        Raises:
            JournalCorrupt: an event does not follow the one before it.
            JournalError: the file cannot be read.
        """
        journal = self._state
        if journal is None or not self._usable:
            return
        try:
            start_seq = seq_before(journal.connection, span_s)
            if start_seq is None:
                return
            head = journal.pruned
            if start_seq != head.seq:
                head = head_at(journal.connection, journal.chain, start_seq)
            rows = journal.connection.execute("SELECT seq, body FROM event WHERE seq > ? ORDER BY seq", (start_seq,))
            for seq, body in rows:
                event = journal.chain.linked(head, seq, body)
                head = Head(seq=event.seq, digest=event.digest)
                yield event
        except sqlite3.Error as error:
            self._fail(error)

    def idle(self) -> None:
        """Do what can wait: open again after a fault, one checkpoint, one step of pruning.

        Raises:
            JournalCorrupt: opening it again after a fault showed that it does not verify.
        """
        if self._state is None or not self._usable:
            self._try_open()
            return
        try:
            if self._since_checkpoint >= CHECKPOINT_EVENTS:
                self._checkpoint(self._state)
            self._prune_step(self._state)
        except (sqlite3.Error, OSError) as error:
            _log.warning("journal_upkeep_failed", extra={"fields": {"detail": str(self._given_up(error))}})

    def prune(self, receipt: Receipt) -> int:
        """Remove a first part of what the collector vouches for and is old enough; `idle` goes on with the rest.

        Returns:
            How many events were removed now. A receipt for another epoch removes nothing: it is of a former journal.

        Raises:
            JournalCorrupt: the receipt does not match the chain.
            JournalError: the file cannot be written.
        """
        journal = self._opened()
        if receipt.epoch != journal.chain.epoch or receipt.seq < journal.pruned.seq:
            return 0
        try:
            match(journal, receipt)
            self._receipt_seq = max(self._receipt_seq, receipt.seq)
            return self._prune_step(journal)
        except (sqlite3.Error, OSError) as error:
            self._fail(error)

    def usage(self) -> Usage:
        """Tell how full it is; during a fault, how full it was."""
        count = 0 if self._state is None else self._state.head.seq - self._state.pruned.seq
        return usage_of(self._path, count, self._max_events)

    def close(self) -> None:
        """Bring everything into the main file and let it go; calling it again does nothing."""
        if self._state is None or not self._usable:
            return
        try:
            self._checkpoint(self._state)
        except (sqlite3.Error, OSError) as error:
            _log.warning("journal_upkeep_failed", extra={"fields": {"detail": str(self._given_up(error))}})
        else:
            self._usable = False
            self._state.connection.close()

    def _opened(self) -> OpenJournal:
        if self._state is None or not self._usable:
            try:
                self._state = open_journal(self._path, self._owner, self._state)
            except (sqlite3.Error, OSError) as error:
                raise journal_error(error, self._path) from error
            self._usable = True
            self._since_checkpoint = 0
        return self._state

    def _try_open(self) -> None:
        try:
            self._opened()
        except (JournalFull, JournalUnwritable) as error:
            _log.warning("journal_not_open", extra={"fields": {"detail": str(error)}})

    def _refuse_if_replaced(self, journal: OpenJournal) -> None:
        """An event in a file that was deleted or moved away would be durable and gone."""
        try:
            status = self._path.stat()
        except OSError as error:
            self._fail(error)
        if (status.st_dev, status.st_ino) != journal.identity:
            self._fail(JournalUnwritable(f"{self._path} was replaced while Kazasu had it open"))

    def _given_up(self, error: Exception) -> JournalError:
        """Abandon the connection and say what the error means."""
        if self._state is not None and self._usable:
            self._usable = False
            abandon(self._state.connection, self._path)
        return journal_error(error, self._path)

    def _fail(self, error: Exception) -> NoReturn:
        raise self._given_up(error) from error

    def _checkpoint(self, journal: OpenJournal) -> None:
        """Bring the log into the main file and begin it again from its start, which wears the disk least.

        RESTART rather than PASSIVE, so that no reader is left behind in the log; the note then begins the log anew and
        takes the flush of its header upon itself. If a reader is in the way, the next `idle` tries again.
        """
        if not journal.connection.execute("PRAGMA wal_checkpoint(RESTART)").fetchone()[0]:
            note_checkpoint(journal.connection, journal.head.seq)
            self._since_checkpoint = 0

    def _prune_step(self, journal: OpenJournal) -> int:
        """Remove one part of what may go.

        With a collector: what it vouches for, once it is old enough, or at once when room gets short. Without one: what
        is old enough by a clock that was synchronised, and the oldest when room gets short, which is said.
        """
        short = journal.head.seq - journal.pruned.seq >= self._max_events * WARN_PERCENT // 100
        if self._collector:
            if self._receipt_seq <= journal.pruned.seq:
                return 0
            before_s = None if short else newest_s(journal.connection) - self._keep_s
            return remove_first(journal, self._receipt_seq, before_s, slack_s(self._keep_s))
        if short:
            _log.warning("journal_pruned_by_size", extra={"fields": {"first_seq": journal.pruned.seq + 1}})
            return remove_first(journal, journal.head.seq, None)
        if self._clock_s is None:
            return 0
        return remove_first(journal, journal.head.seq, self._clock_s - self._keep_s, slack_s(self._keep_s))

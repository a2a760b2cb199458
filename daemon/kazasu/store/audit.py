"""Verify a whole journal, as an auditor does: with the public key alone, changing nothing.

What this does not show: events cut off the end of a stopped terminal's journal beyond its last checkpoint, or a journal
rewritten by whoever holds the key. Receipts kept off the device show both (docs, threats).
"""

from __future__ import annotations

import contextlib
import sqlite3
from typing import TYPE_CHECKING

import msgspec

from kazasu.errors import JournalCorrupt
from kazasu.store.chain import Head
from kazasu.store.journal_file import read_chain, rows_after
from kazasu.store.sqlite import connect, journal_error

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from kazasu.model.document import Verifier

_PROGRESS_EVENTS = 1000


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """How far a verification is.

    Attributes:
        epoch: the chain's name.
        seq: verified up to here; in the last one, the journal's last event.
        count: events verified.
        total: events to verify.
    """

    epoch: str
    seq: int
    count: int
    total: int


def verify(path: Path, verifier: Verifier) -> Iterator[Progress]:
    """Check each event's number, place in the chain and signature; yields now and then, and at the end.

    Raises:
        JournalCorrupt: naming the first event that is missing, changed, out of order or foreign, and what is wrong.
        JournalError: the file cannot be read.
    """
    try:
        with contextlib.closing(connect(path, "ro")) as connection:
            connection.execute("BEGIN")  # one state of the journal, although the daemon goes on writing
            chain, head, checkpoint_seq = read_chain(connection, path)
            total = connection.execute("SELECT count(*) FROM event").fetchone()[0]
            count = 0
            for count, row in enumerate(rows_after(connection, head.seq), start=1):
                event = chain.verified(head, row, verifier)
                head = Head(seq=event.seq, digest=event.digest)
                if count % _PROGRESS_EVENTS == 0:
                    yield Progress(epoch=chain.epoch, seq=head.seq, count=count, total=total)
            if count != total:
                raise JournalCorrupt(f"{path}: {total - count} events stand before the first event of the chain")
            if head.seq < checkpoint_seq:
                raise JournalCorrupt(
                    f"{path}: event {head.seq + 1} of epoch {chain.epoch}: it is missing, and so is all up to"
                    f" {checkpoint_seq}"
                )
            yield Progress(epoch=chain.epoch, seq=head.seq, count=count, total=total)
    except (sqlite3.Error, OSError) as error:
        raise journal_error(error, path) from error

"""What is young, what is old, and how the old is removed without breaking the chain.

Age is measured against the newest event, not against a clock: a clock that was set wrongly must not empty a journal.
It is looked for from either end of the sequence, so it needs no index (schema/journal.sql).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kazasu.errors import JournalCorrupt
from kazasu.store.chain import Head
from kazasu.store.journal_file import head_at

if TYPE_CHECKING:
    import sqlite3

    from kazasu.model.receipt import Receipt
    from kazasu.store.journal_file import OpenJournal

_DAY_S = 86_400
PRUNE_EVENTS = 500
"""So many are removed in one transaction, and in one call: a tap that comes meanwhile waits for no more."""


def newest_s(connection: sqlite3.Connection) -> int:
    """Unix time of the newest event; 0 if there is none."""
    row: tuple[int] | None = connection.execute("SELECT at_s FROM event ORDER BY seq DESC LIMIT 1").fetchone()
    return 0 if row is None else row[0]


def seq_before(connection: sqlite3.Connection, span_s: int) -> int | None:
    """Number of the event before the run at the end that lies within `span_s` seconds; None if there is no event."""
    oldest_s = newest_s(connection) - span_s
    rows = connection.execute("SELECT seq, at_s FROM event ORDER BY seq DESC")
    before = None
    for seq, at_s in rows:
        if at_s < oldest_s:
            break
        before = seq - 1
    rows.close()
    return before


def match(journal: OpenJournal, receipt: Receipt) -> None:
    """Return if the receipt names an event of this chain, the last one pruned or one that is stored.

    Raises:
        JournalCorrupt: it names another one.
        sqlite3.Error: as usual.
    """
    if receipt.seq > journal.head.seq:
        raise JournalCorrupt(
            f"the collector vouches for event {receipt.seq} of epoch {receipt.epoch}, and this journal ends at"
            f" {journal.head.seq}: it was rolled back, or another terminal uses its name"
        )
    head = journal.pruned
    if receipt.seq != head.seq:
        head = head_at(journal.connection, journal.chain, receipt.seq)
    if receipt.digest != head.digest:
        raise JournalCorrupt(
            f"the collector vouches for another event {receipt.seq} of epoch {receipt.epoch}: its digest is"
            f" {receipt.digest}, and here it is {head.digest}"
        )


def slack_s(keep_s: int) -> int:
    """How much longer the oldest event may stay than it has to, in seconds.

    Without it a journal that has reached its age would remove one event with each that comes: a second flush per tap.
    """
    return min(_DAY_S, keep_s // 10)


def remove_first(journal: OpenJournal, limit_seq: int, before_s: int | None, spare_s: int = 0) -> int:
    """Remove the first events, in one transaction.

    Args:
        journal: its `pruned` is moved on.
        limit_seq: nothing after it is removed, and never the newest event: age is measured against it.
        before_s: Unix time; the first and the last event removed are older. None: age does not matter. An event
            between older ones that claims to be younger was written while the clock was wrong, and goes with them.
        spare_s: nothing is removed before the first event is older than `before_s` by so much.

    Returns:
        How many, up to `PRUNE_EVENTS`.

    Raises:
        sqlite3.Error: as usual; nothing was removed.
    """
    limit_seq = min(limit_seq, journal.head.seq - 1, journal.pruned.seq + PRUNE_EVENTS)
    first = journal.connection.execute("SELECT at_s FROM event ORDER BY seq LIMIT 1").fetchone()
    if first is None or (before_s is not None and first[0] >= before_s - spare_s):
        return 0  # the usual answer, and it has to be cheap: idle asks every ten seconds
    rows = journal.connection.execute(
        "SELECT seq, at_s FROM event WHERE seq <= ? ORDER BY seq", (limit_seq,)
    ).fetchall()
    old = [seq for seq, at_s in rows if before_s is None or at_s < before_s]
    if not old:
        return 0
    pruned = head_at(journal.connection, journal.chain, old[-1])
    journal.connection.execute("BEGIN IMMEDIATE")
    journal.connection.execute("DELETE FROM event WHERE seq <= ?", (pruned.seq,))
    journal.connection.execute("UPDATE journal SET pruned_seq = ?, pruned_digest = ?", (pruned.seq, pruned.digest))
    journal.connection.execute("COMMIT")
    count = pruned.seq - journal.pruned.seq
    journal.pruned = Head(seq=pruned.seq, digest=pruned.digest)
    return count

"""What keeping means, in SQL that SQLite and PostgreSQL both understand.

The order in which events arrive does not matter: a batch takes the rows of its terminals' chains under lock, then
stores what is new under (terminal, epoch, seq), then moves each chain's head as far as what is stored reaches. So
whoever fills a gap moves the head over it, and two collectors at once neither double nor lose anything: the second
waits for the first one's commit and then sees what it stored. Rows are locked in the order of the terminals' names.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from kazasu.collector.records import Alert, Kept, KeptEvent, KeptReceipt, Kind
from kazasu.collector.store.evidence import Evidence
from kazasu.collector.store.heads import CHAIN, CLOCK_SAYS_SO, Heads, head_in, lives, two_devices
from kazasu.collector.store.statements import Statements
from kazasu.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from kazasu.collector.records import Chain, Checked, Finding, Refused
    from kazasu.collector.store.heads import ChainKey
    from kazasu.collector.store.statements import Row

_LONGEST_PAUSE_S = 3600
_EVENT = "terminal, epoch, seq, digest, prev, event_type, time, boot, mono_ms, cardholder, day, arrived_s, body"
_KEPT = (
    "SELECT event.terminal, event.epoch, event.seq, event.body, event.arrived_s, chain.seq FROM event"
    " JOIN chain ON chain.terminal = event.terminal AND chain.epoch = event.epoch"
)


class SqlStore(Statements):
    """Implements EventStore but for how a statement reaches the database.

    Args:
        most_unsigned: so many messages that nobody signed are kept, of a terminal.
    """

    def __init__(self, most_unsigned: int) -> None:
        self._heads = Heads(self)
        self._evidence = Evidence(self, most_unsigned)

    def keep(self, events: Sequence[Checked], refused: Sequence[Refused], now_s: int) -> Kept:
        """See EventStore."""
        by_chain: dict[ChainKey, list[Checked]] = {}
        for event in events:
            by_chain.setdefault((event.terminal, event.epoch), []).append(event)
        in_quarantine = list(refused)
        findings: list[Finding] = []
        new: dict[ChainKey, list[Checked]] = {}
        duplicates = rewritten = 0
        with self.transaction():
            heads = self._heads.locked(by_chain, now_s, findings)
            for key, batch in sorted(by_chain.items()):
                new[key], forks = self._heads.fresh(heads[key], batch)
                duplicates += len(batch) - len(new[key]) - len(forks)
                in_quarantine += forks
            self.insert("event", _EVENT, [_row(event, now_s) for fresh in new.values() for event in fresh])
            for key, fresh in new.items():
                if fresh:
                    head = heads[key]
                    head.top = max(head.top, fresh[-1].seq)
                    head.arrived_s = now_s
                    findings += two_devices(head, heads, fresh)
                    broken = self._heads.advance(head, findings)
                    rewritten += len(broken)
                    in_quarantine += broken
                    self._heads.store(head)
            refused_now = self._evidence.quarantine(in_quarantine, now_s, findings)
            self._evidence.find(findings, now_s)
        return Kept(
            chains=tuple(heads[key].chain() for key in new if lives(heads[key], heads)),
            stored=sum(map(len, new.values())) - rewritten,
            duplicates=duplicates,
            refused=refused_now,
        )

    def chains(self) -> Sequence[Chain]:
        """See EventStore."""
        with self.reading():
            rows = self.rows(f"SELECT {CHAIN} FROM chain ORDER BY terminal, number, epoch")
        return [head_in(row).chain() for row in rows]

    def missing(self, chain: Chain) -> tuple[int, int]:
        """See EventStore."""
        with self.reading():
            return self._missing(chain.terminal, chain.epoch, chain.seq)

    def claim_repair(self, chain: Chain, now_s: int, pause_s: int) -> bool:
        """See EventStore."""
        where = "WHERE terminal = ? AND epoch = ?"
        with self.transaction():
            rows = self.rows(f"SELECT seq, asked_s, asks FROM chain {where}{self.lock}", (chain.terminal, chain.epoch))
            if not rows:
                return False
            seq, asked_s, asks = rows[0]
            wait_s = min(pause_s * 2 ** min(asks - 1, 20), _LONGEST_PAUSE_S) if asks else 0
            if seq != chain.seq or now_s < asked_s + wait_s:
                return False
            self.change(f"UPDATE chain SET asked_s = ?, asks = asks + 1 {where}", (now_s, chain.terminal, chain.epoch))
            return True

    def accept_gap(self, chain: Chain, now_s: int, by: str) -> tuple[int, int]:
        """See EventStore."""
        whose = (chain.terminal, chain.epoch)
        with self.transaction():
            rows = self.rows(f"SELECT {CHAIN} FROM chain WHERE terminal = ? AND epoch = ?{self.lock}", whose)
            head = head_in(rows[0]) if rows else None
            first, last = (0, 0) if head is None else self._missing(*whose, head.seq)
            if head is None or not last:
                raise StoreError(
                    f"{chain.terminal}: there is no gap in epoch {chain.epoch} with an event behind it to go on from"
                )
            [(prev,)] = self.rows(
                "SELECT prev FROM event WHERE terminal = ? AND epoch = ? AND seq = ?", (*whose, last + 1)
            )
            self.change("INSERT INTO given_up VALUES (?, ?, ?, ?, ?, ?)", (*whose, first, last, by, now_s))
            head.seq, head.digest, head.boot = last, prev, ""
            findings: list[Finding] = []
            broken = self._heads.advance(head, findings)
            self._heads.store(head)
            self._evidence.quarantine(broken, now_s, findings)
            self._evidence.find(findings, now_s)
            return first, last

    def keep_receipts(self, receipts: Sequence[KeptReceipt]) -> Sequence[KeptReceipt]:
        """See EventStore."""
        newest = []
        with self.transaction():
            for receipt in sorted(receipts, key=lambda receipt: (receipt.terminal, receipt.epoch, receipt.seq)):
                self.change(
                    "INSERT INTO receipt VALUES (?, ?, ?, ?, ?) ON CONFLICT (terminal, epoch, hundred) DO UPDATE"
                    " SET seq = excluded.seq, body = excluded.body WHERE receipt.seq < excluded.seq",
                    (receipt.terminal, receipt.epoch, receipt.seq // 100, receipt.seq, receipt.body),
                )
                [(top,)] = self.rows(
                    "SELECT max(seq) FROM receipt WHERE terminal = ? AND epoch = ? AND hundred >= ?",
                    (receipt.terminal, receipt.epoch, receipt.seq // 100),
                )
                if top == receipt.seq:
                    newest.append(receipt)
        return newest

    def newest_receipts(self) -> Sequence[KeptReceipt]:
        """See EventStore."""
        with self.reading():
            rows = self.rows(
                "SELECT receipt.terminal, receipt.epoch, receipt.seq, receipt.body FROM receipt JOIN chain"
                " ON chain.terminal = receipt.terminal AND chain.epoch = receipt.epoch"
                " WHERE receipt.hundred = (SELECT max(newest.hundred) FROM receipt AS newest"
                " WHERE newest.terminal = chain.terminal AND newest.epoch = chain.epoch)"
                " ORDER BY receipt.terminal, chain.arrived_s, chain.number"
            )
        return list({row[0]: _receipt(row) for row in rows}.values())

    def receipt_from(self, terminal: str, epoch: str, seq: int) -> KeptReceipt | None:
        """See EventStore."""
        with self.reading():
            rows = self.rows(
                "SELECT terminal, epoch, seq, body FROM receipt WHERE terminal = ? AND epoch = ? AND seq >= ?"
                " ORDER BY seq LIMIT 1",
                (terminal, epoch, seq),
            )
        return _receipt(rows[0]) if rows else None

    def revoke(self, terminal: str, keyid: str) -> None:
        """See EventStore."""
        with self.transaction():
            known = self.rows("SELECT seq FROM revocation WHERE terminal = ? AND keyid = ?", (terminal, keyid))
            if known:
                return
            tops = self.rows(f"SELECT epoch, top FROM chain WHERE terminal = ? ORDER BY number{self.lock}", (terminal,))
            for epoch, top in [("", 0), *tops]:
                self.change(
                    "INSERT INTO revocation VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING", (terminal, keyid, epoch, top)
                )

    def revocations(self) -> dict[tuple[str, str], dict[str, int]]:
        """See EventStore."""
        found: dict[tuple[str, str], dict[str, int]] = {}
        with self.reading():
            for terminal, keyid, epoch, seq in self.rows("SELECT terminal, keyid, epoch, seq FROM revocation"):
                found.setdefault((terminal, keyid), {})[epoch] = seq
        return found

    def find(self, findings: Sequence[Finding], now_s: int) -> None:
        """See EventStore."""
        with self.transaction():
            self._evidence.find(findings, now_s)

    def settle(self, terminal: str, kind: str, by: str, now_s: int) -> int:
        """See EventStore."""
        with self.transaction():
            return self.change(
                "UPDATE finding SET settled_s = ?, settled_by = ? WHERE terminal = ? AND kind = ? AND settled_s = 0",
                (now_s, by, terminal, kind),
            )

    def alerts(self) -> Sequence[Alert]:
        """See EventStore."""
        with self.reading():
            rows = self.rows(
                "SELECT terminal, kind, count, detail, raised_s FROM finding WHERE settled_s = 0"
                " ORDER BY terminal, kind, raised_s, epoch"
            )
        alerts: dict[tuple[str, str], Alert] = {}
        for terminal, kind, count, detail, raised_s in rows:
            before = alerts.get((terminal, kind))
            alerts[terminal, kind] = Alert(
                terminal=terminal,
                kind=Kind(kind),
                count=count + (0 if before is None else before.count),
                detail=detail,
                raised=datetime.fromtimestamp(raised_s, UTC).isoformat(),
            )
        return list(alerts.values())

    def events(self, terminal: str, epoch: str, first: int, last: int) -> Iterator[KeptEvent]:
        """See EventStore."""
        return self._kept_events(
            "event.terminal = ? AND event.epoch = ? AND event.seq BETWEEN ? AND ? ORDER BY event.seq",
            (terminal, epoch, first, last),
        )

    def punches(self, first_day: str, last_day: str) -> Iterator[KeptEvent]:
        """See EventStore."""
        return self._kept_events(
            "event.day <> '' AND event.day BETWEEN ? AND ?"
            " ORDER BY event.day, event.cardholder, event.terminal, chain.number, event.seq",
            (first_day, last_day),
        )

    def clock_after(self, terminal: str, epoch: str, seq: int) -> KeptEvent | None:
        """See EventStore."""
        with self.reading():
            rows = self.rows(
                f"{_KEPT} WHERE event.terminal = ? AND event.epoch = ? AND event.seq > ? AND event.event_type = ?"
                " ORDER BY event.seq LIMIT 1",
                (terminal, epoch, seq, CLOCK_SAYS_SO),
            )
        return _kept(rows[0]) if rows else None

    def _kept_events(self, where: str, values: Sequence[Any]) -> Iterator[KeptEvent]:
        with self.reading():
            yield from map(_kept, self.stream(f"{_KEPT} WHERE {where}", values))

    def _missing(self, terminal: str, epoch: str, seq: int) -> tuple[int, int]:
        [(following,)] = self.rows(
            "SELECT min(seq) FROM event WHERE terminal = ? AND epoch = ? AND seq > ?", (terminal, epoch, seq)
        )
        return (0, 0) if following is None or following == seq + 1 else (seq + 1, following - 1)


def _row(event: Checked, now_s: int) -> Row:
    return (
        event.terminal,
        event.epoch,
        event.seq,
        event.digest,
        event.prev,
        event.event_type,
        event.time,
        event.boot,
        event.mono_ms,
        event.cardholder,
        event.day,
        now_s,
        event.body,
    )


def _receipt(row: Row) -> KeptReceipt:
    return KeptReceipt(terminal=row[0], epoch=row[1], seq=row[2], body=bytes(row[3]))


def _kept(row: Row) -> KeptEvent:
    terminal, epoch, seq, body, arrived_s, head = row
    return KeptEvent(terminal=terminal, epoch=epoch, seq=seq, body=bytes(body), arrived_s=arrived_s, linked=seq <= head)

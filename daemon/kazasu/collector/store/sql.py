"""What keeping means, in SQL that SQLite and PostgreSQL both understand.

The order in which events arrive does not matter: a batch takes the rows of its terminals' chains under lock, then
stores what is new under (terminal, epoch, seq), then moves each chain's head as far as what is stored reaches. So
whoever fills a gap moves the head over it, and two collectors at once neither double nor lose anything: the second
waits for the first one's commit and then sees what it stored. Rows are locked in the order of the terminals' names.
"""

from __future__ import annotations

import abc
import hashlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec

from kazasu.collector.records import (
    Alert,
    Chain,
    Finding,
    Kept,
    KeptEvent,
    KeptReceipt,
    Kind,
    Reason,
    Refused,
)
from kazasu.errors import StoreError
from kazasu.model.event import GENESIS, clock_change
from kazasu.model.moment import Moment, TimeSource

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from contextlib import AbstractContextManager

    from kazasu.collector.records import Checked

Row = tuple[Any, ...]

_STEP = 500  # rows at once while a head moves
_LONGEST_PAUSE_S = 3600
_MOST_UNSIGNED = 10_000
"""So many messages that nobody signed are kept, of a terminal: a broken program must not fill the disk."""

_CHAIN = "terminal, epoch, number, seq, digest, top, began, arrived_s, time, boot, mono_ms, asked_s"
_EVENT = "terminal, epoch, seq, digest, prev, event_type, time, boot, mono_ms, cardholder, day, arrived_s, body"
_CLOCK_SAYS_SO = "clock.changed"


class _Head(msgspec.Struct, kw_only=True):
    """A chain's row while a batch works on it."""

    terminal: str
    epoch: str
    number: int
    seq: int
    digest: str
    top: int
    began: str
    arrived_s: int
    time: str
    boot: str
    mono_ms: int

    def chain(self) -> Chain:
        return Chain(
            terminal=self.terminal,
            epoch=self.epoch,
            number=self.number,
            seq=self.seq,
            digest=self.digest,
            top=self.top,
            began=self.began,
            arrived_s=self.arrived_s,
        )


class SqlStore(abc.ABC):
    """Implements EventStore but for how a statement reaches the database.

    A `?` stands for a value in every statement; `lock` is what a SELECT of rows that are to change ends in.
    """

    lock = ""

    def __init__(self) -> None:
        self._unsigned: dict[str, int] = {}  # in quarantine, of a terminal, as far as this process knows

    @abc.abstractmethod
    def transaction(self) -> AbstractContextManager[None]:
        """All or nothing; durable at its end.

        Raises:
            StoreUnavailable: nothing was changed.
        """

    @abc.abstractmethod
    def reading(self) -> AbstractContextManager[None]:
        """One SELECT, which takes no lock.

        Raises:
            StoreUnavailable: it cannot be read now.
        """

    @abc.abstractmethod
    def rows(self, statement: str, values: Sequence[Any] = ()) -> list[Row]:
        """Run a SELECT."""

    @abc.abstractmethod
    def change(self, statement: str, values: Sequence[Any] = ()) -> int:
        """Run anything else; returns how many rows it changed."""

    @abc.abstractmethod
    def insert(self, table: str, columns: str, rows: Sequence[Row]) -> None:
        """Insert many new rows."""

    @abc.abstractmethod
    def stream(self, statement: str, values: Sequence[Any]) -> Iterator[Row]:
        """Run a SELECT with more rows than memory should hold."""

    @abc.abstractmethod
    def close(self) -> None:
        """See EventStore."""

    def keep(self, events: Sequence[Checked], refused: Sequence[Refused], now_s: int) -> Kept:
        """See EventStore."""
        by_chain: dict[tuple[str, str], dict[int, Checked]] = {}
        in_quarantine = list(refused)
        duplicates = 0
        for event in events:
            wanted = by_chain.setdefault((event.terminal, event.epoch), {})
            first = wanted.get(event.seq)
            if first is None:
                wanted[event.seq] = event
            elif first.digest == event.digest:
                duplicates += 1
            else:
                in_quarantine.append(_fork(event, first.digest))
        findings: list[Finding] = []
        with self.transaction():
            heads = self._locked(by_chain, now_s, findings)
            new: list[Checked] = []
            for key in sorted(by_chain):
                batch = by_chain[key]
                fresh, forks = self._fresh(heads[key], batch)
                duplicates += len(batch) - len(fresh) - len(forks)
                in_quarantine += forks
                new += fresh
            self.insert("event", _EVENT, [_row(event, now_s) for event in new])
            rewritten = 0
            for key in sorted({(event.terminal, event.epoch) for event in new}):
                head = heads[key]
                fresh = [event for event in new if (event.terminal, event.epoch) == key]
                head.top = max(head.top, *(event.seq for event in fresh), 0)
                head.arrived_s = now_s
                findings += _two_devices(head, heads, fresh)
                broken = self._advance(head, findings)
                rewritten += len(broken)
                in_quarantine += broken
                self._store_head(head)
            refused_now = self._quarantine(in_quarantine, now_s, findings)
            self._find(findings, now_s)
        return Kept(
            chains=tuple(heads[key].chain() for key in sorted(by_chain) if _lives(heads[key], heads)),
            stored=len(new) - rewritten,
            duplicates=duplicates,
            refused=refused_now,
        )

    def chains(self) -> Sequence[Chain]:
        """See EventStore."""
        with self.reading():
            rows = self.rows(f"SELECT {_CHAIN} FROM chain ORDER BY terminal, number, epoch")
        return [_head(row).chain() for row in rows]

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
            rows = self.rows(f"SELECT {_CHAIN} FROM chain WHERE terminal = ? AND epoch = ?{self.lock}", whose)
            head = _head(rows[0]) if rows else None
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
            broken = self._advance(head, findings)
            self._store_head(head)
            self._quarantine(broken, now_s, findings)
            self._find(findings, now_s)
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
                " ORDER BY receipt.terminal, chain.arrived_s, chain.number, receipt.seq"
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
            self._find(findings, now_s)

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
                " ORDER BY terminal, kind, raised_s, seq"
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
        found = self._kept_events(
            "event.terminal = ? AND event.epoch = ? AND event.seq > ? AND event.event_type = ?"
            " ORDER BY event.seq LIMIT 1",
            (terminal, epoch, seq, _CLOCK_SAYS_SO),
        )
        return next(iter(list(found)), None)

    def _kept_events(self, where: str, values: Sequence[Any]) -> Iterator[KeptEvent]:
        with self.reading():
            for terminal, epoch, seq, body, arrived_s, head in self.stream(
                "SELECT event.terminal, event.epoch, event.seq, event.body, event.arrived_s, chain.seq FROM event"
                f" JOIN chain ON chain.terminal = event.terminal AND chain.epoch = event.epoch WHERE {where}",
                values,
            ):
                yield KeptEvent(
                    terminal=terminal,
                    epoch=epoch,
                    seq=seq,
                    body=bytes(body),
                    arrived_s=arrived_s,
                    linked=seq <= head,
                )

    def _locked(
        self, by_chain: dict[tuple[str, str], dict[int, Checked]], now_s: int, findings: list[Finding]
    ) -> dict[tuple[str, str], _Head]:
        """All chains of the batch's terminals, theirs for this transaction; those that are new are begun."""
        heads: dict[tuple[str, str], _Head] = {}
        for terminal in sorted({terminal for terminal, _ in by_chain}):
            found = self._chains_of(terminal)
            for (owner, epoch), batch in by_chain.items():
                if owner != terminal or epoch in found:
                    continue
                first = min(batch.values(), key=lambda event: event.seq)
                begun = self.change(
                    f"INSERT INTO chain ({_CHAIN}, asks) VALUES (?, ?, ?, 0, ?, 0, ?, ?, '', '', 0, 0, 0)"
                    " ON CONFLICT DO NOTHING",
                    (terminal, epoch, len(found) + 1, GENESIS, first.time, now_s),
                )
                if begun and found:
                    former = max(found.values(), key=lambda head: head.number)
                    words = f"its journal began anew: epoch {epoch} after {former.epoch}, which ended at {former.top}"
                    findings.append(Finding(terminal=terminal, kind=Kind.EPOCH, epoch=epoch, detail=words))
                found = self._chains_of(terminal)
            heads |= {(terminal, epoch): head for epoch, head in found.items()}
        return heads

    def _chains_of(self, terminal: str) -> dict[str, _Head]:
        rows = self.rows(f"SELECT {_CHAIN} FROM chain WHERE terminal = ? ORDER BY epoch{self.lock}", (terminal,))
        return {row[1]: _head(row) for row in rows}

    def _fresh(self, head: _Head, batch: dict[int, Checked]) -> tuple[list[Checked], list[Refused]]:
        """Tell what is new from what is here already, and from what contradicts it."""
        seqs = sorted(seq for seq in batch if seq <= head.top)
        kept: dict[int, str] = {}
        if seqs:
            marks = ", ".join("?" * len(seqs))
            kept = dict(
                self.rows(
                    f"SELECT seq, digest FROM event WHERE terminal = ? AND epoch = ? AND seq IN ({marks})",
                    (head.terminal, head.epoch, *seqs),
                )
            )
        fresh = [event for seq, event in sorted(batch.items()) if seq not in kept]
        forks = [_fork(batch[seq], digest) for seq, digest in kept.items() if batch[seq].digest != digest]
        return fresh, forks

    def _advance(self, head: _Head, findings: list[Finding]) -> list[Refused]:
        """Move a head as far as what is stored reaches; what does not link is taken out again."""
        while True:
            rows = self.rows(
                "SELECT seq, digest, prev, event_type, time, boot, mono_ms FROM event"
                " WHERE terminal = ? AND epoch = ? AND seq > ? AND seq <= ? ORDER BY seq",
                (head.terminal, head.epoch, head.seq, head.seq + _STEP),
            )
            for seq, digest, prev, event_type, time, boot, mono_ms in rows:
                if seq != head.seq + 1:
                    return []
                if prev != head.digest:
                    return [self._take_out(head, seq, prev)]
                if head.boot and event_type != _CLOCK_SAYS_SO and (words := _jump(head, time, boot, mono_ms)):
                    findings.append(
                        Finding(terminal=head.terminal, kind=Kind.CLOCK, epoch=head.epoch, seq=seq, detail=words)
                    )
                head.seq, head.digest, head.time, head.boot, head.mono_ms = seq, digest, time, boot, mono_ms
            if len(rows) < _STEP:
                return []

    def _take_out(self, head: _Head, seq: int, prev: str) -> Refused:
        whose = (head.terminal, head.epoch, seq)
        [(body,)] = self.rows("SELECT body FROM event WHERE terminal = ? AND epoch = ? AND seq = ?", whose)
        self.change("DELETE FROM event WHERE terminal = ? AND epoch = ? AND seq = ?", whose)
        return Refused(
            terminal=head.terminal,
            reason=Reason.REWRITTEN,
            detail=f"event {seq} of epoch {head.epoch} names {prev} as the hash of the event before it, which is"
            f" {head.digest}",
            signed=True,
            body=bytes(body),
        )

    def _store_head(self, head: _Head) -> None:
        self.change(
            "UPDATE chain SET asks = CASE WHEN seq < ? THEN 0 ELSE asks END, seq = ?, digest = ?, time = ?, boot = ?,"
            " mono_ms = ?, top = ?, arrived_s = ? WHERE terminal = ? AND epoch = ?",
            (
                head.seq,
                head.seq,
                head.digest,
                head.time,
                head.boot,
                head.mono_ms,
                head.top,
                head.arrived_s,
                head.terminal,
                head.epoch,
            ),
        )

    def _missing(self, terminal: str, epoch: str, seq: int) -> tuple[int, int]:
        [(following,)] = self.rows(
            "SELECT min(seq) FROM event WHERE terminal = ? AND epoch = ? AND seq > ?", (terminal, epoch, seq)
        )
        return (0, 0) if following is None or following == seq + 1 else (seq + 1, following - 1)

    def _quarantine(self, refused: Iterable[Refused], now_s: int, findings: list[Finding]) -> int:
        """Keep what is no event, once; returns how much of it is new."""
        count = 0
        for item in sorted(refused, key=lambda item: (item.terminal, item.reason, item.body)):
            if not item.signed and self._is_full(item.terminal):
                findings.append(_refusal(item, f"{item.detail}; not kept: {_MOST_UNSIGNED} such are there already"))
                continue
            added = self.change(
                "INSERT INTO quarantine VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                (
                    item.terminal,
                    hashlib.sha256(item.body).hexdigest(),
                    item.reason.value,
                    item.detail.replace("\0", "\\0"),
                    int(item.signed),
                    now_s,
                    item.body,
                ),
            )
            if added:
                count += 1
                if not item.signed:
                    self._unsigned[item.terminal] += 1
                findings.append(_refusal(item, item.detail))
        return count

    def _is_full(self, terminal: str) -> bool:
        if terminal not in self._unsigned:
            rows = self.rows("SELECT count(*) FROM quarantine WHERE terminal = ? AND signed = 0", (terminal,))
            self._unsigned[terminal] = rows[0][0]
        return self._unsigned[terminal] >= _MOST_UNSIGNED

    def _find(self, findings: Iterable[Finding], now_s: int) -> None:
        for finding in sorted(findings, key=lambda item: (item.terminal, item.kind, item.epoch, item.seq)):
            self.change(
                "INSERT INTO finding VALUES (?, ?, ?, ?, ?, 1, ?, 0, '')"
                " ON CONFLICT (terminal, kind, epoch, seq) DO UPDATE SET detail = excluded.detail,"
                " count = CASE WHEN finding.settled_s = 0 THEN finding.count + 1 ELSE 1 END,"
                " raised_s = excluded.raised_s, settled_s = 0, settled_by = ''",
                (
                    finding.terminal,
                    finding.kind.value,
                    finding.epoch,
                    finding.seq,
                    finding.detail.replace("\0", "\\0"),
                    now_s,
                ),
            )


def _lives(head: _Head, heads: dict[tuple[str, str], _Head]) -> bool:
    """Whether it is the one of its terminal's epochs that was last heard of."""
    own = [other for other in heads.values() if other.terminal == head.terminal]
    return head is max(own, key=lambda other: (other.arrived_s, other.number))


def _head(row: Row) -> _Head:
    names = ("terminal", "epoch", "number", "seq", "digest", "top", "began", "arrived_s", "time", "boot", "mono_ms")
    return _Head(**dict(zip(names, row, strict=False)))


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


def _fork(event: Checked, digest: str) -> Refused:
    return Refused(
        terminal=event.terminal,
        reason=Reason.FORK,
        detail=f"event {event.seq} of epoch {event.epoch} has the hash {event.digest}, and the one that is kept has"
        f" {digest}",
        signed=True,
        body=event.body,
    )


def _refusal(item: Refused, words: str) -> Finding:
    kind = {Reason.FORK: Kind.FORK, Reason.REWRITTEN: Kind.REWRITTEN}.get(item.reason, Kind.REFUSED)
    return Finding(terminal=item.terminal, kind=kind, detail=f"{item.reason.value}: {words}"[:1000])


def _two_devices(head: _Head, heads: dict[tuple[str, str], _Head], fresh: Sequence[Checked]) -> Iterator[Finding]:
    """Find an epoch that goes on after a later one began: a journal is begun anew when the one before has ended."""
    newest = max((other for other in heads.values() if other.terminal == head.terminal), key=lambda other: other.number)
    if newest.epoch == head.epoch:
        return
    began = datetime.fromisoformat(newest.began)
    for event in fresh:
        if datetime.fromisoformat(event.time) > began:
            words = f"epoch {head.epoch} goes on at {event.time}, and epoch {newest.epoch} began at {newest.began}"
            yield Finding(terminal=head.terminal, kind=Kind.TWO_DEVICES, epoch=head.epoch, detail=words)
            return


def _jump(head: _Head, time: str, boot: str, mono_ms: int) -> str:
    """What the clock did between two events, if it was more than it may; empty if all is well."""
    change = clock_change(_moment(head.time, head.boot, head.mono_ms), _moment(time, boot, mono_ms))
    if change is None:
        return ""
    return f"its clock was set by {change['step_ms']} ms between {head.time} and {time}, and no event says so"


def _moment(time: str, boot: str, mono_ms: int) -> Moment:
    return Moment(at=datetime.fromisoformat(time), source=TimeSource.NTP, error_ms=0, boot=boot, mono_ms=mono_ms)

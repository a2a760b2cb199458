"""Chains' heads: taken under lock, and moved as far as what is stored reaches."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, TypeAlias

import msgspec

from kazasu.collector.records import Chain, Finding, Kind, Reason, Refused
from kazasu.model.event import GENESIS, clock_change
from kazasu.model.moment import Moment, TimeSource

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from kazasu.collector.records import Checked
    from kazasu.collector.store.statements import Row, Statements

ChainKey: TypeAlias = tuple[str, str]
"""Terminal and epoch."""

CHAIN = "terminal, epoch, number, seq, digest, top, began, arrived_s, time, boot, mono_ms, asked_s"
CLOCK_SAYS_SO = "clock.changed"

_STEP = 500  # rows at once while a head moves


class Head(msgspec.Struct, kw_only=True):
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
        """As others see it."""
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


class Heads:
    """Moves heads, within a transaction of the caller's.

    Args:
        statements: how the database is reached.
    """

    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    def locked(
        self, by_chain: Mapping[ChainKey, Sequence[Checked]], now_s: int, findings: list[Finding]
    ) -> dict[ChainKey, Head]:
        """All chains of the batch's terminals, theirs for this transaction; those that are new are begun."""
        heads: dict[ChainKey, Head] = {}
        for terminal in sorted({terminal for terminal, _ in by_chain}):
            found = self._chains_of(terminal)
            for (owner, epoch), batch in by_chain.items():
                if owner != terminal or epoch in found:
                    continue
                first = min(batch, key=lambda event: event.seq)
                begun = self._statements.change(
                    f"INSERT INTO chain ({CHAIN}, asks) VALUES (?, ?, ?, 0, ?, 0, ?, ?, '', '', 0, 0, 0)"
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

    def _chains_of(self, terminal: str) -> dict[str, Head]:
        rows = self._statements.rows(
            f"SELECT {CHAIN} FROM chain WHERE terminal = ? ORDER BY epoch{self._statements.lock}", (terminal,)
        )
        return {row[1]: head_in(row) for row in rows}

    def fresh(self, head: Head, batch: Sequence[Checked]) -> tuple[list[Checked], list[Refused]]:
        """Tell what is new, by number, from what is here already, and from what contradicts that: forks."""
        seqs = sorted({event.seq for event in batch if event.seq <= head.top})
        kept: dict[int, str] = {}
        if seqs:
            marks = ", ".join("?" * len(seqs))
            kept = dict(
                self._statements.rows(
                    f"SELECT seq, digest FROM event WHERE terminal = ? AND epoch = ? AND seq IN ({marks})",
                    (head.terminal, head.epoch, *seqs),
                )
            )
        fresh, forks = [], []
        for event in batch:
            if event.seq not in kept:
                kept[event.seq] = event.digest
                fresh.append(event)
            elif kept[event.seq] != event.digest:
                forks.append(_fork(event, kept[event.seq]))
        return sorted(fresh, key=lambda event: event.seq), forks

    def advance(self, head: Head, findings: list[Finding]) -> list[Refused]:
        """Move a head as far as what is stored reaches; what does not link is taken out again."""
        while True:
            rows = self._statements.rows(
                "SELECT seq, digest, prev, event_type, time, boot, mono_ms FROM event"
                " WHERE terminal = ? AND epoch = ? AND seq > ? AND seq <= ? ORDER BY seq",
                (head.terminal, head.epoch, head.seq, head.seq + _STEP),
            )
            for seq, digest, prev, event_type, time, boot, mono_ms in rows:
                if seq != head.seq + 1:
                    return []
                if prev != head.digest:
                    return [self._take_out(head, seq, prev)]
                if head.boot and event_type != CLOCK_SAYS_SO and (words := _jump(head, time, boot, mono_ms)):
                    words = f"event {seq}: {words}"
                    findings.append(Finding(terminal=head.terminal, kind=Kind.CLOCK, epoch=head.epoch, detail=words))
                head.seq, head.digest, head.time, head.boot, head.mono_ms = seq, digest, time, boot, mono_ms
            if len(rows) < _STEP:
                return []

    def _take_out(self, head: Head, seq: int, prev: str) -> Refused:
        whose = (head.terminal, head.epoch, seq)
        [(body,)] = self._statements.rows("SELECT body FROM event WHERE terminal = ? AND epoch = ? AND seq = ?", whose)
        self._statements.change("DELETE FROM event WHERE terminal = ? AND epoch = ? AND seq = ?", whose)
        return Refused(
            terminal=head.terminal,
            reason=Reason.REWRITTEN,
            detail=f"event {seq} of epoch {head.epoch} names {prev} as the hash of the event before it, which is"
            f" {head.digest}",
            signed=True,
            body=bytes(body),
        )

    def store(self, head: Head) -> None:
        """Write where it stands."""
        self._statements.change(
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


def head_in(row: Row) -> Head:
    """Read a row of `chain`, its columns in the order of `CHAIN`."""
    names = ("terminal", "epoch", "number", "seq", "digest", "top", "began", "arrived_s", "time", "boot", "mono_ms")
    return Head(**dict(zip(names, row, strict=False)))


def lives(head: Head, heads: Mapping[ChainKey, Head]) -> bool:
    """Whether it is the one of its terminal's epochs that was last heard of."""
    own = [other for other in heads.values() if other.terminal == head.terminal]
    return head is max(own, key=lambda other: (other.arrived_s, other.number))


def _fork(event: Checked, digest: str) -> Refused:
    return Refused(
        terminal=event.terminal,
        reason=Reason.FORK,
        detail=f"event {event.seq} of epoch {event.epoch} has the hash {event.digest}, and the one that is kept has"
        f" {digest}",
        signed=True,
        body=event.body,
    )


def two_devices(head: Head, heads: Mapping[ChainKey, Head], fresh: Sequence[Checked]) -> Iterator[Finding]:
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


def _jump(head: Head, time: str, boot: str, mono_ms: int) -> str:
    """What the clock did between two events, if it was more than it may; empty if all is well."""
    change = clock_change(_moment(head.time, head.boot, head.mono_ms), _moment(time, boot, mono_ms))
    if change is None:
        return ""
    return f"its clock was set by {change['step_ms']} ms between {head.time} and {time}, and no event says so"


def _moment(time: str, boot: str, mono_ms: int) -> Moment:
    return Moment(at=datetime.fromisoformat(time), source=TimeSource.NTP, error_ms=0, boot=boot, mono_ms=mono_ms)

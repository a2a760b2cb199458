"""The collector's seam to what keeps events: SQLite or PostgreSQL (store/)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from kazasu.collector.records import Alert, Chain, Checked, Finding, Kept, KeptEvent, KeptReceipt, Refused


class EventStore(Protocol):
    """Keeps events exactly once. One thread at a time; several processes at once on PostgreSQL.

    Everything raises `StoreUnavailable` when the store cannot be reached or written now: nothing was changed then, and
    the same call may be made again.
    """

    def keep(self, events: Sequence[Checked], refused: Sequence[Refused], now_s: int) -> Kept:
        """Keep a batch, whatever the order in which it arrived; on return it is durable.

        Args:
            events: their signatures hold.
            refused: for the quarantine.
            now_s: Unix time.
        """
        ...

    def chains(self) -> Sequence[Chain]:
        """Every chain, a terminal's epochs in their order."""
        ...

    def missing(self, chain: Chain) -> tuple[int, int]:
        """The first range of numbers that is missing above `chain.seq` and below what is kept; (0, 0) if none is."""
        ...

    def claim_repair(self, chain: Chain, now_s: int, pause_s: int) -> bool:
        """Whether this collector is the one to ask the terminal again now.

        Args:
            chain: that has a gap.
            now_s: Unix time.
            pause_s: between the first two questions; each pause is twice as long as the one before, up to an hour.
        """
        ...

    def accept_gap(self, chain: Chain, now_s: int, by: str) -> tuple[int, int]:
        """Go on behind the first gap, which nothing will ever fill; says which numbers that gives up.

        Raises:
            StoreError: there is no gap with anything behind it.
        """
        ...

    def keep_receipts(self, receipts: Sequence[KeptReceipt]) -> Sequence[KeptReceipt]:
        """Keep receipts before they are published; returns those that no newer one has overtaken."""
        ...

    def newest_receipts(self) -> Sequence[KeptReceipt]:
        """The newest of each terminal, of the epoch that was last heard of."""
        ...

    def receipt_from(self, terminal: str, epoch: str, seq: int) -> KeptReceipt | None:
        """The nearest kept receipt that vouches for an event."""
        ...

    def revoke(self, terminal: str, keyid: str) -> None:
        """A key is worth nothing from here on: remember how far each epoch was kept; a second time changes nothing."""
        ...

    def revocations(self) -> dict[tuple[str, str], dict[str, int]]:
        """For each terminal's revoked key the last number of each epoch that still counts."""
        ...

    def find(self, findings: Sequence[Finding], now_s: int) -> None:
        """Note findings; one that is open already has its words and count renewed."""
        ...

    def settle(self, terminal: str, kind: str, by: str, now_s: int) -> int:
        """A person or the collector has seen to all findings of a kind; returns how many were open."""
        ...

    def alerts(self) -> Sequence[Alert]:
        """All that stands open."""
        ...

    def events(self, terminal: str, epoch: str, first: int, last: int) -> Iterator[KeptEvent]:
        """Events of one epoch, in order."""
        ...

    def punches(self, first_day: str, last_day: str) -> Iterator[KeptEvent]:
        """All events of a working day in the range, ends included: by day and cardholder, each terminal's in order."""
        ...

    def clock_after(self, terminal: str, epoch: str, seq: int) -> KeptEvent | None:
        """The first event after `seq` that says that the clock changed; None if none does."""
        ...

    def close(self) -> None:
        """Let it go; calling it again does nothing."""
        ...

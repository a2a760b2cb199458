"""Receipts: signed, cumulative, kept before they are published, at most one a second for each terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kazasu.collector.records import KeptReceipt

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kazasu.collector.ports import EventStore
    from kazasu.collector.records import Chain
    from kazasu.collector.wire import CollectorPayloads
    from kazasu.model.document import Signer

APART_S = 1.0


class Receipts:
    """Decides what is due. A receipt says what is true whenever it is said, so nothing is lost with this object."""

    def __init__(self, payloads: CollectorPayloads, signer: Signer) -> None:
        self._payloads = payloads
        self._signer = signer
        self._owed: dict[str, Chain] = {}
        self._said_s: dict[str, float] = {}

    def owe(self, chains: Iterable[Chain]) -> None:
        """These chains may have moved, or their terminals have sent again what was there already."""
        for chain in chains:
            if chain.seq:
                self._owed[chain.terminal] = chain

    def wait_s(self, now_s: float) -> float | None:
        """How long until one is due; None if none is owed."""
        if not self._owed:
            return None
        return max(0.0, min(self._due_s(terminal) for terminal in self._owed) - now_s)

    def due(self, store: EventStore, now_s: float) -> list[KeptReceipt]:
        """Sign and keep what is due; it may be published then, but for what another collector has overtaken.

        Raises:
            StoreUnavailable: it is owed still.
        """
        due = [chain for terminal, chain in self._owed.items() if self._due_s(terminal) <= now_s]
        if not due:
            return []
        receipts = [
            KeptReceipt(
                terminal=chain.terminal,
                epoch=chain.epoch,
                seq=chain.seq,
                body=self._payloads.receipt(chain, self._signer),
            )
            for chain in due
        ]
        newest = store.keep_receipts(receipts)
        for chain in due:
            del self._owed[chain.terminal]
            self._said_s[chain.terminal] = now_s
        return list(newest)

    def _due_s(self, terminal: str) -> float:
        return self._said_s.get(terminal, float("-inf")) + APART_S

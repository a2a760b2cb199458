"""Gaps: found from what is kept and from what terminals say of themselves; asked for again, and told."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from kazasu.collector.records import Finding, Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kazasu.collector.ports import EventStore
    from kazasu.collector.records import Chain
    from kazasu.collector.wire import Announced, CollectorPayloads
    from kazasu.model.document import Signer
    from kazasu.ports import Clock


class Repair:
    """Looks for what is missing, a look every few seconds.

    A gap inside a chain shows itself. A missing end does not, so what a terminal's health says that the broker took
    counts as well: brokers lose what they had acknowledged (docs/decisions/0021-collector.md). Both wait for a pause
    without news of that chain: what is missing may still be on its way, or at another collector of the group.

    Args:
        payloads: makes commands.
        signer: the collector's key, which may sign this one command.
        clock: wall time.
        pause_s: how long without news.
    """

    def __init__(self, payloads: CollectorPayloads, signer: Signer, clock: Clock, pause_s: int) -> None:
        self._payloads = payloads
        self._signer = signer
        self._clock = clock
        self._pause_s = pause_s
        self._announced: dict[str, Announced] = {}

    def heard(self, terminal: str, announced: Announced) -> None:
        """A terminal's health arrived."""
        self._announced[terminal] = announced

    def look(self, store: EventStore) -> Iterator[tuple[str, bytes]]:
        """Find gaps, note and end alerts, and yield what to publish: terminal and command.

        Raises:
            StoreUnavailable: the rest waits for the next look.
        """
        now = self._clock.now()
        now_s = int(now.at.timestamp())
        incomplete: set[str] = set()
        for chain in store.chains():
            first, last = self._missing(store, chain)
            if not last:
                continue
            incomplete.add(chain.terminal)
            if now_s >= chain.arrived_s + self._pause_s and store.claim_repair(chain, now_s, self._pause_s):
                words = f"events {first} to {last} of epoch {chain.epoch} are missing"
                store.find([Finding(terminal=chain.terminal, kind=Kind.GAP, epoch=chain.epoch, detail=words)], now_s)
                transaction = secrets.token_hex(16)
                yield (
                    chain.terminal,
                    self._payloads.publish_again(
                        chain, (first, last), transaction=transaction, issued=now.time, signer=self._signer
                    ),
                )
        for alert in store.alerts():
            if alert.kind is Kind.GAP and alert.terminal not in incomplete:
                store.settle(alert.terminal, Kind.GAP, "filled", now_s)

    def _missing(self, store: EventStore, chain: Chain) -> tuple[int, int]:
        if chain.top > chain.seq:
            return store.missing(chain)
        announced = self._announced.get(chain.terminal)
        if announced is not None and announced.epoch == chain.epoch and announced.acked_seq > chain.top:
            return chain.top + 1, announced.acked_seq
        return 0, 0

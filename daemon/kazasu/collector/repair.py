"""Gaps: found from what is kept and from what terminals say of themselves; asked for again, and told."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, NamedTuple

from kazasu.collector.records import Finding, Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kazasu.collector.ports import EventStore
    from kazasu.collector.records import Chain
    from kazasu.collector.wire import Announced, CollectorPayloads
    from kazasu.model.document import Signer
    from kazasu.ports.clock import Clock

_SELDOM_S = 3600


class _Unheard(NamedTuple):
    epoch: str
    ask_s: int
    wait_s: int


class Repair:
    """Looks for what is missing, a look every few seconds.

    A gap inside a chain shows itself. A missing end does not, so what a terminal's health says that the broker took
    counts as well: brokers lose what they had acknowledged (docs/decisions/0021-collector.md). Both wait for a pause
    without news of that chain: what is missing may still be on its way, or at another collector of the group. A whole
    epoch may be missing, too. Nobody vouched for its name, so it is asked for more and more seldom: a terminal that has
    no such epoch records each refusal.

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
        self._unheard: dict[str, _Unheard] = {}

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
        chains = store.chains()
        for chain in chains:
            first, last = self._missing(store, chain)
            if not last:
                continue
            incomplete.add(chain.terminal)
            if now_s >= chain.arrived_s + self._pause_s and store.claim_repair(chain, now_s, self._pause_s):
                words = f"events {first} to {last} of epoch {chain.epoch} are missing"
                store.find([Finding(terminal=chain.terminal, kind=Kind.GAP, epoch=chain.epoch, detail=words)], now_s)
                yield chain.terminal, self._ask(chain.terminal, chain.epoch, (first, last), now.time)
        for terminal, epoch, last in self._unheard_now({(chain.terminal, chain.epoch) for chain in chains}, now_s):
            yield terminal, self._ask(terminal, epoch, (1, last), now.time)
        for alert in store.alerts():
            if alert.kind is Kind.GAP and alert.terminal not in incomplete:
                store.settle(alert.terminal, Kind.GAP, "filled", now_s)

    def _ask(self, terminal: str, epoch: str, missing: tuple[int, int], issued: str) -> bytes:
        return self._payloads.publish_again(
            terminal, epoch, missing, transaction=secrets.token_hex(16), issued=issued, signer=self._signer
        )

    def _unheard_now(self, known: set[tuple[str, str]], now_s: int) -> Iterator[tuple[str, str, int]]:
        """Epochs of which the broker took events and not one has come, that are to be asked for now."""
        for terminal, announced in self._announced.items():
            if not announced.acked_seq or (terminal, announced.epoch) in known:
                self._unheard.pop(terminal, None)
                continue
            unheard = self._unheard.get(terminal)
            if unheard is None or unheard.epoch != announced.epoch:
                self._unheard[terminal] = _Unheard(announced.epoch, now_s + self._pause_s, self._pause_s)
            elif now_s >= unheard.ask_s:
                wait_s = min(2 * unheard.wait_s, _SELDOM_S)
                self._unheard[terminal] = _Unheard(announced.epoch, now_s + wait_s, wait_s)
                yield terminal, announced.epoch, announced.acked_seq

    def _missing(self, store: EventStore, chain: Chain) -> tuple[int, int]:
        if chain.top > chain.seq:
            return store.missing(chain)
        announced = self._announced.get(chain.terminal)
        if announced is not None and announced.epoch == chain.epoch and announced.acked_seq > chain.top:
            return chain.top + 1, announced.acked_seq
        return 0, 0

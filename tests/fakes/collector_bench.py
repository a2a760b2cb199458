"""What a collector does with what arrives, around a real store, without a connection."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from fakes.clock import FakeClock
from fakes.flaky_store import FlakyStore
from fakes.told import SITE, Teller
from kazasu.collector.alerts import Alerts
from kazasu.collector.collecting import Collecting
from kazasu.collector.intake import Intake
from kazasu.collector.mqtt import Arrived
from kazasu.collector.outbox import Outbox
from kazasu.collector.receipts import Receipts
from kazasu.collector.repair import Repair
from kazasu.collector.terminals import TerminalDirectory
from kazasu.collector.wire import CollectorPayloads, CollectorTopics
from kazasu.model.signature import Ed25519Signer

if TYPE_CHECKING:
    from pathlib import Path

BASE = f"kazasu/v1/{SITE}"
ALERT = f"{BASE}/collector/all/alert"
RECEIPT = f"{BASE}/down/front/receipt"
COMMAND = f"{BASE}/down/front/command"
PAUSE_S = 10


class Broker:
    """What a connection is to an outbox: it takes everything and answers at once."""

    def __init__(self) -> None:
        self.published: list[tuple[str, bytes]] = []

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> int:
        self.published.append((topic, payload))
        return len(self.published)


class Bench:
    """A collector's parts around a real store and a clock that moves when told.

    Args:
        folder: for its files.
        most: strangers and alerts that it remembers; without it as many as in earnest.
    """

    def __init__(self, folder: Path, most: int | None = None) -> None:
        self._bounds = {} if most is None else {"most": most}
        self._strangers = {} if most is None else {"most_strangers": most}
        self.terminals = folder / "terminals"
        self.terminals.mkdir()
        self.store = FlakyStore(folder / "events.db")
        self.clock = FakeClock()
        self.broker = Broker()
        self.outbox = Outbox()
        self.collecting = self.begun()

    def begun(self) -> Collecting:
        topics, payloads = CollectorTopics(SITE, "one"), CollectorPayloads(SITE, "one")
        signer = Ed25519Signer(Ed25519PrivateKey.generate())
        return Collecting(
            topics,
            payloads,
            directory=TerminalDirectory(self.terminals),
            intake=Intake(SITE, {}, {}, **self._strangers),
            store=self.store,
            receipts=Receipts(payloads, signer),
            repair=Repair(payloads, signer, self.clock, PAUSE_S),
            alerts=Alerts(topics, payloads, **self._bounds),
            clock=self.clock,
            random=lambda: 0.0,
        )

    def register(self, *tellers: Teller, name: str = "") -> None:
        for teller in tellers:
            pem = teller.signer.public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
            (self.terminals / f"{name or teller.terminal}.pub.pem").write_bytes(pem)

    def connect(self) -> None:
        self.collecting.read_directory()
        self.outbox = Outbox()
        self.outbox.connected(1000)
        self.collecting.connected(self.clock.mono_s(), self.outbox)

    def arrive(self, topic: str, payload: bytes, mid: int = 1) -> bool:
        return self.collecting.take(Arrived(topic=topic, payload=payload, mid=mid), self.outbox)

    def tell(self, teller: Teller, count: int = 1) -> None:
        for event in teller.tell(count):
            assert not self.arrive(teller.topic, event.body, event.seq)

    def work(self, seconds: float = 0.0) -> list[int]:
        """Let time pass, then one round; returns what may be acknowledged."""
        self.clock.advance(seconds)
        self.broker.published.clear()
        acknowledged = self.collecting.work(self.clock.mono_s(), self.outbox)
        self.outbox.send(self.broker)  # type: ignore[arg-type]  # what is used of a connection
        self.outbox.answered([(mid, 0) for mid in range(1, 2000)])
        return acknowledged

    def said(self, topic: str) -> dict[str, Any] | None:
        """What was published on a topic in the last round; empty if it was cleared, None if nothing was."""
        payloads = [payload for heard, payload in self.broker.published if heard == topic]
        return json.loads(payloads[-1] or b"{}") if payloads else None

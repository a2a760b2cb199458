from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from fakes.backlog import FakeBacklog
from fakes.health import FakeHealth
from fakes.inbox import ListInbox
from kazasu.model.input import ReceiptArrived
from kazasu.model.signature import Ed25519Signer, Ed25519Verifier
from kazasu.publishers.downlink import Downlink
from kazasu.publishers.news import Received
from kazasu.publishers.settings import Broker, Settings
from kazasu.publishers.wire import Topics
from kazasu.virtual.subscriber import Chain, signed_receipt

if TYPE_CHECKING:
    from collections.abc import Sequence

COLLECTOR = Ed25519Signer(Ed25519PrivateKey.from_private_bytes(b"c" * 32))
FILE = Path("/file")
BROKER = Broker(host="h", port=1, ca_file=FILE, certificate_file=FILE, key_file=FILE)
TOPICS = Topics("s", "t")


class Ear:
    """Hears one topic."""

    def __init__(self, topic: str) -> None:
        self.subscriptions: Sequence[str] = (topic,)
        self.heard: list[bytes] = []

    def take(self, message: Received) -> bool:
        if message.topic not in self.subscriptions:
            return False
        self.heard.append(message.payload)
        return True


class Rig:
    def __init__(self, *listeners: Ear, collector: bool = True) -> None:
        self.backlog = FakeBacklog(COLLECTOR)
        self.health, self.inbox = FakeHealth(), ListInbox()
        self.downlink = Downlink(
            Settings(site="s", terminal="t", broker=BROKER),
            TOPICS,
            Ed25519Verifier(COLLECTOR.public) if collector else None,
            backlog=self.backlog,
            inbox=self.inbox,
            health=self.health,
            listeners=listeners,
        )


def test_each_listener_hears_its_own_topics_and_nobody_elses() -> None:
    first, second = Ear("one"), Ear("two")
    rig = Rig(first, second)

    for topic in ("one", "two", "three"):
        assert not rig.downlink.take(Received(topic=topic, payload=topic.encode()))

    assert (first.heard, second.heard) == ([b"one"], [b"two"])
    assert tuple(rig.downlink.subscriptions) == (TOPICS.receipt, TOPICS.collector, "one", "two")


def test_a_receipt_goes_to_the_terminal_and_a_collector_that_came_is_told() -> None:
    rig = Rig()
    receipt = signed_receipt(COLLECTOR, "s", "t", rig.backlog.epoch, Chain(seq=5, digest="ab" * 32))

    assert not rig.downlink.take(Received(topic=TOPICS.receipt, payload=receipt))
    assert rig.downlink.take(Received(topic=TOPICS.collector, payload=b'{"state":"online"}'))

    (arrived,) = rig.inbox.drained()
    assert isinstance(arrived, ReceiptArrived)
    assert rig.health.fields["collector"] == "online"


def test_without_a_collector_its_topics_are_not_heard() -> None:
    assert Rig(collector=False).downlink.subscriptions == ()

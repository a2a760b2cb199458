"""One connection: what is read at a time, when it is acknowledged, how it ends."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from fakes.told import SITE, Teller
from kazasu.collector.collecting import BATCH
from kazasu.collector.mqtt import Arrived
from kazasu.collector.session import ANSWER_S, CollectorSession
from kazasu.collector.wire import CollectorPayloads, CollectorTopics
from kazasu.errors import BrokerUnsuitable
from kazasu.publishers.news import Lost, Opened, SubscriptionRefused
from kazasu.publishers.reasons import TAKEN_OVER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kazasu.collector.mqtt import CollectorNews
    from kazasu.collector.outbox import Outbox


class Connection:
    """A connection on which there is always something to read: what `coming` gives, then the same again."""

    def __init__(self) -> None:
        self.acks: list[tuple[int, int]] = []
        self.news: list[CollectorNews] = []
        self.coming: list[CollectorNews] = []
        self.acknowledged: list[int] = []
        self.subscribed: tuple[str, ...] = ()
        self.reads = 0
        self._pipe = os.pipe()

    def read(self) -> None:
        self.reads += 1
        assert self.reads <= 10 * BATCH, "it reads without end"
        if self.coming:
            self.news.append(self.coming.pop(0) if len(self.coming) > 1 else self.coming[0])
        if len(self.coming) == 1 and not isinstance(self.coming[0], Arrived):
            self.coming.clear()
            os.read(self._pipe[0], 1)

    def ready(self, *coming: CollectorNews) -> None:
        self.coming = list(coming)
        os.write(self._pipe[1], b"x")

    def write(self) -> None:
        pass

    def fileno(self) -> int:
        return self._pipe[0]

    def acknowledge(self, mid: int) -> None:
        self.acknowledged.append(mid)

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> int:
        return 1

    def subscribe(self, topics: tuple[str, ...]) -> None:
        self.subscribed = topics

    def close(self) -> None:
        for end in self._pipe:
            os.close(end)


class Collecting:
    """Takes everything, and keeps events at the next round."""

    def __init__(self) -> None:
        self.waiting: list[int] = []

    def connected(self, now_s: float, outbox: Outbox) -> None:
        outbox.put("presence", b"online")

    def take(self, message: Arrived, outbox: Outbox) -> bool:
        if message.topic.endswith("/event"):
            self.waiting.append(message.mid)
            return False
        return True

    def work(self, now_s: float, outbox: Outbox) -> list[int]:
        kept, self.waiting = self.waiting, []
        return kept

    def wait_s(self, now_s: float) -> float:
        return 1.0


@pytest.fixture
def connection() -> Iterator[Connection]:
    connection = Connection()
    yield connection
    connection.close()


@pytest.fixture
def session(connection: Connection) -> CollectorSession:
    topics, payloads = CollectorTopics(SITE, "one", "group"), CollectorPayloads(SITE, "one")
    return CollectorSession(connection, topics, payloads, Collecting(), 0.0)  # type: ignore[arg-type]  # what is used


OPENED = Opened(code=0, receive_maximum=20)


def test_it_subscribes_once_the_broker_has_answered(session: CollectorSession, connection: Connection) -> None:
    assert session.wait_s(1.0) == ANSWER_S - 1.0
    connection.ready(OPENED)
    session.turn(1.0)
    assert session.proved
    assert connection.subscribed[0] == f"$share/group/kazasu/v1/{SITE}/up/+/event"


def test_a_flood_on_another_topic_does_not_keep_it_from_its_work(
    session: CollectorSession, connection: Connection
) -> None:
    connection.ready(OPENED)
    session.turn(1.0)
    connection.reads = 0
    event = Arrived(topic=Teller().topic, payload=b"", mid=7)
    health = Arrived(topic=f"kazasu/v1/{SITE}/up/front/health", payload=b"{}", mid=0)
    connection.ready(event, health)
    session.turn(2.0)
    assert connection.reads == BATCH
    assert connection.acknowledged[-1] == 7


def test_a_broker_that_does_not_answer_is_given_up(session: CollectorSession) -> None:
    with pytest.raises(ConnectionError, match="has not answered"):
        session.turn(ANSWER_S)


@pytest.mark.parametrize(
    ("news", "error", "words"),
    [
        (Opened(code=0x84, receive_maximum=1), BrokerUnsuitable, "does not speak MQTT 5"),
        (Opened(code=0x88, receive_maximum=1), ConnectionError, "refuses this collector"),
        (SubscriptionRefused(code=0x87), BrokerUnsuitable, "refuses a subscription: 0x87"),
        (Lost(detail="gone", code=0, protocol_error=False), ConnectionError, "gone"),
        (Lost(detail="another", code=TAKEN_OVER, protocol_error=False), BrokerUnsuitable, "another"),
    ],
)
def test_what_ends_a_connection_says_why(
    session: CollectorSession, connection: Connection, news: CollectorNews, error: type[Exception], words: str
) -> None:
    connection.ready(news)
    with pytest.raises(error, match=words):
        session.turn(1.0)

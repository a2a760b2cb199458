"""An exchange at the broker, for a command: say something, hear what comes, leave; only what is retained stays."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING

from kazasu.errors import BrokerUnsuitable
from kazasu.publishers.news import Received
from kazasu.publishers.reasons import FAILURE, in_words
from kazasu.publishers.visit import checked, go_on, visiting

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from kazasu.publishers.mqtt import Connection
    from kazasu.publishers.settings import Broker

_ANSWER_S = 10.0
_PINGS_S = 5.0  # paho keeps the connection alive when it reads


class Exchange:
    """What is said and heard over one connection. One thread's; it blocks.

    Raises, wherever it talks to the broker:
        OSError: the connection is gone, or the broker fell silent.
        BrokerUnsuitable: it refuses what was said, or what was to be heard.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._received: list[Received] = []

    def publish(self, topic: str, payload: bytes, *, retain: bool) -> None:
        """Publish with QoS 1, and return once the broker has taken it.

        That nobody listens yet is no failure: what is retained waits.
        """
        packet = self._connection.publish(topic, payload, retain=retain)
        deadline_s = time.monotonic() + _ANSWER_S
        while (code := dict(self._connection.acks).get(packet)) is None:
            if not self._turn(deadline_s):
                raise TimeoutError(f"no answer within {_ANSWER_S:g} s: the broker hangs")
        self._connection.acks.clear()
        if code >= FAILURE:
            raise BrokerUnsuitable(f"{topic}: {in_words(code)}")

    def receive(self, timeout_s: float) -> Received | None:
        """Wait for the next message; None if none comes in time."""
        deadline_s = time.monotonic() + timeout_s
        while not self._received:
            if not self._turn(deadline_s):
                return None
        return self._received.pop(0)

    def _turn(self, deadline_s: float) -> bool:
        """Read and write once; False if the deadline has passed."""
        wait_s = deadline_s - time.monotonic()
        if wait_s <= 0:
            return False
        if not go_on(self._connection, min(wait_s, _PINGS_S)):
            self._connection.read()  # and so keep it alive
        news, self._connection.news = self._connection.news, []
        for item in news:
            checked(item)
            if isinstance(item, Received):
                self._received.append(item)
        return True


@contextlib.contextmanager
def exchanging(broker: Broker, client_id: str, topics: Sequence[str] = ()) -> Iterator[Exchange]:
    """Connect; leave at the end.

    Args:
        broker: where, and what to show.
        client_id: see `visiting`.
        topics: to be heard; what is retained there comes at once.

    Raises:
        KeyMaterialError: see `visiting`.
        OSError: see `visiting`.
        BrokerUnsuitable: see `visiting`.
    """
    with visiting(broker, client_id) as connection:
        if topics:
            connection.subscribe(topics)
        yield Exchange(connection)

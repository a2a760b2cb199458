"""A short visit at the broker, for a command: connect, hear, say, leave. Nothing stays there but what was retained."""

from __future__ import annotations

import select
import time
from typing import TYPE_CHECKING, Self

from kazasu.errors import BrokerUnsuitable
from kazasu.publishers.mqtt import Connection, Lost, Opened, Received, SubscriptionRefused
from kazasu.publishers.reasons import FAILURE, in_words

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from kazasu.publishers.mqtt import News
    from kazasu.publishers.settings import Broker

_ANSWER_S = 10.0
_PINGS_S = 5.0  # paho keeps the connection alive when it reads


class Exchange:
    """One connection that blocks. One thread's.

    As a context manager it is connected, and leaves in order.

    Args:
        broker: where, and what to show.
        client_id: not a running terminal's own: the broker would throw its daemon out.
        topics: to be heard; what is retained there comes at once.

    Raises, wherever it talks to the broker:
        KeyMaterialError: a certificate or key file cannot be used.
        OSError: the broker cannot be reached, TLS failed, or it hung up.
        BrokerUnsuitable: it refuses, or does not speak MQTT 5.
    """

    def __init__(self, broker: Broker, client_id: str, topics: Sequence[str] = ()) -> None:
        self._connection = Connection(broker, client_id, will=None)
        self._topics = topics
        self._received: list[Received] = []
        self._opened = False

    def publish(self, topic: str, payload: bytes, *, retain: bool) -> None:
        """Publish with QoS 1, and return once the broker has taken it.

        That nobody listens yet is no failure: what is retained waits.
        """
        packet = self._connection.publish(topic, payload, retain=retain)
        deadline_s = time.monotonic() + _ANSWER_S
        while True:
            for identifier, code in self._connection.acks:
                if identifier == packet:
                    self._connection.acks.clear()
                    if code >= FAILURE:
                        raise BrokerUnsuitable(f"{topic}: {in_words(code)}")
                    return
            if not self._turn(deadline_s):
                raise TimeoutError(f"no answer within {_ANSWER_S:g} s: the broker hangs")

    def receive(self, timeout_s: float) -> Received | None:
        """Wait for the next message; None if none comes in time."""
        deadline_s = time.monotonic() + timeout_s
        while not self._received:
            if not self._turn(deadline_s):
                return None
        return self._received.pop(0)

    def __enter__(self) -> Self:
        self._connection.open()
        try:
            self._wait_for_answer()
            if self._topics:
                self._connection.subscribe(self._topics)
        except BaseException:
            self._connection.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if kind is None:
            self._connection.disconnect()
        self._connection.close()

    def _wait_for_answer(self) -> None:
        deadline_s = time.monotonic() + _ANSWER_S
        while not self._opened:
            if not self._turn(deadline_s):
                raise TimeoutError(f"no answer within {_ANSWER_S:g} s: this is no MQTT broker, or it hangs")

    def _turn(self, deadline_s: float) -> bool:
        """Read and write once; False if nothing happened until the deadline."""
        connection = self._connection
        while not connection.news:
            wait_s = deadline_s - time.monotonic()
            if wait_s <= 0:
                return False
            poll = select.poll()
            poll.register(connection, select.POLLIN | (select.POLLOUT if connection.wants_write else 0))
            poll.poll(min(wait_s, _PINGS_S) * 1000)
            connection.write()
            connection.read()
            if connection.acks:
                return True
        news, connection.news = connection.news, []
        for item in news:
            self._take(item)
        return True

    def _take(self, item: News) -> None:
        match item:
            case Received():
                self._received.append(item)
            case Opened(code=code) if code >= FAILURE:
                raise BrokerUnsuitable(in_words(code))
            case Opened():
                self._opened = True
            case SubscriptionRefused(code=code):
                raise BrokerUnsuitable(f"{', '.join(self._topics)}: {in_words(code)}")
            case Lost(detail=detail, protocol_error=True):
                raise BrokerUnsuitable(f"what answers there does not speak MQTT 5: {detail}")
            case Lost(detail=detail):
                raise ConnectionError(detail)

"""A client of a real broker that publishes what a test gives it and remembers what it hears."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Self

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from kazasu.publishers.tls import client_context

if TYPE_CHECKING:
    from collections.abc import Callable

    from paho.mqtt.client import MQTTMessage

    from kazasu.publishers.settings import Broker


class BrokerClient:
    """As a context manager it is connected and subscribed.

    Args:
        broker: where, and as whom.
        client_id: its name.
        topics: what it listens to.

    Attributes:
        heard: topic and payload of everything that came, in order.
    """

    def __init__(self, broker: Broker, client_id: str, *topics: str) -> None:
        self.heard: list[tuple[str, bytes]] = []
        self._broker = broker
        self._topics = topics
        self._news = threading.Condition()
        self._subscribed = not topics
        client = Client(CallbackAPIVersion.VERSION2, client_id, protocol=MQTTProtocolVersion.MQTTv5)
        client.tls_set_context(client_context(broker))
        client.reconnect_delay_set(1, 1)
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        self._client = client

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Publish, and return once the broker has it."""
        self._client.publish(topic, payload, qos=1, retain=retain).wait_for_publish(30)

    def newest(self, topic: str) -> bytes:
        """The last payload of a topic; empty if none came, or it was cleared."""
        with self._news:
            return next((payload for heard, payload in reversed(self.heard) if heard == topic), b"")

    def wait_for(self, condition: Callable[[], bool], timeout_s: float = 60.0) -> bool:
        """Wait until the condition holds, looking whenever something arrives; returns whether it does."""
        with self._news:
            return self._news.wait_for(condition, timeout_s)

    def __enter__(self) -> Self:
        self._client.connect(self._broker.host, self._broker.port)
        self._client.loop_start()
        assert self.wait_for(lambda: self._subscribed)
        return self

    def __exit__(self, *_: object) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _on_connect(self, client: Client, *_: object) -> None:
        for topic in self._topics:
            client.subscribe(topic, qos=1)

    def _on_subscribe(self, *_: object) -> None:
        with self._news:
            self._subscribed = True
            self._news.notify_all()

    def _on_message(self, _client: Client, _data: object, message: MQTTMessage) -> None:
        with self._news:
            self.heard.append((message.topic, bytes(message.payload)))
            self._news.notify_all()

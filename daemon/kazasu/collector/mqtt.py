"""The collector's connection: like a terminal's, but a message is acknowledged only when somebody says so.

A PUBACK lets the broker forget a message, so it goes out once the event is durable in the store and not before. Until
then the broker keeps it, and sends it again on the next connection: the store drops what it has already.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import msgspec

from kazasu.publishers.mqtt import Connection
from kazasu.publishers.news import News

if TYPE_CHECKING:
    from paho.mqtt.client import Client, MQTTMessage
    from paho.mqtt.properties import Properties

    from kazasu.publishers.settings import Broker

RECEIVE_MAXIMUM = 1000
"""So many messages the broker leaves unacknowledged: what this process holds in memory at most."""


class Arrived(msgspec.Struct, frozen=True, kw_only=True):
    """A message on a subscribed topic; untrusted, and not acknowledged yet.

    Attributes:
        topic: where it was published.
        payload: its bytes.
        mid: what `CollectorConnection.acknowledge` takes; 0 if it needs no acknowledgement.
    """

    topic: str
    payload: bytes
    mid: int


CollectorNews: TypeAlias = News | Arrived


class CollectorConnection(Connection):
    """One connection to the broker, used once; see `Connection`.

    Args:
        broker: where to.
        client_id: the session's name at the broker.
        will: topic and payload that the broker publishes, retained, when the connection breaks.
        session_expiry_s: how long the broker keeps what it has for this collector while it is away.
    """

    def __init__(self, broker: Broker, client_id: str, will: tuple[str, bytes], session_expiry_s: int) -> None:
        super().__init__(broker, client_id, will)
        self.news: list[CollectorNews] = []  # type: ignore[assignment]  # one kind more
        self._session_expiry_s = session_expiry_s
        self._client.manual_ack_set(True)

    def acknowledge(self, mid: int) -> None:
        """Enqueue a PUBACK for the next `write`; nothing happens once the connection is gone."""
        if mid and self.fileno() >= 0:
            self._client.ack(mid, 1)

    def _properties(self) -> Properties:
        properties = super()._properties()
        properties.ReceiveMaximum = RECEIVE_MAXIMUM
        return properties

    def _on_message(self, _client: Client, _data: object, message: MQTTMessage) -> None:
        mid = message.mid if message.qos else 0
        self.news.append(Arrived(topic=message.topic, payload=bytes(message.payload), mid=mid))

"""What the collector publishes: the newest payload of each topic, as many in flight as the broker takes."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import msgspec

from kazasu.publishers.reasons import FAILURE, in_words

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kazasu.collector.mqtt import CollectorConnection

_log = logging.getLogger(__name__)

_MOST_IN_FLIGHT = 100
_MANY_WAITING = 10_000  # a site of many terminals, each with its receipt


class _Message(msgspec.Struct, frozen=True, kw_only=True):
    topic: str
    payload: bytes
    retain: bool


class Outbox:
    """Used for one connection. A newer receipt or alert on a topic takes the place of one that still waits.

    Args:
        many: when so much waits it is full.

    Attributes:
        refusal: why the broker took the last message that it did not take; empty if it takes them.
    """

    def __init__(self, many: int = _MANY_WAITING) -> None:
        self._many = many
        self.refusal = ""
        self._waiting: dict[str, _Message] = {}
        self._in_flight: dict[int, str] = {}  # packet identifier → topic
        self._room = 0

    @property
    def empty(self) -> bool:
        """Whether all of it was answered."""
        return not self._waiting and not self._in_flight

    @property
    def full(self) -> bool:
        """Whether so much waits that what can be said later has to be."""
        return len(self._waiting) >= self._many

    def connected(self, receive_maximum: int) -> None:
        """The broker has answered CONNECT."""
        self._room = min(receive_maximum, _MOST_IN_FLIGHT)

    def put(self, topic: str, payload: bytes, *, retain: bool = True) -> None:
        """Publish it as soon as there is room."""
        self._waiting.pop(topic, None)
        self._waiting[topic] = _Message(topic=topic, payload=payload, retain=retain)

    def answered(self, acks: Iterable[tuple[int, int]]) -> None:
        """PUBACKs arrived."""
        for mid, code in acks:
            topic = self._in_flight.pop(mid, "")
            refusal = f"{topic}: {in_words(code)}" if code >= FAILURE else ""
            if refusal and refusal != self.refusal:
                _log.warning("publish_refused", extra={"fields": {"detail": refusal}})
            self.refusal = refusal

    def send(self, connection: CollectorConnection) -> None:
        """Hand over what there is room for."""
        while self._waiting and len(self._in_flight) < self._room:
            message = self._waiting.pop(next(iter(self._waiting)))
            mid = connection.publish(message.topic, message.payload, retain=message.retain)
            self._in_flight[mid] = message.topic

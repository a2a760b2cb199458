"""Alerts: what stands open in the store, and this collector's own; retained at the broker, cleared when they end.

The broker is told the difference between what stands and what it has: also what it has from before a crash, or from
another collector on the same store.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from kazasu.collector.records import Alert
    from kazasu.collector.wire import CollectorPayloads, CollectorTopics


_MOST_SEEN = 20_000
_LONGEST_BYTES = 4096  # more than any that is raised here


class Alerts:
    """Used over all connections.

    Args:
        topics: where.
        payloads: in which form.
        most: so many of the broker's are remembered; what is above that stays there until the next connection.
    """

    def __init__(self, topics: CollectorTopics, payloads: CollectorPayloads, most: int = _MOST_SEEN) -> None:
        self._most = most
        self._topics = topics
        self._payloads = payloads
        self._own: dict[str, bytes] = {}
        self._shared: dict[str, bytes] | None = None  # None: the store was not asked yet
        self._at_broker: dict[str, bytes] = {}

    def connected(self) -> None:
        """A new connection: what the broker has, it will say."""
        self._at_broker.clear()

    def seen(self, topic: str, payload: bytes) -> None:
        """An alert is retained at the broker, or was cleared there; untrusted, so that not all of it is kept."""
        if payload:
            if topic in self._at_broker or len(self._at_broker) < self._most:
                self._at_broker[topic] = payload[:_LONGEST_BYTES]
        else:
            self._at_broker.pop(topic, None)

    def own(self, kind: str, message: str) -> None:
        """Raise an alert of this collector itself, or end it: no message."""
        topic = self._topics.own_alert(kind)
        if message:
            self._own[topic] = self._payloads.own_alert(kind, message)
        else:
            self._own.pop(topic, None)

    def stand(self, alerts: Sequence[Alert]) -> None:
        """These are open in the store, and no others."""
        self._shared = {self._topics.alert(alert.terminal, alert.kind): self._payloads.alert(alert) for alert in alerts}

    def changes(self) -> Iterator[tuple[str, bytes]]:
        """What to publish; counts as published then."""
        standing = self._own | (self._shared or {})
        for topic in self._at_broker.keys() - standing.keys():
            if self._shared is not None or not self._topics.is_shared_alert(topic):
                del self._at_broker[topic]
                yield topic, b""
        for topic, payload in standing.items():
            if self._at_broker.get(topic) != payload:
                self._at_broker[topic] = payload
                yield topic, payload

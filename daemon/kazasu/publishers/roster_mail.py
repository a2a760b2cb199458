"""What the publisher's thread and the roster's thread have between them: letters one way, wanted topics the other."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from kazasu.publishers.news import Received


class RosterMail:
    """Implements downlink.Listener. Any thread.

    Neither thread waits for the other, and what is in it is bounded: a topic has one letter, its newest.

    Args:
        manifests: the topics of manifests, which are always subscribed to.
        parts: what the topics of parts begin with.
        wake: tells the publisher that other topics are wanted.

    Attributes:
        subscriptions: the topics of manifests.
    """

    def __init__(self, manifests: tuple[str, ...], parts: str, wake: Callable[[], None]) -> None:
        self.subscriptions: Sequence[str] = manifests
        self._parts = parts
        self._wake = wake
        self._changed = threading.Condition()
        self._letters: dict[str, bytes] = {}
        self._wanted: Mapping[str, str] = {}
        self._closed = False

    def want(self, wanted: Mapping[str, str]) -> None:
        """Ask for the parts on these topics, by their hashes, and for no others any more."""
        if wanted != self._wanted:
            self._wanted = dict(wanted)
            self._wake()

    def wanted(self) -> Mapping[str, str]:
        """Topics of parts, and the hash of each."""
        return self._wanted

    def take(self, message: Received) -> bool:
        """See downlink.Listener; a part that nobody asked for is let fall."""
        topic = message.topic
        if topic in self.subscriptions or topic in self._wanted:
            with self._changed:
                self._letters[topic] = message.payload
                self._changed.notify()
            return True
        return topic.startswith(self._parts)

    def next(self, wait_s: float) -> tuple[str, bytes] | None:
        """Wait for a message, a manifest before parts; None if the time runs out first, or it was closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._letters or self._closed, wait_s)
            topics = [*(topic for topic in self.subscriptions if topic in self._letters), *self._letters]
            return (topics[0], self._letters.pop(topics[0])) if topics else None

    def close(self) -> None:
        """End the waiting."""
        with self._changed:
            self._closed = True
            self._changed.notify()

    @property
    def closed(self) -> bool:
        """Whether it ended."""
        return self._closed

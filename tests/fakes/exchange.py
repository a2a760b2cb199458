"""A broker that keeps what is retained, and somebody at the other end who may answer at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kazasu.publishers.news import Received

if TYPE_CHECKING:
    from collections.abc import Callable


class FakeExchange:
    """Stands where publishers.exchange.Exchange does.

    Args:
        answer: gives topic and payload of the answer to what is published, or None.
    """

    def __init__(self, answer: Callable[[str, bytes], tuple[str, bytes] | None] = lambda *_: None) -> None:
        self.published: list[tuple[str, bytes]] = []
        self._answer = answer
        self._waiting: list[Received] = []

    def retains(self, topic: str, payload: bytes) -> None:
        """Let somebody have published this before."""
        self._waiting.append(Received(topic=topic, payload=payload))

    def publish(self, topic: str, payload: bytes, *, retain: bool) -> None:
        assert retain
        self.published.append((topic, payload))
        answer = self._answer(topic, payload)
        if answer is not None:
            self._waiting.append(Received(topic=answer[0], payload=answer[1]))

    def receive(self, timeout_s: float) -> Received | None:
        assert timeout_s
        return self._waiting.pop(0) if self._waiting else None

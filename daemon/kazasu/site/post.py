"""Retained messages from the desk to the broker, each acknowledged before anything is called published."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from kazasu.errors import BrokerUnsuitable
from kazasu.publishers.reasons import FAILURE, in_words
from kazasu.publishers.visit import checked, go_on

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kazasu.publishers.mqtt import Connection

_ON_THEIR_WAY = 10  # no broker allows less by itself
_ANSWER_S = 30.0


class Post:
    """Publishes over an open connection.

    Args:
        connection: of publishers/visit.py; the access list lets `desk` publish below `down/`.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._waiting: dict[int, str] = {}

    def publish_all(self, messages: Iterable[tuple[str, bytes]]) -> None:
        """Publish topics and payloads to be retained, in order, and return once the broker has taken all of them.

        Several are on their way at a time: a broker that saves what it has at each change saves once for all of these.
        That nobody subscribes (0x10) is success: whoever comes later finds what is retained.

        Raises:
            BrokerUnsuitable: the broker refused one.
            OSError: the connection broke, or the broker fell silent.
        """
        for topic, payload in messages:
            self._waiting[self._connection.publish(topic, payload, retain=True)] = topic
            self._wait_until(_ON_THEIR_WAY - 1)
        self._wait_until(0)

    def _wait_until(self, left: int) -> None:
        """Wait until at most so many are unanswered."""
        connection = self._connection
        while len(self._waiting) > left:
            deadline_s = time.monotonic() + _ANSWER_S
            while not connection.acks and (wait_s := deadline_s - time.monotonic()) > 0:
                go_on(connection, wait_s)
                news, connection.news = connection.news, []
                for item in news:
                    checked(item)
            acks, connection.acks = connection.acks, []
            if not acks:
                raise TimeoutError(f"no answer within {_ANSWER_S:g} s: the broker hangs")
            for identifier, code in acks:
                topic = self._waiting.pop(identifier, "")
                if code >= FAILURE:
                    raise BrokerUnsuitable(f"{topic}: {in_words(code)}")

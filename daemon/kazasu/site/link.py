"""A link of one of the site's own programs to the broker: connected, subscribed, and made anew whenever it breaks."""

from __future__ import annotations

import logging
import secrets
from typing import TYPE_CHECKING

from kazasu.errors import BrokerUnsuitable, KeyMaterialError
from kazasu.publishers.attempt import Attempt
from kazasu.publishers.backoff import Backoff
from kazasu.publishers.mqtt import Connection
from kazasu.publishers.news import Lost, Opened, Received, SubscriptionRefused
from kazasu.publishers.reasons import FAILURE, in_words
from kazasu.publishers.visit import checked, words_of
from kazasu.publishers.waker import Waker, wait

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kazasu.publishers.settings import Broker

_log = logging.getLogger(__name__)

_SILENT_S = 10.0  # for the broker's answer to CONNECT


class Link:
    """Reads along, and says what it is asked to. One thread's, but for `wake`.

    What comes while the link is down is lost but for what the broker retains, which comes again with each connection:
    enough for who looks at how things are.

    Args:
        broker: where, and as whom.
        subscriptions: the topics to listen to.
        mono_s: monotonic seconds.
        random: a number from 0 to below 1, new at each call.

    Attributes:
        trouble: why there is no connection, in words; empty while there is one, or the first is being made.
        refused: what the broker does not let this client do, in words.
        connections: how many there were.
    """

    def __init__(
        self, broker: Broker, subscriptions: Sequence[str], mono_s: Callable[[], float], random: Callable[[], float]
    ) -> None:
        self.trouble = ""
        self.refused = ""
        self.connections = 0
        self._broker = broker
        self._subscriptions = subscriptions
        self._mono_s = mono_s
        self._backoff = Backoff(random)
        self._waker = Waker()
        self._attempt: Attempt | None = None
        self._connection: Connection | None = None
        self._open = False
        self._unanswered = 0
        self._began_s = self._retry_at_s = mono_s()

    @property
    def up(self) -> bool:
        """Whether the broker has taken this client in."""
        return self._open

    def wait(self, timeout_s: float, *others: int) -> None:
        """Wait until there is something to do, here or at one of the other descriptors."""
        if self._connection is None and self._attempt is None:
            timeout_s = min(timeout_s, self._retry_at_s - self._mono_s())
        wait(self._waker, self._connection, timeout_s, *others)

    def wake(self) -> None:
        """Let `wait` return; any thread."""
        self._waker.wake()

    def turn(self) -> list[Received]:
        """Read, write, connect where that is due; returns what came. Blocks nowhere."""
        try:
            return self._turn(self._mono_s())
        except (OSError, KeyMaterialError, BrokerUnsuitable) as error:
            self._broken(error)
            return []

    def publish(self, topic: str, payload: bytes) -> None:
        """Publish a retained message; only while the link is up.

        Raises:
            ConnectionError: it is not.
        """
        if self._connection is None:
            raise ConnectionError("not connected")
        self._connection.publish(topic, payload, retain=True)
        self._unanswered += 1

    @property
    def idle(self) -> bool:
        """Whether the broker has answered everything that was published."""
        return self._unanswered == 0

    def close(self) -> None:
        """Leave in order, if that can be."""
        connection, self._connection, self._open = self._connection, None, False
        if connection is None:
            return
        if connection.fileno() >= 0:
            connection.disconnect()
        connection.close()

    def _turn(self, now_s: float) -> list[Received]:
        if self._attempt is not None:
            if not self._attempt.ended:
                return []
            attempt, self._attempt = self._attempt, None
            self._connection, self._began_s = attempt.result(), now_s
        if self._connection is None:
            if now_s >= self._retry_at_s:
                name = f"{self._broker.certificate_file.stem}-{secrets.token_hex(6)}"
                self._attempt = Attempt(Connection(self._broker, name, will=None), self._waker)
            return []
        return self._received(self._connection, now_s)

    def _received(self, connection: Connection, now_s: float) -> list[Received]:
        connection.read()
        news, connection.news = connection.news, []
        messages = []
        for item in news:
            match item:
                case Received():
                    messages.append(item)
                case Opened():
                    checked(item)
                    connection.subscribe(self._subscriptions)
                    self._open, self.trouble = True, ""
                    self.connections += 1
                    self._backoff.reset()
                case SubscriptionRefused(code=code):
                    self.refused = in_words(code)
                case Lost():
                    checked(item)
        acks, connection.acks = connection.acks, []
        self._unanswered -= len(acks)
        for _, code in acks:
            if code >= FAILURE:
                self.refused = in_words(code)
        connection.write()
        if not self._open and now_s - self._began_s >= _SILENT_S:
            raise TimeoutError(f"no answer within {_SILENT_S:g} s: this is no MQTT broker, or it hangs")
        return messages

    def _broken(self, error: Exception) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection, self._open, self._unanswered = None, False, 0
        self._retry_at_s = self._mono_s() + self._backoff.next_s()
        self.trouble = f"{self._broker.host}:{self._broker.port}: {words_of(error)}"

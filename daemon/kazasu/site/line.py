"""A line of one of the site's own programs to the broker: connected, subscribed, and made anew whenever it breaks."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from kazasu.publishers.line import BEAT_S, Line
from kazasu.publishers.mqtt import Connection
from kazasu.publishers.news import Lost, Opened, Received, SubscriptionRefused
from kazasu.publishers.reasons import FAILURE, in_words
from kazasu.publishers.visit import checked, unreached
from kazasu.publishers.waker import Waker

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kazasu.publishers.settings import Broker

_SILENT_S = 10.0  # for the broker's answer to CONNECT


class _Reading:
    """Implements line.LineSession: subscribed for as long as one connection lasts.

    Attributes:
        connection: open; the broker has not answered CONNECT yet.
        began_s: when it was opened, monotonic.
        proved: the broker has taken this client in.
        refused: what it does not let this client do, in words.
        unanswered: how many messages it has not answered yet.
    """

    def __init__(
        self, connection: Connection, subscriptions: Sequence[str], take: Callable[[Received], None], now_s: float
    ) -> None:
        self.connection = connection
        self.began_s = now_s
        self.proved = False
        self.refused = ""
        self.unanswered = 0
        self._subscriptions = subscriptions
        self._take = take

    def turn(self, now_s: float) -> None:
        """See LineSession."""
        connection = self.connection
        connection.read()
        news, connection.news = connection.news, []
        for item in news:
            match item:
                case Received():
                    self._take(item)
                case Opened():
                    checked(item)
                    connection.subscribe(self._subscriptions)
                    self.proved = True
                case SubscriptionRefused(code=code):
                    self.refused = in_words(code)
                case Lost():
                    checked(item)
        acks, connection.acks = connection.acks, []
        self.unanswered -= len(acks)
        for _, code in acks:
            if code >= FAILURE:
                self.refused = in_words(code)
        connection.write()
        if not self.proved and now_s - self.began_s >= _SILENT_S:
            raise TimeoutError(f"no answer within {_SILENT_S:g} s: this is no MQTT broker, or it hangs")

    def wait_s(self, now_s: float) -> float:
        """See LineSession."""
        return BEAT_S if self.proved else max(0.0, self.began_s + _SILENT_S - now_s)

    def leave(self, now_s: float) -> bool:
        """See LineSession: there is nothing to say."""
        return True

    def publish(self, topic: str, payload: bytes) -> None:
        """Publish a message that the broker retains."""
        self.connection.publish(topic, payload, retain=True)
        self.unanswered += 1


class SiteLine:
    """Reads along, and says what it is asked to. One thread's, but for `wake`.

    What comes while the line is down is lost but for what the broker retains, which comes again with each connection:
    enough for who looks at how things are.

    Args:
        broker: where, and as whom.
        subscriptions: the topics to listen to.
        mono_s: monotonic seconds.
        random: a number from 0 to below 1, new at each call.

    Attributes:
        refused: what the broker does not let this client do, in words.
    """

    def __init__(
        self, broker: Broker, subscriptions: Sequence[str], mono_s: Callable[[], float], random: Callable[[], float]
    ) -> None:
        self.refused = ""
        self._broker = broker
        self._subscriptions = subscriptions
        self._waker = Waker()
        self._line = Line(self._connect, self._begin, waker=self._waker, mono_s=mono_s, random=random)
        self._messages: list[Received] = []

    @property
    def trouble(self) -> str:
        """Why there is no connection, in words; empty while there is one, or the first is being made."""
        error = self._line.error
        return "" if error is None else unreached(self._broker.host, self._broker.port, error)

    @property
    def up(self) -> bool:
        """Whether the broker has taken this client in."""
        return self._line.session is not None and self._line.session.proved

    def wait(self, timeout_s: float, *others: int) -> None:
        """Wait until there is something to do, here or at one of the other descriptors."""
        self._line.wait(timeout_s, *others)

    def wake(self) -> None:
        """Let `wait` return; any thread."""
        self._waker.wake()

    def turn(self) -> list[Received]:
        """Read, write, connect where that is due; returns what came. Blocks nowhere."""
        self._line.turn()
        if self._line.session is not None:
            self.refused = self._line.session.refused or self.refused
        messages = self._messages[:]
        self._messages.clear()
        return messages

    def publish(self, topic: str, payload: bytes) -> None:
        """Publish a retained message; only while the line is up.

        Raises:
            ConnectionError: it is not.
        """
        if self._line.session is None:
            raise ConnectionError("not connected")
        self._line.session.publish(topic, payload)

    @property
    def idle(self) -> bool:
        """Whether the broker has answered everything that was published."""
        return self._line.session is None or self._line.session.unanswered == 0

    def close(self) -> None:
        """Leave in order, if that can be."""
        self._line.leave()
        self._line.close()

    def _connect(self) -> Connection:
        name = f"{self._broker.certificate_file.stem}-{secrets.token_hex(6)}"
        return Connection(self._broker, name, will=None)

    def _begin(self, connection: Connection, now_s: float) -> _Reading:
        return _Reading(connection, self._subscriptions, self._messages.append, now_s)

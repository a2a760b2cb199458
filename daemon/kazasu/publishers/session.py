"""One connection from the broker's answer to its end."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from kazasu.errors import BrokerUnsuitable
from kazasu.publishers.news import Lost, Opened, Received, SubscriptionRefused
from kazasu.publishers.reasons import FAILURE, UNSUITABLE, in_words

if TYPE_CHECKING:
    from kazasu.publishers.delivery import Delivery
    from kazasu.publishers.downlink import Downlink
    from kazasu.publishers.mqtt import Connection
    from kazasu.publishers.news import News
    from kazasu.publishers.report import Report
    from kazasu.publishers.wire import Topics

_log = logging.getLogger(__name__)

_NOT_MQTT_5 = "what answers there does not speak MQTT 5: use a broker that does (mosquitto from 1.6 on)"


class Session:
    """Implements line.LineSession: drives one open connection. The publisher's thread.

    Args:
        connection: open; the broker has not answered CONNECT yet.
        topics: the terminal's.
        report: what to say of the terminal; made for this connection.
        delivery: the events.
        downlink: what comes down.
        ack_timeout_s: how long the broker may leave everything unanswered.
        now_s: monotonic time.

    Attributes:
        connection: as above.
        began_s: when it was opened, monotonic.
        proved: the broker has acknowledged something, so the connection is worth something.
    """

    def __init__(
        self,
        connection: Connection,
        topics: Topics,
        *,
        report: Report,
        delivery: Delivery,
        downlink: Downlink,
        ack_timeout_s: float,
        now_s: float,
    ) -> None:
        self.connection = connection
        self.proved = False
        self._alerts = topics.alert("")
        self._report = report
        self._delivery = delivery
        self._downlink = downlink
        self._ack_timeout_s = ack_timeout_s
        self.began_s = now_s
        self._open = False
        self._said_goodbye = False
        self._asked: frozenset[str] = frozenset()

    def turn(self, now_s: float) -> None:
        """Read, take what came, send what may be sent, write; blocks nowhere.

        Raises:
            ConnectionError: the connection is over.
            BrokerUnsuitable: so it is, and will be the next time.
        """
        self._receive(now_s)
        self._downlink.turn(now_s)
        if self._open:
            while self._delivery.window.room_for_other and (answer := self._downlink.next_answer()) is not None:
                topic, payload, properties = answer
                mid = self.connection.publish(topic, payload, properties=properties)
                self._delivery.window.other_sent(mid, now_s)
                self.connection.write_now()
            while self._delivery.window.room_for_other and (message := self._report.next(now_s)) is not None:
                self._send(*message, now_s)
            self._delivery.fill(self.connection, now_s)
            self._ask()
        self.connection.write()
        self._check_silence(now_s)

    def leave(self, now_s: float) -> bool:
        """Send what the last moments brought, then the farewell, as often as it is called until there was room for it.

        Returns:
            Whether everything that was sent has been answered.

        Raises:
            ConnectionError: see `turn`.
            BrokerUnsuitable: see `turn`.
        """
        if self._said_goodbye:
            self._receive(now_s)
            self.connection.write()
            return self._delivery.window.empty
        self.turn(now_s)
        if self._open and self._delivery.window.room_for_other:
            self._send(*self._report.farewell(), now_s)
            self.connection.write()
            self._said_goodbye = True
        return False

    def wait_s(self, now_s: float) -> float:
        """How long until there is something to do if nothing comes, seconds."""
        window = self._delivery.window
        if not self._open:
            return max(0.0, self.began_s + self._ack_timeout_s - now_s)
        wait_s = self._report.wait_s(now_s) if window.room_for_other else self._ack_timeout_s
        if not window.empty:
            wait_s = min(wait_s, self._ack_timeout_s - window.silent_s(now_s))
        retry_s = window.wait_s(now_s)
        return max(0.0, min(wait_s, retry_s) if retry_s > 0 else wait_s)

    def _send(self, topic: str, payload: bytes, now_s: float) -> None:
        self._delivery.window.other_sent(self.connection.publish(topic, payload, retain=True), now_s)

    def _receive(self, now_s: float) -> None:
        self.connection.read()
        acks, self.connection.acks = self.connection.acks, []
        if acks:
            self.proved = True
            self._delivery.answered(acks, now_s)
        news, self.connection.news = self.connection.news, []
        for item in news:
            self._take(item)

    def _take(self, item: News) -> None:
        match item:
            case Received(topic=topic) if topic.startswith(self._alerts):
                if item.payload:
                    self._report.seen_at_broker(topic.removeprefix(self._alerts))
            case Received():
                if self._downlink.take(item):
                    self._delivery.window.retry()
            case Opened(code=code, receive_maximum=receive_maximum):
                self._opened(code, receive_maximum)
            case SubscriptionRefused(code=code):
                _log.warning("subscription_refused", extra={"fields": {"detail": in_words(code)}})
            case Lost(detail=detail, code=code) if code in UNSUITABLE:
                raise BrokerUnsuitable(detail)
            case Lost(detail=detail, protocol_error=protocol_error):
                if protocol_error and not self._open:
                    raise BrokerUnsuitable(f"{_NOT_MQTT_5} ({detail})")
                raise ConnectionError(detail)

    def _opened(self, code: int, receive_maximum: int) -> None:
        if code in UNSUITABLE:
            raise BrokerUnsuitable(in_words(code))
        if code >= FAILURE:
            raise ConnectionError(f"the broker refuses this terminal: {in_words(code)}")
        self._open = True
        self.connection.subscribe((*self._downlink.subscriptions, f"{self._alerts}+"))
        self._delivery.connected(receive_maximum)

    def _ask(self) -> None:
        """Subscribe to what is wanted for a while, and no longer to what is not."""
        wanted = frozenset(self._downlink.wanted())
        if wanted != self._asked:
            if gone := self._asked - wanted:
                self.connection.unsubscribe(sorted(gone))
            if new := wanted - self._asked:
                self.connection.subscribe(sorted(new), qos=0)  # asked for again if it is lost: nobody keeps it twice
            self._asked = wanted

    def _check_silence(self, now_s: float) -> None:
        silent_s = self._delivery.window.silent_s(now_s) if self._open else now_s - self.began_s
        if silent_s >= self._ack_timeout_s:
            raise ConnectionError(f"the broker has acknowledged nothing for {silent_s:.0f} s")

"""One connection of the collector's, from the broker's answer to its end."""

from __future__ import annotations

import select
from typing import TYPE_CHECKING

from kazasu.collector.collecting import BATCH
from kazasu.collector.mqtt import Arrived
from kazasu.collector.outbox import Outbox
from kazasu.errors import BrokerUnsuitable
from kazasu.publishers.news import Lost, Opened, SubscriptionRefused
from kazasu.publishers.reasons import FAILURE, UNSUITABLE, in_words

if TYPE_CHECKING:
    from kazasu.collector.collecting import Collecting
    from kazasu.collector.mqtt import CollectorConnection, CollectorNews
    from kazasu.collector.wire import CollectorPayloads, CollectorTopics

ANSWER_S = 10.0


class CollectorSession:
    """Implements line.LineSession: drives one open connection. The collector's thread.

    Args:
        connection: open; the broker has not answered CONNECT yet.
        topics: what to listen to.
        payloads: for the farewell.
        collecting: what to do with what comes.
        now_s: monotonic time.

    Attributes:
        connection: as above.
        proved: the broker has answered, and lets this collector in.
        began_s: when it was opened, monotonic.
    """

    def __init__(
        self,
        connection: CollectorConnection,
        topics: CollectorTopics,
        payloads: CollectorPayloads,
        collecting: Collecting,
        now_s: float,
    ) -> None:
        self.connection = connection
        self.proved = False
        self.began_s = now_s
        self._topics = topics
        self._payloads = payloads
        self._collecting = collecting
        self._outbox = Outbox()
        self._leaving = False

    def turn(self, now_s: float) -> None:
        """Read what has come, keep it, acknowledge, write; waits for the store and for nothing else.

        Raises:
            ConnectionError: the connection is over.
            BrokerUnsuitable: so it is, and will be the next time.
        """
        self._receive(now_s)
        if self.proved:
            for mid in self._collecting.work(now_s, self._outbox):
                self.connection.acknowledge(mid)
            self._outbox.send(self.connection)
        elif now_s - self.began_s >= ANSWER_S:
            raise ConnectionError(f"the broker has not answered for {ANSWER_S:.0f} s")
        self.connection.write()

    def wait_s(self, now_s: float) -> float:
        """How long until there is something to do if nothing comes, seconds."""
        return self._collecting.wait_s(now_s) if self.proved else max(0.0, self.began_s + ANSWER_S - now_s)

    def leave(self, now_s: float) -> bool:
        """Say that nobody is here; what is not acknowledged comes again to whoever is next.

        Returns:
            Whether the broker has taken everything that was to be said.

        Raises:
            ConnectionError: the connection is over.
        """
        if not self._leaving:
            self._leaving = True
            self._outbox.put(self._topics.presence, self._payloads.presence("offline"))
        self._outbox.send(self.connection)
        self.connection.write()
        self.connection.read()
        self._answers()
        return self._outbox.empty

    @property
    def refusal(self) -> str:
        """Why the broker took the last message that it did not take; empty if it takes them."""
        return self._outbox.refusal

    def _receive(self, now_s: float) -> None:
        """Read what has come, as far as a batch goes, so that what came together is kept together.

        Whatever it is: somebody who floods other topics must not keep events from being kept.
        """
        poll = select.poll()
        count = 0
        while True:
            self.connection.read()
            self._answers()
            news, self.connection.news = self.connection.news, []
            count += len(news)
            for item in news:
                self._take(item, now_s)
            if count >= BATCH or self.connection.fileno() < 0:
                return
            poll.register(self.connection, select.POLLIN)
            if not poll.poll(0):
                return

    def _answers(self) -> None:
        acks, self.connection.acks = self.connection.acks, []
        self._outbox.answered(acks)

    def _take(self, item: CollectorNews, now_s: float) -> None:
        match item:
            case Arrived():
                if self._collecting.take(item, self._outbox):
                    self.connection.acknowledge(item.mid)
            case Opened(code=code, receive_maximum=receive_maximum):
                self._opened(code, receive_maximum, now_s)
            case SubscriptionRefused(code=code):
                raise BrokerUnsuitable(f"the broker refuses a subscription: {in_words(code)}")
            case Lost(detail=detail, code=code) if code in UNSUITABLE:
                raise BrokerUnsuitable(detail)
            case Lost(detail=detail):
                raise ConnectionError(detail)

    def _opened(self, code: int, receive_maximum: int, now_s: float) -> None:
        if code in UNSUITABLE:
            raise BrokerUnsuitable(in_words(code))
        if code >= FAILURE:
            raise ConnectionError(f"the broker refuses this collector: {in_words(code)}")
        self.proved = True
        self._outbox.connected(receive_maximum)
        topics = self._topics
        self.connection.subscribe((topics.events, topics.healths, topics.presence, *topics.alerts))
        self._collecting.connected(now_s, self._outbox)

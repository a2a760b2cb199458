"""The collector's thread: waits for the store, connects, keeps a session going round, connects again."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from kazasu.collector.mqtt import CollectorConnection
from kazasu.collector.session import CollectorSession
from kazasu.errors import BrokerUnsuitable, KeyMaterialError, StoreUnavailable
from kazasu.publishers.attempt import Attempt
from kazasu.publishers.backoff import Backoff
from kazasu.publishers.mqtt import SESSION_EXPIRY_S
from kazasu.publishers.waker import Waker, wait

if TYPE_CHECKING:
    from collections.abc import Callable

    from kazasu.collector.collecting import Collecting
    from kazasu.collector.configuration import Collector
    from kazasu.collector.wire import CollectorPayloads, CollectorTopics
    from kazasu.ports import Beat, Clock
    from kazasu.publishers.settings import Broker

_log = logging.getLogger(__name__)

_BEAT_S = 9.0  # ports.Beat asks for one at least every 10 s
_STABLE_S = 5.0
_FAREWELL_S = 1.0
_GROUP_EXPIRY_S = 10
"""A member of a group that is away longer gives up its share: brokers go on dealing it its part of the messages, which
nobody would get meanwhile. What it had is asked for again."""


class CollectorLoop:
    """Implements ports.Loop.

    Args:
        settings: its name and its group.
        broker: where to.
        topics: what to listen to.
        payloads: in which form.
        collecting: what to do.
        clock: monotonic time.
        random: a number from 0 to below 1, new at each call.

    Attributes:
        trouble: why there is no connection, or what the broker does not take; empty if all is well.
    """

    def __init__(
        self,
        settings: Collector,
        broker: Broker,
        topics: CollectorTopics,
        payloads: CollectorPayloads,
        *,
        collecting: Collecting,
        clock: Clock,
        random: Callable[[], float],
    ) -> None:
        self.trouble = ""
        self._settings = settings
        self._broker = broker
        self._topics = topics
        self._payloads = payloads
        self._collecting = collecting
        self._clock = clock
        self._backoff = Backoff(random)
        self._waker = Waker()
        self._stopping = threading.Event()
        self._connection: CollectorConnection | None = None
        self._attempt: Attempt | None = None
        self._session: CollectorSession | None = None
        self._retry_at_s = 0.0

    def stop(self) -> None:
        """See ports.Loop."""
        self._stopping.set()
        self._waker.wake()

    def run(self, beat: Beat) -> None:
        """Collect until `stop`; see ports.Loop."""
        try:
            while not self._stopping.is_set():
                beat()
                self._turn()
            if self._session is not None:
                beat()
                self._say_goodbye(self._session)
        finally:
            if self._session is not None:
                self._session.connection.close()

    def _turn(self) -> None:
        now_s = self._clock.mono_s()
        wait_s = _BEAT_S
        if self._session is not None:
            wait_s = self._session.wait_s(now_s)
        elif self._attempt is None:
            wait_s = self._retry_at_s - now_s
        try:
            if wait_s <= 0 and self._session is None:
                self._begin()
                wait_s = _BEAT_S
            self._sleep(min(wait_s, _BEAT_S))
            if self._attempt is not None and self._attempt.ended and self._connection is not None:
                attempt, self._attempt = self._attempt, None
                attempt.result()
                self._session = CollectorSession(
                    self._connection, self._topics, self._payloads, self._collecting, self._clock.mono_s()
                )
            if self._session is not None:
                self._session.turn(self._clock.mono_s())
                if self._session.open:
                    self.trouble = self._session.refusal
        except (OSError, KeyMaterialError, BrokerUnsuitable, StoreUnavailable) as error:
            self._disconnected(error)

    def _begin(self) -> None:
        """Connect, once it is known who may say what.

        Raises:
            StoreUnavailable: nobody can say how far revoked keys count; the broker keeps what comes meanwhile.
        """
        self._collecting.read_directory()
        will = (self._topics.presence, self._payloads.presence("offline"))
        expiry_s = SESSION_EXPIRY_S if self._settings.group is None else _GROUP_EXPIRY_S
        self._connection = CollectorConnection(self._broker, self._settings.name, will, expiry_s)
        self._attempt = Attempt(self._connection, self._waker)

    def _sleep(self, wait_s: float) -> None:
        wait(self._waker, None if self._session is None else self._session.connection, wait_s)

    def _disconnected(self, error: Exception) -> None:
        now_s = self._clock.mono_s()
        if self._session is not None:
            self._session.connection.close()
            if self._session.open and now_s - self._session.began_s >= _STABLE_S:
                self._backoff.reset()
            self._session = None
        if isinstance(error, BrokerUnsuitable | KeyMaterialError):
            self._backoff.slow_down()  # a person has to change something
        self._retry_at_s = now_s + self._backoff.next_s()
        where = "" if isinstance(error, StoreUnavailable) else f"{self._broker.host}:{self._broker.port}: "
        trouble = f"{where}{error}"
        if trouble != self.trouble:
            self.trouble = trouble
            _log.warning("collector_waits", extra={"fields": {"detail": trouble}})

    def _say_goodbye(self, session: CollectorSession) -> None:
        deadline_s = self._clock.mono_s() + _FAREWELL_S
        session.say_goodbye()
        try:
            while self._clock.mono_s() < deadline_s:
                session.drain()
                if session.said_all:
                    session.connection.disconnect()
                    return
                self._sleep(0.1)
        except OSError as error:
            _log.warning("farewell_failed", extra={"fields": {"detail": str(error)}})

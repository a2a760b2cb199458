"""The collector's thread: waits for the store, keeps a line to the broker, and says what becomes of it."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from kazasu.collector.mqtt import CollectorConnection
from kazasu.collector.session import CollectorSession
from kazasu.errors import StoreUnavailable
from kazasu.publishers.line import Line
from kazasu.publishers.mqtt import SESSION_EXPIRY_S
from kazasu.publishers.waker import Waker

if TYPE_CHECKING:
    from collections.abc import Callable

    from kazasu.collector.collecting import Collecting
    from kazasu.collector.configuration import Collector
    from kazasu.collector.wire import CollectorPayloads, CollectorTopics
    from kazasu.ports.clock import Clock
    from kazasu.ports.loops import Beat
    from kazasu.publishers.settings import Broker

_log = logging.getLogger(__name__)

_GROUP_EXPIRY_S = 10
"""A member of a group that is away longer gives up its share: brokers go on dealing it its part of the messages, which
nobody would get meanwhile. What it had is asked for again."""


class CollectorLoop:
    """Implements ports.loops.Loop.

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
        self._waker = Waker()
        self._stopping = threading.Event()
        self._line = Line(self._connect, self._begin, waker=self._waker, mono_s=clock.mono_s, random=random)

    def stop(self) -> None:
        """See ports.loops.Loop."""
        self._stopping.set()
        self._waker.wake()

    def run(self, beat: Beat) -> None:
        """Collect until `stop`; see ports.loops.Loop."""
        self._line.keep(beat, self._stopping.is_set, self._tell)

    def _tell(self) -> None:
        error, session = self._line.error, self._line.session
        if error is None:
            self.trouble = "" if session is None else session.refusal
            return
        where = "" if isinstance(error, StoreUnavailable) else f"{self._broker.host}:{self._broker.port}: "
        trouble = f"{where}{error}"
        if trouble != self.trouble:
            self.trouble = trouble
            _log.warning("collector_waits", extra={"fields": {"detail": trouble}})

    def _connect(self) -> CollectorConnection:
        """Connect, once it is known who may say what.

        Raises:
            StoreUnavailable: nobody can say how far revoked keys count; the broker keeps what comes meanwhile.
        """
        self._collecting.read_directory()
        will = (self._topics.presence, self._payloads.presence("offline"))
        expiry_s = SESSION_EXPIRY_S if self._settings.group is None else _GROUP_EXPIRY_S
        return CollectorConnection(self._broker, self._settings.name, will, expiry_s)

    def _begin(self, connection: CollectorConnection, now_s: float) -> CollectorSession:
        return CollectorSession(connection, self._topics, self._payloads, self._collecting, now_s)

"""A terminal's sessions, one after the other: what a connection is opened with, and what then goes over it."""

from __future__ import annotations

import urllib
from typing import TYPE_CHECKING

from kazasu.publishers.later import later
from kazasu.publishers.report import Report
from kazasu.publishers.wire import Payloads, Topics

if TYPE_CHECKING:
    from collections.abc import Callable

    from kazasu.model.access import EventFields
    from kazasu.ports.clock import Clock
    from kazasu.ports.muster import MusterBoard
    from kazasu.ports.store import SendCursor
    from kazasu.publishers.board import HealthBoard
    from kazasu.publishers.delivery import Delivery
    from kazasu.publishers.downlink import Downlink
    from kazasu.publishers.mqtt import Connection
    from kazasu.publishers.session import Session
    from kazasu.publishers.settings import Settings


class Sessions:
    """Makes what a line needs; see line.py. The line's thread.

    Args:
        settings: what the site decides.
        cursor: counts connections.
        board: what there is to say of the terminal's health.
        delivery: the events.
        downlink: asked at each session for who hears what comes down.
        clock: wall time.
        vitals: health of the machine, asked for when health is published.
        muster: who is where; None where nobody is seen to enter anything.
    """

    def __init__(  # noqa: PLR0913  (each is a seam)
        self,
        settings: Settings,
        *,
        cursor: SendCursor,
        board: HealthBoard,
        delivery: Delivery,
        downlink: Callable[[], Downlink],
        clock: Clock,
        vitals: Callable[[], EventFields] = dict,
        muster: MusterBoard | None = None,
    ) -> None:
        self._settings = settings
        self._topics = Topics(settings.site, settings.terminal)
        self._payloads = Payloads(settings.site, settings.terminal)
        self._cursor = cursor
        self._board = board
        self._delivery = delivery
        self._downlink = downlink
        self._clock = clock
        self._vitals = vitals
        self._muster = muster
        self._conn = 0
        self._conn_used = True

    def connect(self) -> Connection:
        """What to open next."""
        with later(urllib, "request"):  # which paho imports, and nobody needs
            from kazasu.publishers.mqtt import Connection  # paid once the terminal is ready

        if self._conn_used:
            self._conn, self._conn_used = self._cursor.next_connection(), False
        will = (self._topics.state, self._payloads.offline(self._conn, "connection_lost"))
        return Connection(self._settings.broker, self._settings.terminal, will)

    def begin(self, connection: Connection, now_s: float) -> Session:
        """It is open."""
        from kazasu.publishers.session import Session

        # From here on the broker may know this number: the next connection needs another. A try that got nowhere
        # did not use it up, so that a month without a broker does not write to the SD card each minute.
        self._conn_used = True
        report = Report(
            self._settings,
            self._topics,
            self._payloads,
            self._conn,
            board=self._board,
            delivery=self._delivery,
            clock=self._clock,
            vitals=self._vitals,
            muster=self._muster,
        )
        return Session(
            connection,
            self._topics,
            report=report,
            delivery=self._delivery,
            downlink=self._downlink(),
            ack_timeout_s=self._settings.ack_timeout_s,
            now_s=now_s,
        )

"""The publisher's thread: connects, keeps a session going round, waits, connects again."""

from __future__ import annotations

import functools
import logging
import threading
from typing import TYPE_CHECKING

from kazasu.errors import BrokerUnsuitable, KeyMaterialError
from kazasu.publishers.attempt import Attempt
from kazasu.publishers.backoff import Backoff
from kazasu.publishers.delivery import Delivery
from kazasu.publishers.downlink import Downlink
from kazasu.publishers.report import Report
from kazasu.publishers.waker import wait
from kazasu.publishers.wire import Payloads, Topics

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from kazasu.model.access import EventFields
    from kazasu.model.document import Verifier
    from kazasu.ports import Backlog, Beat, Clock, Inbox, MusterBoard, SendCursor
    from kazasu.publishers.board import HealthBoard
    from kazasu.publishers.downlink import Listener
    from kazasu.publishers.mqtt import Connection
    from kazasu.publishers.session import Session
    from kazasu.publishers.settings import Commanding, Settings

_log = logging.getLogger(__name__)

_BEAT_S = 9.0  # ports.Beat asks for one at least every 10 s
_STABLE_S = 5.0  # two terminals of one name throw each other out at once: mosquitto does not say why
_FAREWELL_S = 1.0  # the whole daemon has 6 s to stop
_ALERT = "broker"


class MqttPublisher:
    """Implements ports.Loop and ports.Wakeable.

    Args:
        settings: what the site decides.
        backlog: the journal, read-only.
        cursor: up to where the broker took events over.
        board: what the other threads say of the terminal's health; its waker wakes this loop.
        inbox: where verified receipts go.
        clock: monotonic and wall time.
        collector: checks receipts; None at a site without a collector.
        commanding: who may command this terminal; None if nobody may.
        random: a number from 0 to below 1, new at each call.
        listeners: who hears more of what comes down.
        wanted: topics of theirs to be subscribed to only while they are in it.
        vitals: health of the machine, asked for when health is published.
        muster: who is where; None where nobody is seen to enter anything.
    """

    def __init__(  # noqa: PLR0913  (each is a seam)
        self,
        settings: Settings,
        *,
        backlog: Backlog,
        cursor: SendCursor,
        board: HealthBoard,
        inbox: Inbox,
        clock: Clock,
        collector: Verifier | None,
        random: Callable[[], float],
        commanding: Commanding | None = None,
        listeners: Sequence[Listener] = (),
        wanted: Callable[[], Collection[str]] = tuple,
        vitals: Callable[[], EventFields] = dict,
        muster: MusterBoard | None = None,
    ) -> None:
        self._muster = muster
        self._vitals = vitals
        self._settings = settings
        self._topics = Topics(settings.site, settings.terminal)
        self._payloads = Payloads(settings.site, settings.terminal)
        self._cursor = cursor
        self._board = board
        self._clock = clock
        self._backoff = Backoff(random)
        self._delivery = Delivery(
            self._topics, backlog=backlog, cursor=cursor, clock=clock, health=board, backoff=Backoff(random)
        )
        self._open_downlink = functools.partial(
            self._new_downlink, collector, commanding, backlog=backlog, inbox=inbox, listeners=listeners, wanted=wanted
        )
        self._downlink: Downlink | None = None  # from the first connection on
        self._stopping = threading.Event()
        self._attempt: Attempt | None = None
        self._session: Session | None = None
        self._conn = 0
        self._conn_used = True
        self._retry_at_s = 0.0
        self._trouble = ""

    def wake(self) -> None:
        """There is a new event; see ports.Wakeable."""
        self._board.waker.wake()

    def stop(self) -> None:
        """See ports.Loop."""
        self._stopping.set()
        self._board.waker.wake()

    def run(self, beat: Beat) -> None:
        """Publish until `stop`; see ports.Loop."""
        try:
            while not self._stopping.is_set():
                beat()
                self._turn()
            if self._session is not None:
                beat()
                self._say_goodbye(self._session)
        finally:
            self._cursor.flush()
            if self._session is not None:
                self._session.connection.close()

    def _new_downlink(
        self,
        collector: Verifier | None,
        commanding: Commanding | None,
        *,
        backlog: Backlog,
        inbox: Inbox,
        listeners: Sequence[Listener],
        wanted: Callable[[], Collection[str]],
    ) -> Downlink:
        commands = None
        if commanding is not None:
            from kazasu.publishers.command_listener import CommandListener  # once the terminal is ready, as paho

            commands = CommandListener(
                self._settings,
                self._topics,
                commanding,
                collector,
                inbox=inbox,
                clock=self._clock,
                health=self._board,
                waker=self._board.waker,
                publish_again=self._delivery.publish_again,
            )
        return Downlink(
            self._settings,
            self._topics,
            collector,
            backlog=backlog,
            inbox=inbox,
            health=self._board,
            commands=commands,
            listeners=listeners,
            wanted=wanted,
        )

    def _turn(self) -> None:
        now_s = self._clock.mono_s()
        if self._session is not None:
            wait_s = self._session.wait_s(now_s)
        elif self._attempt is not None:
            wait_s = _BEAT_S
        elif now_s >= self._retry_at_s:
            self._attempt = Attempt(self._new_connection(), self._board.waker)
            wait_s = _BEAT_S
        else:
            wait_s = self._retry_at_s - now_s
        self._sleep(min(wait_s, _BEAT_S))
        try:
            if self._attempt is not None and self._attempt.ended:
                self._begin(self._attempt)
            if self._session is not None:
                self._session.turn(self._clock.mono_s())
                if self._session.proved:
                    self._end_trouble()
            elif self._downlink is not None:
                self._downlink.turn(self._clock.mono_s())
        except (OSError, KeyMaterialError, BrokerUnsuitable) as error:
            self._disconnected(error)

    def _sleep(self, wait_s: float) -> None:
        wait(self._board.waker, None if self._session is None else self._session.connection, wait_s)

    def _new_connection(self) -> Connection:
        from kazasu.publishers.mqtt import Connection  # paho: paid here, in this thread, once the terminal is ready

        if self._conn_used:
            self._conn, self._conn_used = self._cursor.next_connection(), False
        will = (self._topics.state, self._payloads.offline(self._conn, "connection_lost"))
        return Connection(self._settings.broker, self._settings.terminal, will)

    def _begin(self, attempt: Attempt) -> None:
        self._attempt = None
        connection = attempt.result()
        # From here on the broker may know this number: the next connection needs another. A try that got nowhere
        # did not use it up, so that a month without a broker does not write to the SD card each minute.
        self._conn_used = True
        from kazasu.publishers.session import Session

        if self._downlink is None:
            self._downlink = self._open_downlink()
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
        self._session = Session(
            connection,
            self._topics,
            report=report,
            delivery=self._delivery,
            downlink=self._downlink,
            ack_timeout_s=self._settings.ack_timeout_s,
            now_s=self._clock.mono_s(),
        )

    def _disconnected(self, error: Exception) -> None:
        now_s = self._clock.mono_s()
        if self._session is not None:
            self._session.connection.close()
            if self._session.proved and now_s - self._session.began_s >= _STABLE_S:
                self._backoff.reset()
            self._session = None
        if isinstance(error, BrokerUnsuitable | KeyMaterialError):
            self._backoff.slow_down()  # a person has to change something
        self._retry_at_s = now_s + self._backoff.next_s()
        broker = self._settings.broker
        trouble = f"{broker.host}:{broker.port}: {error}"
        if trouble != self._trouble:
            self._trouble = trouble
            _log.warning("broker_lost", extra={"fields": {"detail": trouble}})
            self._board.alert(_ALERT, trouble)

    def _end_trouble(self) -> None:
        if self._trouble:
            self._trouble = ""
            self._board.clear(_ALERT)

    def _say_goodbye(self, session: Session) -> None:
        """Send what the last moments brought, then `offline`; a broker that does not answer has the will."""
        deadline_s = self._clock.mono_s() + _FAREWELL_S
        said = False
        try:
            while (now_s := self._clock.mono_s()) < deadline_s:
                if not said:
                    session.turn(now_s)
                    said = session.say_goodbye(now_s)
                elif session.drain(now_s):
                    session.connection.disconnect()
                    return
                self._sleep(min(deadline_s - now_s, 0.1))
        except (OSError, BrokerUnsuitable) as error:
            _log.warning("farewell_failed", extra={"fields": {"detail": str(error)}})

"""The publisher's thread: keeps a line to the broker, and says what becomes of it."""

from __future__ import annotations

import functools
import logging
import threading
from typing import TYPE_CHECKING

from kazasu.publishers.backoff import Backoff
from kazasu.publishers.delivery import Delivery
from kazasu.publishers.downlink import Downlink
from kazasu.publishers.line import Line
from kazasu.publishers.sessions import Sessions
from kazasu.publishers.wire import Topics

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from kazasu.model.access import EventFields
    from kazasu.model.document import Verifier
    from kazasu.ports.clock import Clock
    from kazasu.ports.inbox import Inbox
    from kazasu.ports.loops import Beat
    from kazasu.ports.muster import MusterBoard
    from kazasu.ports.store import Backlog, SendCursor
    from kazasu.publishers.board import HealthBoard
    from kazasu.publishers.downlink import Listener
    from kazasu.publishers.settings import Commanding, Settings

_log = logging.getLogger(__name__)

_ALERT = "broker"


class MqttPublisher:
    """Implements ports.loops.Loop and ports.loops.Wakeable.

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
        self._settings = settings
        self._topics = Topics(settings.site, settings.terminal)
        self._cursor = cursor
        self._board = board
        self._clock = clock
        self._delivery = Delivery(
            self._topics, backlog=backlog, cursor=cursor, clock=clock, health=board, backoff=Backoff(random)
        )
        self._open_downlink = functools.partial(
            self._new_downlink, collector, commanding, backlog=backlog, inbox=inbox, listeners=listeners, wanted=wanted
        )
        self._downlink: Downlink | None = None  # from the first connection on
        self._stopping = threading.Event()
        sessions = Sessions(
            settings,
            cursor=cursor,
            board=board,
            delivery=self._delivery,
            downlink=self._downlink_once,
            clock=clock,
            vitals=vitals,
            muster=muster,
        )
        self._line = Line(sessions.connect, sessions.begin, waker=board.waker, mono_s=clock.mono_s, random=random)
        self._trouble = ""

    def wake(self) -> None:
        """There is a new event; see ports.loops.Wakeable."""
        self._board.waker.wake()

    def stop(self) -> None:
        """See ports.loops.Loop."""
        self._stopping.set()
        self._board.waker.wake()

    def run(self, beat: Beat) -> None:
        """Publish until `stop`; see ports.loops.Loop."""
        try:
            self._line.keep(beat, self._stopping.is_set, self._after_turn)
        finally:
            self._cursor.flush()

    def _after_turn(self) -> None:
        """Go on with what needs no connection, and say of what one broke, or that it is there again."""
        if self._line.session is None and self._downlink is not None:
            self._downlink.turn(self._clock.mono_s())
        broker, error = self._settings.broker, self._line.error
        trouble = "" if error is None else f"{broker.host}:{broker.port}: {error}"
        if trouble == self._trouble:
            return
        self._trouble = trouble
        if trouble:
            _log.warning("broker_lost", extra={"fields": {"detail": trouble}})
            self._board.alert(_ALERT, trouble)
        else:
            self._board.clear(_ALERT)

    def _downlink_once(self) -> Downlink:
        if self._downlink is None:
            self._downlink = self._open_downlink()
        return self._downlink

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

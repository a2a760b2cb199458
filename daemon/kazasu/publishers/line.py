"""A line to the broker: opened, kept going, and opened anew whenever it breaks. What goes over it is its session's."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from kazasu.errors import BrokerUnsuitable, KeyMaterialError, StoreUnavailable
from kazasu.publishers.attempt import Attempt
from kazasu.publishers.backoff import Backoff
from kazasu.publishers.waker import wait

if TYPE_CHECKING:
    from collections.abc import Callable

    from kazasu.ports.loops import Beat
    from kazasu.publishers.mqtt import Connection
    from kazasu.publishers.waker import Waker

_log = logging.getLogger(__name__)

BEAT_S = 9.0
"""The longest that `Line.wait` waits: ports.loops.Beat asks for a beat at least every 10 s."""

STABLE_S = 5.0
"""What lasts shorter does not count as working: two clients of one name throw each other out at once, and mosquitto
does not say why."""

FAREWELL_S = 1.0
"""How long a goodbye may take: a whole daemon has 6 s to stop."""

_BREAKS = (OSError, KeyMaterialError, BrokerUnsuitable, StoreUnavailable)  # the last: a collector connects with a store


class LineSession(Protocol):
    """What goes over one connection, from its opening to its end. The line's thread."""

    @property
    def connection(self) -> Connection:
        """What it goes over."""
        ...

    @property
    def began_s(self) -> float:
        """When the connection was opened, monotonic."""
        ...

    @property
    def proved(self) -> bool:
        """Whether the broker has shown that the connection is worth something."""
        ...

    def turn(self, now_s: float) -> None:
        """Read, do what is due, write; blocks nowhere.

        Raises:
            OSError: the connection is over.
            BrokerUnsuitable: so it is, and will be the next time.
            StoreUnavailable: what comes cannot be kept.
        """
        ...

    def wait_s(self, now_s: float) -> float:
        """How long until there is something to do if nothing comes, seconds."""
        ...

    def leave(self, now_s: float) -> bool:
        """Say goodbye, as often as it is called until it is said; returns whether the broker has heard it.

        Raises:
            OSError: the connection is over.
            BrokerUnsuitable: see `turn`.
        """
        ...


_Connection = TypeVar("_Connection", bound="Connection")
_Session = TypeVar("_Session", bound=LineSession)


class Line(Generic[_Connection, _Session]):
    """One connection at a time. One thread's: it calls `keep`, or `wait` and `turn` in turn.

    Args:
        connect: makes the connection to open next.
        begin: makes the session for one that is open, at this monotonic time.
        waker: ends `wait`.
        mono_s: monotonic seconds.
        random: a number from 0 to below 1, new at each call.

    Attributes:
        session: what goes over the connection that is open; None without.
        error: what the last connection broke of, until the broker has proved the next; None while all is well.
    """

    def __init__(
        self,
        connect: Callable[[], _Connection],
        begin: Callable[[_Connection, float], _Session],
        *,
        waker: Waker,
        mono_s: Callable[[], float],
        random: Callable[[], float],
    ) -> None:
        self.session: _Session | None = None
        self.error: Exception | None = None
        self._connect = connect
        self._begin = begin
        self._waker = waker
        self._mono_s = mono_s
        self._backoff = Backoff(random)
        self._attempt: Attempt[_Connection] | None = None
        self._retry_at_s = mono_s()

    @property
    def retry_s(self) -> float:
        """How long until the next connection is tried, if there is none and none is under way."""
        return max(0.0, self._retry_at_s - self._mono_s())

    def keep(self, beat: Beat, stopped: Callable[[], bool], then: Callable[[], None]) -> None:
        """Go round for a whole loop's life, say goodbye, and close; see ports.loops.Loop.

        Args:
            beat: the loop's.
            stopped: whether it is to end; what says so wakes it, too.
            then: called after each turn.
        """
        try:
            while not stopped():
                beat()
                self.wait()
                self.turn()
                then()
            beat()
            self.leave()
        finally:
            self.close()

    def wait(self, most_s: float = BEAT_S, *others: int) -> None:
        """Wait until there is something to do here, or something to read from one of the other descriptors."""
        connection = None
        if self.session is not None:
            connection = self.session.connection
            most_s = min(most_s, self.session.wait_s(self._mono_s()))
        elif self._attempt is None:
            most_s = min(most_s, self.retry_s)
        wait(self._waker, connection, most_s, *others)

    def turn(self) -> None:
        """Connect if that is due, and let the session do what it has to; blocks nowhere."""
        try:
            self._turn(self._mono_s())
        except _BREAKS as error:
            self._broken(error)

    def leave(self) -> None:
        """Say goodbye if there is somebody to say it to; a broker that does not answer has the will."""
        session = self.session
        if session is None:
            return
        deadline_s = self._mono_s() + FAREWELL_S
        try:
            while (now_s := self._mono_s()) < deadline_s:
                if session.leave(now_s):
                    session.connection.disconnect()
                    return
                wait(self._waker, session.connection, min(deadline_s - now_s, 0.1))
        except (OSError, BrokerUnsuitable) as error:
            _log.warning("farewell_failed", extra={"fields": {"detail": str(error)}})

    def close(self) -> None:
        """Let go of the connection without a word; closing again does nothing."""
        if self.session is not None:
            self.session.connection.close()
            self.session = None

    def _turn(self, now_s: float) -> None:
        if self._attempt is not None and self._attempt.ended:
            attempt, self._attempt = self._attempt, None
            self.session = self._begin(attempt.result(), now_s)
        elif self._attempt is None and self.session is None and now_s >= self._retry_at_s:
            self._attempt = Attempt(self._connect(), self._waker)
        if self.session is not None:
            self.session.turn(now_s)
            if self.session.proved:
                self.error = None

    def _broken(self, error: Exception) -> None:
        now_s = self._mono_s()
        if self.session is not None and self.session.proved and now_s - self.session.began_s >= STABLE_S:
            self._backoff.reset()
        self.close()
        if isinstance(error, BrokerUnsuitable | KeyMaterialError):
            self._backoff.slow_down()  # a person has to change something
        self._retry_at_s = now_s + self._backoff.next_s()
        self.error = error

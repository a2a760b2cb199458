"""How a line is opened, found broken, and opened anew: with connections and sessions that only count."""

from __future__ import annotations

import socket
import threading
import time
from typing import TYPE_CHECKING

import pytest

from fakes.clock import FakeClock
from kazasu.errors import BrokerUnsuitable, JournalCorrupt, KeyMaterialError, StoreUnavailable
from kazasu.publishers.line import BEAT_S, FAREWELL_S, STABLE_S, Line
from kazasu.publishers.waker import Waker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LONG_S = 30.0


class Connection:
    """One end of a pair of sockets."""

    wants_write = False

    def __init__(self, refusal: Exception | None, may_open: threading.Event) -> None:
        self.ended = ""
        self.here, self.there = socket.socketpair()
        self._refusal = refusal
        self._may_open = may_open

    def open(self) -> None:
        assert self._may_open.wait(LONG_S)
        if self._refusal is not None:
            raise self._refusal

    def fileno(self) -> int:
        return self.here.fileno()

    def disconnect(self) -> None:
        self.ended = "in order"
        self.here.close()

    def close(self) -> None:
        self.ended = self.ended or "without a word"
        self.here.close()


class Session:
    """Does nothing in a turn but what the test says."""

    def __init__(self, connection: Connection, began_s: float) -> None:
        self.connection = connection
        self.began_s = began_s
        self.proved = False
        self.turns = 0
        self.breaks: Exception | None = None
        self.heard_after = 1
        self.goodbyes = 0
        self.patience_s = 2 * LONG_S
        self.meanwhile: Callable[[], None] = lambda: None

    def turn(self, _now_s: float) -> None:
        self.turns += 1
        if self.breaks is not None:
            raise self.breaks

    def wait_s(self, _now_s: float) -> float:
        return self.patience_s

    def leave(self, _now_s: float) -> bool:
        self.goodbyes += 1
        self.meanwhile()
        if self.breaks is not None:
            raise self.breaks
        return self.goodbyes >= self.heard_after


class Rig:
    """A line whose next connections are refused with `refusal`, and whose waits are the longest there are."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.refusal: Exception | None = None
        self.unready: Exception | None = None
        self.may_open = threading.Event()
        self.may_open.set()
        self.waker = Waker()
        self.connections: list[Connection] = []
        self.line: Line[Connection, Session] = Line(  # type: ignore[type-var]  # what is used of a connection
            self._connect, Session, waker=self.waker, mono_s=self.clock.mono_s, random=lambda: 0.0
        )

    def _connect(self) -> Connection:
        if self.unready is not None:
            raise self.unready
        self.connections.append(Connection(self.refusal, self.may_open))
        return self.connections[-1]

    def try_once(self) -> None:
        """One try, to its end."""
        self.line.turn()
        self.line.wait(LONG_S)
        self.line.turn()

    def connected(self) -> Session:
        self.try_once()
        assert self.line.session is not None
        return self.line.session

    def broken(self, error: Exception) -> float:
        """What is open breaks of this; returns how long nobody tries again."""
        assert self.line.session is not None
        self.line.session.breaks = error
        self.line.turn()
        assert self.line.session is None
        assert self.line.error is error
        return self.line.retry_s


@pytest.fixture
def rig() -> Iterator[Rig]:
    rig, began_s = Rig(), time.monotonic()
    yield rig
    assert time.monotonic() - began_s < LONG_S  # something ended each wait
    rig.may_open.set()
    rig.line.close()
    for connection in rig.connections:
        connection.here.close()
        connection.there.close()


def test_it_connects_at_once_and_takes_a_turn_as_soon_as_it_is_open(rig: Rig) -> None:
    session = rig.connected()
    assert (session.turns, session.began_s) == (1, rig.clock.mono_s())
    rig.line.turn()
    assert session.turns == 2
    assert len(rig.connections) == 1


def test_an_outage_is_tried_again_after_longer_and_longer(rig: Rig) -> None:
    rig.refusal = ConnectionRefusedError(111, "Connection refused")
    waits = []
    for _ in range(8):
        rig.try_once()
        assert rig.line.error is rig.refusal
        waits.append(rig.line.retry_s)
        rig.clock.advance(rig.line.retry_s - 0.01)
        rig.line.turn()
        assert len(rig.connections) == len(waits)  # not before it is time
        rig.clock.advance(0.01)
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60]


@pytest.mark.parametrize("error", [KeyMaterialError("gone.key"), BrokerUnsuitable("0x87 not authorised")])
def test_refused_credentials_are_tried_slowly_from_the_first_time_on(rig: Rig, error: Exception) -> None:
    rig.refusal = error
    rig.try_once()
    assert rig.line.retry_s == 60
    rig.refusal = None
    rig.clock.advance(60)
    rig.connected()
    assert rig.broken(BrokerUnsuitable("taken over")) == 60


def test_what_held_for_a_while_is_tried_again_soon_and_what_broke_at_once_is_not(rig: Rig) -> None:
    gone = ConnectionError("gone")
    for wait_s in (1, 2, 4):
        rig.connected().proved = True
        rig.clock.advance(STABLE_S - 0.01)
        assert rig.broken(gone) == wait_s
        rig.clock.advance(wait_s)
    rig.connected()  # for long, but the broker never said a word
    rig.clock.advance(STABLE_S)
    assert rig.broken(gone) == 8
    rig.clock.advance(8)
    rig.connected().proved = True
    rig.clock.advance(STABLE_S)
    assert rig.broken(gone) == 1


def test_the_error_stands_until_the_broker_has_proved_the_next_connection(rig: Rig) -> None:
    rig.connected()
    rig.clock.advance(rig.broken(ConnectionError("gone")))
    session = rig.connected()
    assert str(rig.line.error) == "gone"
    session.proved = True
    rig.line.turn()
    assert rig.line.error is None


def test_what_has_to_be_there_before_connecting_is_waited_for(rig: Rig) -> None:
    rig.unready = StoreUnavailable("the store is away")
    rig.line.turn()
    assert (rig.line.error, rig.connections, rig.line.retry_s) == (rig.unready, [], 1)


def test_what_is_no_outage_goes_through(rig: Rig) -> None:
    rig.connected().breaks = JournalCorrupt("event 7 is not what was signed")
    with pytest.raises(JournalCorrupt):
        rig.line.turn()


def test_a_wait_ends_when_the_session_has_something_to_do_or_somebody_wakes_it_or_the_broker_speaks(rig: Rig) -> None:
    session = rig.connected()
    session.patience_s = 0.0
    rig.line.wait(LONG_S)
    session.patience_s = 2 * LONG_S
    rig.waker.wake()
    rig.line.wait(LONG_S)
    rig.connections[0].there.send(b"x")
    rig.line.wait(LONG_S)
    assert rig.connections[0].here.recv(1) == b"x"
    before, after = socket.socketpair()
    with before, after:
        before.send(b"y")
        rig.line.wait(LONG_S, after.fileno())
        assert after.recv(1) == b"y"


def test_while_a_try_is_under_way_no_other_begins_and_its_end_wakes(rig: Rig) -> None:
    rig.may_open.clear()
    rig.line.turn()
    rig.clock.advance(3600)
    rig.line.wait(0)
    rig.line.turn()
    assert (len(rig.connections), rig.line.session) == (1, None)
    rig.may_open.set()
    rig.line.wait(LONG_S)
    rig.line.turn()
    assert rig.line.session is not None


def test_a_goodbye_is_said_until_it_is_heard(rig: Rig) -> None:
    session = rig.connected()
    session.heard_after = 3
    rig.waker.wake()
    rig.connections[0].there.send(b"x")  # no wait lasts
    rig.line.leave()
    rig.line.close()
    assert (session.goodbyes, rig.connections[0].ended) == (3, "in order")


def test_a_broker_that_does_not_hear_a_goodbye_has_the_will(rig: Rig) -> None:
    session = rig.connected()
    session.heard_after = 10**9
    session.meanwhile = lambda: rig.clock.advance(FAREWELL_S / 4)
    rig.connections[0].there.send(b"x")
    rig.line.leave()
    rig.line.close()
    assert rig.connections[0].ended == "without a word"


def test_a_connection_that_breaks_at_the_goodbye_ends_nothing_else(rig: Rig) -> None:
    rig.connected().breaks = ConnectionError("gone")
    rig.line.leave()
    rig.line.close()
    assert rig.connections[0].ended == "without a word"


def test_without_a_connection_there_is_nobody_to_say_goodbye_to(rig: Rig) -> None:
    rig.line.leave()
    rig.line.close()
    assert rig.connections == []


def test_a_loop_beats_before_each_wait_and_leaves_when_it_is_stopped(rig: Rig) -> None:
    story: list[str] = []

    def then() -> None:
        story.append("turn")
        if rig.line.session is not None:
            rig.line.session.patience_s = 0.0

    rig.line.keep(lambda: story.append("beat"), lambda: story.count("turn") >= 4, then)
    assert story == [*["beat", "turn"] * 4, "beat"]
    assert (rig.line.session, rig.connections[0].ended) == (None, "in order")


def test_a_loop_that_ends_with_an_error_lets_go_of_its_connection(rig: Rig) -> None:
    def then() -> None:
        if rig.line.session is not None:
            raise JournalCorrupt("event 7 is not what was signed")

    with pytest.raises(JournalCorrupt):
        rig.line.keep(lambda: None, lambda: False, then)
    assert rig.connections[0].ended == "without a word"


def test_the_longest_wait_lets_a_loop_beat_in_time() -> None:
    assert BEAT_S < 10  # ports.loops.Beat

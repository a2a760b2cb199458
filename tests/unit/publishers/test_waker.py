"""What ends a wait."""

from __future__ import annotations

import os
import socket
import threading
import time
from typing import TYPE_CHECKING

import pytest

from kazasu.publishers.waker import Waker, wait

if TYPE_CHECKING:
    from collections.abc import Iterator

LONG_S = 30.0


class Connection:
    """A socket whose buffer is not full: it can always be written to."""

    def __init__(self, here: socket.socket, *, wants_write: bool = False) -> None:
        self._here = here
        self.wants_write = wants_write

    def fileno(self) -> int:
        return self._here.fileno()


@pytest.fixture(autouse=True)
def no_wait_runs_out() -> Iterator[None]:
    began_s = time.monotonic()
    yield
    assert time.monotonic() - began_s < LONG_S


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    here, there = socket.socketpair()
    with here, there:
        yield here, there


def is_woken(waker: Waker) -> bool:
    try:
        os.eventfd_read(waker.fileno())
    except BlockingIOError:
        return False
    return True


def test_a_wait_ends_when_it_is_woken_once_for_many_calls() -> None:
    waker = Waker()
    for _ in range(3):
        waker.wake()
    wait(waker, None, LONG_S)
    assert not is_woken(waker)


def test_another_thread_wakes_a_wait_that_is_under_way() -> None:
    waker = Waker()
    waiting = threading.Thread(target=wait, args=(waker, None, LONG_S))
    waiting.start()
    waker.wake()
    waiting.join(LONG_S)
    assert not waiting.is_alive()


def test_a_wait_ends_when_the_broker_has_something(ends: tuple[socket.socket, socket.socket]) -> None:
    ends[1].send(b"x")
    wait(Waker(), Connection(ends[0]), LONG_S)  # type: ignore[arg-type]  # what is used of it
    assert ends[0].recv(1) == b"x"


def test_it_waits_for_room_only_if_there_is_something_to_write(ends: tuple[socket.socket, socket.socket]) -> None:
    wait(Waker(), Connection(ends[0], wants_write=True), LONG_S)  # type: ignore[arg-type]
    began_s = time.monotonic()
    wait(Waker(), Connection(ends[0]), 0.02)  # type: ignore[arg-type]
    assert time.monotonic() - began_s >= 0.02


def test_a_connection_that_has_broken_is_not_waited_for_and_no_call_is_lost(
    ends: tuple[socket.socket, socket.socket],
) -> None:
    ends[0].close()
    waker = Waker()
    waker.wake()
    wait(waker, Connection(ends[0]), LONG_S)  # type: ignore[arg-type]
    assert is_woken(waker)


def test_a_wait_ends_for_any_other_descriptor(ends: tuple[socket.socket, socket.socket]) -> None:
    read, write = os.pipe()
    os.write(write, b"x")
    wait(Waker(), Connection(ends[0]), LONG_S, ends[1].fileno(), read)  # type: ignore[arg-type]
    os.close(read)
    os.close(write)


def test_a_time_that_is_past_is_no_wait() -> None:
    wait(Waker(), None, -1.0)


def test_clearing_what_was_not_called_waits_for_nothing() -> None:
    Waker().clear()

"""How a loop sleeps until it is woken, or the broker has something."""

from __future__ import annotations

import os
import select
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kazasu.publishers.mqtt import Connection


class Waker:
    """A file descriptor to poll on. `wake` is for any thread, and neither waits nor takes a lock."""

    def __init__(self) -> None:
        self._fd = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)

    def fileno(self) -> int:
        """Readable once `wake` was called."""
        return self._fd

    def wake(self) -> None:
        """Make the descriptor readable; many calls count as one."""
        os.eventfd_write(self._fd, 1)

    def clear(self) -> None:
        """Take the calls back that came so far: do this before looking for what they announced."""
        try:
            os.eventfd_read(self._fd)
        except BlockingIOError:
            return

    def __del__(self) -> None:
        # With the last reference, not before: a thread that wakes late must not write into somebody else's file.
        os.close(self._fd)


def wait(waker: Waker, connection: Connection | None, wait_s: float, *others: int) -> None:
    """Wait to be woken, for the broker, or for one of the other descriptors; not at all if the connection has broken.

    Args:
        waker: has its calls taken back.
        connection: open; None while there is none.
        wait_s: how long at the most; one that is past is none.
        others: to be read from.
    """
    poll = select.poll()
    poll.register(waker, select.POLLIN)
    for other in others:
        poll.register(other, select.POLLIN)
    if connection is not None:
        if connection.fileno() < 0:
            return  # writing found it broken; the next turn says so
        poll.register(connection, select.POLLIN | (select.POLLOUT if connection.wants_write else 0))
    poll.poll(max(0.0, wait_s) * 1000)
    waker.clear()

"""What a sleeping loop is woken with."""

from __future__ import annotations

import os


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

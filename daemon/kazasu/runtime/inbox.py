"""The terminal's queue: bounded, because memory is, and because a queue that grows is a defect to be seen."""

from __future__ import annotations

import queue
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kazasu.model.input import Input


class BoundedInbox:
    """Implements ports.inbox.InputQueue on the one queue of the standard library that is written in C.

    Args:
        limit: how many inputs may wait. A tap takes milliseconds, so this many means that the terminal thread hangs.
    """

    def __init__(self, limit: int = 256) -> None:
        self._items: queue.SimpleQueue[Input] = queue.SimpleQueue()
        self._limit = limit

    def put(self, item: Input) -> None:
        """Hand over an input; see ports.inbox.Inbox."""
        if self._items.qsize() >= self._limit:
            raise OverflowError(f"{self._limit} inputs wait for the terminal thread: it hangs")
        self._items.put(item)

    def get(self, timeout_s: float) -> Input | None:
        """Wait for the next input; None if the time runs out first."""
        try:
            return self._items.get(timeout=timeout_s)
        except queue.Empty:
            return None

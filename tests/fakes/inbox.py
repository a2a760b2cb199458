"""An inbox that keeps what it is given."""

from __future__ import annotations

import queue
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kazasu.model.input import Input


class ListInbox:
    """Implements the Inbox seam; a test waits on it with `next`."""

    def __init__(self) -> None:
        self._items: queue.Queue[Input] = queue.Queue()

    def put(self, item: Input) -> None:
        self._items.put(item)

    def next(self, timeout_s: float = 30.0) -> Input:
        """Wait for the next input; `queue.Empty` if none comes."""
        return self._items.get(timeout=timeout_s)

    @property
    def empty(self) -> bool:
        """Whether nothing is there now."""
        return self._items.empty()

    def drained(self) -> list[Input]:
        """Everything that is there now, oldest first."""
        items = []
        while not self.empty:
            items.append(self._items.get_nowait())
        return items

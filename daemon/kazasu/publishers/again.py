"""Events that are sent once more because somebody asked for them: a collector with a gap, a desk with a new one.

They go beside those that the send cursor has before it and never move it: a range far back costs that range, and not
everything that came after it. Whoever asked can ask again, so a refusal ends it.
"""

from __future__ import annotations

import collections
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from kazasu.publishers.reasons import SUCCESS
from kazasu.publishers.wire import head

if TYPE_CHECKING:
    from kazasu.model.command import PublishAgain
    from kazasu.ports.store import Backlog

_BATCH = 200
_RANGES = 16


class _Range(NamedTuple):
    first: int
    last: int


class Again:
    """What is still to be sent again, and what of it is in flight. The publisher's thread.

    Args:
        backlog: the journal.
    """

    def __init__(self, backlog: Backlog) -> None:
        self._backlog = backlog
        self._ranges: collections.deque[_Range] = collections.deque()
        self._batch: collections.deque[tuple[int, bytes]] = collections.deque()
        self._in_flight: dict[int, int] = {}  # packet identifier → seq

    def ask(self, asked: PublishAgain, newest: int) -> tuple[str, str]:
        """Take a command; returns what is wrong, empty if nothing is, and what is so now.

        Args:
            asked: the command.
            newest: the last event that was sent; those after it come anyway.
        """
        if asked.epoch not in {None, self._backlog.epoch}:
            return f"there is no epoch {asked.epoch} here any more: it is {self._backlog.epoch}", ""
        if len(self._ranges) >= _RANGES:
            return f"{_RANGES} ranges are being sent again already", ""
        first = asked.from_seq if asked.since is None else self._first_since(asked.since, newest)
        last = newest if asked.to_seq is None else min(asked.to_seq, newest)
        if first is None or first > last:
            return "", "none of them was sent before: they come as they are recorded"
        self._ranges.append(_Range(first, last))
        return "", f"events {first} to {last} are sent again, as far as they are here"

    def next(self) -> tuple[int, bytes] | None:
        """The next one: number and stored bytes; None if there is none."""
        while not self._batch and self._ranges:
            first, last = self._ranges.popleft()
            found = self._backlog.after(first - 1, min(_BATCH, last - first + 1))
            self._batch.extend((seq, body) for seq, body in found if seq <= last)
            if self._batch and self._batch[-1][0] < last:
                self._ranges.appendleft(_Range(self._batch[-1][0] + 1, last))
        return self._batch.popleft() if self._batch else None

    def sent(self, mid: int, seq: int) -> None:
        """It left as packet `mid`."""
        self._in_flight[mid] = seq

    def answered(self, mid: int, code: int) -> None:
        """A PUBACK arrived, for one of these or for something else."""
        if self._in_flight.pop(mid, None) is not None and code != SUCCESS:
            self._ranges.clear()
            self._batch.clear()

    def connected(self) -> None:
        """A new connection: what was in flight may not have arrived."""
        unanswered = [*self._in_flight.values(), *(seq for seq, _ in self._batch)]
        self._in_flight.clear()
        self._batch.clear()
        if unanswered:
            self._ranges.appendleft(_Range(min(unanswered), max(unanswered)))

    def _first_since(self, since: datetime, newest: int) -> int | None:
        """The first event from a time on, as far as times rise with numbers; None if there is none.

        Raises:
            JournalCorrupt: what is stored is no event.
        """
        low, high = 1, newest + 1
        while low < high:
            middle = (low + high) // 2
            found = self._backlog.after(middle - 1, 1)
            if found and datetime.fromisoformat(head(*found[0]).time) < since:
                low = found[0][0] + 1
            else:
                high = middle
        return low if low <= newest else None

"""Which events are on their way to the broker, and up to where it took them over: a pure state machine.

What always holds (tests/property/test_window.py plays brokers and connections against it):

1. Events leave in the journal's order; after anything but plain success, sending starts again right behind `acked`.
2. `acked` moves over an event only when that event *and every one before it* was acknowledged with plain success by
   the sending that followed the last rewind. 0x10 (nobody subscribes) is a success code and still not delivery.
3. Never more is unacknowledged than the broker's Receive Maximum, nor than 100; paho minds neither.

After a refusal nothing more is sent until what is in flight has been answered: a later event that got through must
come again behind the refused one, or a reader that keeps order would have lost it. Then one event goes alone, as a
probe, until there is success: a broker without subscribers is not fed a hundred events a time for nothing.
"""

from __future__ import annotations

import collections
from typing import TYPE_CHECKING

from kazasu.publishers.reasons import SUCCESS

if TYPE_CHECKING:
    from kazasu.publishers.backoff import Backoff

LIMIT = 100
"""The most events in flight: more is slower, as paho's own book-keeping grows with it."""

_NO_EVENT = 0


class Window:
    """The events in flight on one connection after another.

    Args:
        acked: the last event that the broker took over, from the durable cursor.
        backoff: how long to wait after a refusal.

    Attributes:
        acked: as above, moving on.
        sent: the last event handed to the connection; the next one to send is the one behind it.
        refusal: the reason code of the last refusal; `SUCCESS` once an event got through again.
    """

    def __init__(self, acked: int, backoff: Backoff) -> None:
        self.acked = acked
        self.sent = acked
        self.refusal = SUCCESS
        self._backoff = backoff
        self._receive_maximum = 0
        self._limit = LIMIT
        self._in_flight: dict[int, int] = {}  # packet identifier → seq, or _NO_EVENT
        self._order: collections.deque[int] = collections.deque()  # events sent since the last rewind, not yet passed
        self._succeeded: set[int] = set()
        self._draining = False
        self._retry_at_s = 0.0
        self._progress_s = 0.0

    def connected(self, receive_maximum: int) -> None:
        """A new connection: nothing is in flight on it, and what was before may or may not have arrived."""
        self._receive_maximum = receive_maximum
        self._in_flight.clear()
        self._rewind()

    def room(self, now_s: float) -> int:
        """How many events may be sent now."""
        if self._draining or now_s < self._retry_at_s:
            return 0
        return min(self._limit, self._receive_maximum) - len(self._in_flight)

    @property
    def room_for_other(self) -> bool:
        """Whether a message that is no event may be sent now: it counts for the Receive Maximum too."""
        return len(self._in_flight) < self._receive_maximum

    @property
    def empty(self) -> bool:
        """Whether everything sent was answered."""
        return not self._in_flight

    def event_sent(self, mid: int, seq: int, now_s: float) -> None:
        """Event `seq` left as packet `mid`.

        Raises:
            ValueError: it does not come behind the last one.
        """
        if seq <= self.sent:
            raise ValueError(f"event {seq} cannot follow event {self.sent}")
        self._order.append(seq)
        self.sent = seq
        self._put(mid, seq, now_s)

    def other_sent(self, mid: int, now_s: float) -> None:
        """Something that is no event left as packet `mid`."""
        self._put(mid, _NO_EVENT, now_s)

    def answered(self, mid: int, code: int, now_s: float) -> None:
        """A PUBACK arrived; one for an unknown packet changes nothing."""
        seq = self._in_flight.pop(mid, None)
        if seq is None:
            return
        self._progress_s = now_s
        if seq != _NO_EVENT:
            if code == SUCCESS:
                self._succeed(seq)
            elif not self._draining:
                self._draining = True
                self.refusal = code
                self._retry_at_s = now_s + self._backoff.next_s()
        if self._draining and not self._in_flight:
            self._rewind()
            self._limit = 1

    def hold(self, now_s: float) -> None:
        """The next event cannot be sent, for a reason on this side: wait."""
        self._retry_at_s = now_s + self._backoff.next_s()

    def retry(self) -> None:
        """There is reason to believe that events get through now: do not wait any longer."""
        self._retry_at_s = 0.0
        self._backoff.reset()

    def wait_s(self, now_s: float) -> float:
        """How long until `room` may change by itself; 0 if it may not."""
        return max(0.0, self._retry_at_s - now_s)

    def silent_s(self, now_s: float) -> float:
        """How long something has been in flight without any answer."""
        return now_s - self._progress_s if self._in_flight else 0.0

    def _put(self, mid: int, seq: int, now_s: float) -> None:
        if not self._in_flight:
            self._progress_s = now_s
        self._in_flight[mid] = seq

    def _succeed(self, seq: int) -> None:
        self._succeeded.add(seq)
        while self._order and self._order[0] in self._succeeded:
            self.acked = self._order.popleft()
            self._succeeded.discard(self.acked)
            if not self._draining:
                self.refusal = SUCCESS
                self._limit = LIMIT
                self._backoff.reset()

    def _rewind(self) -> None:
        self._draining = False
        self._order.clear()
        self._succeeded.clear()
        self.sent = self.acked

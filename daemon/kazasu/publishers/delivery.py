"""Events from the journal into the connection, and the broker's acknowledgements into the cursor."""

from __future__ import annotations

import collections
import logging
from datetime import datetime
from typing import TYPE_CHECKING

from kazasu.errors import JournalCorrupt
from kazasu.publishers.again import Again
from kazasu.publishers.reasons import SUCCESS, in_words
from kazasu.publishers.window import Window
from kazasu.publishers.wire import CloudEvents, head

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kazasu.model.access import EventFields
    from kazasu.model.command import PublishAgain
    from kazasu.ports.clock import Clock
    from kazasu.ports.health import Health
    from kazasu.ports.store import Backlog, SendCursor
    from kazasu.publishers.backoff import Backoff
    from kazasu.publishers.mqtt import Connection
    from kazasu.publishers.wire import Topics

_log = logging.getLogger(__name__)

_BATCH = 200
_ALERT = "delivery"


class Delivery:
    """Keeps the window full while there is something to send. The publisher's thread.

    It reads the journal through a connection of its own and writes to the cursor's file only: nothing here can hold
    up a tap (rule 4).

    Attributes:
        window: what is in flight.
    """

    def __init__(
        self, topics: Topics, *, backlog: Backlog, cursor: SendCursor, clock: Clock, health: Health, backoff: Backoff
    ) -> None:
        self.window = Window(cursor.seq, backoff)
        self._topic = topics.event
        self._cloud_events = CloudEvents(topics.up)
        self._backlog = backlog
        self._cursor = cursor
        self._clock = clock
        self._health = health
        self._batch: collections.deque[tuple[int, bytes]] = collections.deque()
        self._batch_after = self.window.sent  # `_batch` is what follows this event
        self._epoch = backlog.epoch
        self._trouble = ""
        self._again = Again(backlog)

    def connected(self, receive_maximum: int) -> None:
        """A new connection: nothing is in flight on it."""
        self.window.connected(receive_maximum)
        self._again.connected()

    def publish_again(self, asked: PublishAgain) -> tuple[str, str]:
        """Send events once more; returns what is wrong, empty if nothing is, and what is so now."""
        try:
            return self._again.ask(asked, self.window.sent)
        except JournalCorrupt as error:
            return str(error), ""

    def fill(self, connection: Connection, now_s: float) -> None:
        """Send what there is and what the window has room for.

        Raises:
            JournalCorrupt: the journal is another one than before, so the cursor means nothing.
        """
        for _ in range(self.window.room(now_s)):
            if self._send_again(connection, now_s):
                continue
            if self._batch_after != self.window.sent:  # rewound
                self._batch.clear()
                self._batch_after = self.window.sent
            if not self._batch:
                self._read_on()
                if not self._batch:
                    return
            seq, body = self._batch[0]
            try:
                properties = self._cloud_events.packed(head(seq, body))
            except JournalCorrupt as error:
                # Passing over it would be a gap that nobody explains; a person has to look, and taps go on.
                self._note(str(error))
                self._batch.clear()
                self.window.hold(now_s)
                return
            mid = connection.publish(self._topic, body, properties=properties)
            self._batch.popleft()
            self._batch_after = seq
            self.window.event_sent(mid, seq, now_s)

    def answered(self, acks: Iterable[tuple[int, int]], now_s: float) -> None:
        """PUBACKs arrived: packet identifiers and reason codes, in the order they came."""
        window = self.window
        before = window.acked
        for mid, code in acks:
            window.answered(mid, code, now_s)
            self._again.answered(mid, code)
        if window.acked != before:
            self._cursor.advance(window.acked)
        if window.refusal != SUCCESS:
            self._note(in_words(window.refusal))
        elif window.acked != before:
            self._note("")

    def fields(self) -> EventFields:
        """What health says of it: how far the journal and the broker are apart."""
        acked, last = self.window.acked, self._backlog.last_seq()
        return {
            "epoch": self._backlog.epoch,
            "last_seq": last,
            "acked_seq": acked,
            "unsent": max(0, last - acked),
            "oldest_unacked_age_s": self._oldest_age_s(acked),
        }

    def _send_again(self, connection: Connection, now_s: float) -> bool:
        """Send one that was asked for again; returns whether there was one."""
        asked = self._again.next()
        if asked is None:
            return False
        try:
            properties = self._cloud_events.packed(head(*asked))
        except JournalCorrupt as error:
            _log.warning("not_sent_again", extra={"fields": {"seq": asked[0], "detail": str(error)}})
            return True
        mid = connection.publish(self._topic, asked[1], properties=properties)
        self.window.other_sent(mid, now_s)
        self._again.sent(mid, asked[0])
        return True

    def _oldest_age_s(self, acked: int) -> int:
        """The age of the first event behind `acked`: by this boot's own clock if it is of this boot."""
        for seq, body in self._backlog.after(acked, 1):
            try:
                event = head(seq, body)
                written = datetime.fromisoformat(event.time)
            except (JournalCorrupt, ValueError):
                return -1
            now = self._clock.now()
            if event.boot == now.boot:
                return max(0, (now.mono_ms - event.mono_ms) // 1000)
            return max(0, int((now.at - written).total_seconds()))
        return 0

    def _read_on(self) -> None:
        self._batch.extend(self._backlog.after(self._batch_after, _BATCH))
        epoch = self._backlog.epoch
        if epoch not in {"", self._epoch}:
            raise JournalCorrupt(f"the journal's epoch was {self._epoch or 'unknown'} and is {epoch}: starting again")

    def _note(self, trouble: str) -> None:
        """Log and raise, or end, the alert that says why events do not get through."""
        if trouble == self._trouble:
            return
        self._trouble = trouble
        if trouble:
            _log.warning("delivery_refused", extra={"fields": {"acked_seq": self.window.acked, "detail": trouble}})
            self._health.alert(_ALERT, trouble)
        else:
            _log.info("delivery_resumed", extra={"fields": {"acked_seq": self.window.acked}})
            self._health.clear(_ALERT)

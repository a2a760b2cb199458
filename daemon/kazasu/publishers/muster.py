"""What this terminal says for the roll call: `up/<terminal>/muster`, signed and retained (docs/wire.md).

The terminal's thread tells the board of each event, after its cue, and waits for nothing but a look at a dictionary.
Writing, signing and sending are the publisher's, a few seconds apart at the least, so that a rush of taps is one
document; nothing is done while nothing happens.
"""

from __future__ import annotations

import collections
import threading
from typing import TYPE_CHECKING

from kazasu.model.muster_document import pages
from kazasu.model.whereabouts import unix_ms

if TYPE_CHECKING:
    from kazasu.model.document import Signer
    from kazasu.model.event import Event
    from kazasu.model.whereabouts import Whereabouts
    from kazasu.ports import muster
    from kazasu.ports.clock import Clock
    from kazasu.publishers.wire import Topics

APART_S = 2.0


class MusterBoard:
    """Implements ports.muster.MusterBoard.

    Args:
        whereabouts: the terminal's; nobody else may touch it.
        site: the site's name.
        signer: the event key.
        clock: the terminal's.
    """

    def __init__(self, whereabouts: Whereabouts, *, site: str, signer: Signer, clock: Clock) -> None:
        self._whereabouts = whereabouts
        self._site = site
        self._signer = signer
        self._clock = clock
        self._lock = threading.Lock()
        self._version = 0
        self._next_end_ms: int | None = None

    def recorded(self, event: Event) -> None:
        """Take over an event; see ports.muster.MusterBoard."""
        with self._lock:
            self._whereabouts.recorded(event)
            self._version += 1

    @property
    def version(self) -> int:
        """Rises whenever there is something else to say."""
        return self._version

    @property
    def outdated(self) -> bool:
        """Whether somebody has come to count as out since the last documents, and only time did it."""
        return self._next_end_ms is not None and self._next_end_ms <= unix_ms(self._clock.now())

    def documents(self) -> tuple[int, tuple[bytes, ...]]:
        """All that there is to say now, signed, and the version that it is."""
        moment = self._clock.now()
        with self._lock:
            if self.outdated:
                self._version += 1  # whoever else has documents looks for new ones
            version, statement = self._version, self._whereabouts.statement(moment)
            self._next_end_ms = self._whereabouts.next_end_ms(statement.at_ms)
        return version, pages(statement, self._site, self._signer)


class MusterReport:
    """Decides what is due on one connection. The publisher's thread.

    Args:
        board: what to say.
        topics: the terminal's.
    """

    def __init__(self, board: muster.MusterBoard, topics: Topics) -> None:
        self._board = board
        self._topics = topics
        self._waiting: collections.deque[tuple[str, bytes]] = collections.deque()
        self._said: int | None = None
        self._said_at_s = 0.0
        self._pages = 0

    def next(self, now_s: float) -> tuple[str, bytes] | None:
        """Topic and payload of the next message that is due; None if none is."""
        if not self._waiting and self.wait_s(now_s) == 0:
            self._said, documents = self._board.documents()
            self._said_at_s = now_s
            # A page that is needed no longer is taken away: people would stay on it at the broker.
            gone = [b""] * max(0, self._pages - len(documents))
            self._pages = len(documents)
            for number, document in enumerate((*documents, *gone), 1):
                self._waiting.append((self._topics.muster(number), document))
        return self._waiting.popleft() if self._waiting else None

    def wait_s(self, now_s: float) -> float | None:
        """How long until something is due, if nothing changes; 0 if it is, None if nothing will be."""
        if self._waiting or self._said is None:
            return 0.0
        if self._said == self._board.version and not self._board.outdated:
            return None
        return max(0.0, self._said_at_s + APART_S - now_s)

"""A journal in memory: signed and chained like the real one, and as full or as unwritable as a test wishes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from kazasu.errors import JournalCorrupt, JournalFull, JournalUnwritable
from kazasu.model.event import GENESIS, Place, sealed
from kazasu.model.signature import Ed25519Signer
from kazasu.model.usage import Usage
from kazasu.store.usage import WARN_PERCENT

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from kazasu.errors import JournalError
    from kazasu.model.event import Draft, Event
    from kazasu.model.receipt import Receipt

SIGNER = Ed25519Signer(Ed25519PrivateKey.from_private_bytes(bytes(range(32))))


class FakeJournal:
    """Implements the Journal seam, and the Backlog seam over the same events.

    Args:
        max_events: as the real one's.
        keep_s: as the real one's.

    Attributes:
        failing: raised by each append while it is set.
        shut: it cannot be opened: nothing can be read either.
        events: what is kept, oldest first.
    """

    def __init__(self, *, max_events: int = 1_000_000, keep_s: int = 0, epoch: str = "00112233445566aa") -> None:
        self.epoch = epoch
        self.failing: JournalError | None = None
        self.shut = False
        self.events: list[Event] = []
        self.idled = 0
        self._max_events = max_events
        self._keep_s = keep_s
        self._pruned = (0, GENESIS)
        self._at_s: dict[int, int] = {}

    @property
    def seq(self) -> int:
        return self.events[-1].seq if self.events else self._pruned[0]

    def append(self, draft: Draft) -> Event:
        if self.shut:
            raise JournalUnwritable("the fake journal is not there")
        if self.failing is not None:
            raise self.failing
        if len(self.events) >= self._max_events:
            raise JournalFull("the fake journal holds as many events as it may")
        prev = self.events[-1].digest if self.events else self._pruned[1]
        place = Place(site="city", terminal="front", epoch=self.epoch, seq=self.seq + 1, prev=prev)
        event = sealed(draft, place, SIGNER)
        self.events.append(event)
        self._at_s[event.seq] = int(draft.moment.at.timestamp())
        return event

    def recent(self, span_s: int) -> Iterator[Event]:
        if not self.events or self.shut:
            return
        oldest_s = self._at_s[self.seq] - span_s
        start = len(self.events)
        while start and self._at_s[self.events[start - 1].seq] >= oldest_s:
            start -= 1
        yield from self.events[start:]

    def idle(self) -> None:
        self.idled += 1

    def usage(self) -> Usage:
        count = len(self.events)
        percent = 100 * count // self._max_events
        return Usage(
            count=count, max_events=self._max_events, percent=percent, size_bytes=0, warn=percent >= WARN_PERCENT
        )

    def prune(self, receipt: Receipt) -> int:
        if receipt.epoch != self.epoch or receipt.seq < self._pruned[0]:
            return 0
        digests = dict([self._pruned, *((event.seq, event.digest) for event in self.events)])
        if digests.get(receipt.seq) != receipt.digest:
            raise JournalCorrupt(f"the collector vouches for another event {receipt.seq}")
        before_s = self._at_s.get(self.seq, 0) - self._keep_s
        old = [e for e in self.events[:-1] if e.seq <= receipt.seq and self._at_s[e.seq] < before_s]
        if old:
            self._pruned = (old[-1].seq, old[-1].digest)
            self.events = [event for event in self.events if event.seq > old[-1].seq]
        return len(old)

    def after(self, seq: int, limit: int) -> Sequence[tuple[int, bytes]]:
        return [(event.seq, event.body) for event in self.events if event.seq > seq][:limit]

    def last_seq(self) -> int:
        return self.seq

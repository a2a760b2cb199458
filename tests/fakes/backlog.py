"""A journal in memory, and a cursor that only remembers."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import TYPE_CHECKING

from fakes.clock import FakeClock
from kazasu.model.event import GENESIS, Draft, Place, sealed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kazasu.model.document import Signer
    from kazasu.model.event import Event


class FakeBacklog:
    """Implements the Backlog seam; `grow` is what a journal does in between. Signed and chained like the real one."""

    def __init__(self, signer: Signer, site: str = "s", terminal: str = "t", epoch: str = "0123456789abcdef") -> None:
        self.epoch = epoch
        self.events: list[Event] = []
        self._signer = signer
        self._site = site
        self._terminal = terminal
        self._clock = FakeClock()
        self._lock = threading.Lock()

    def grow(self, count: int) -> None:
        """Append so many events."""
        for _ in range(count):
            self._clock.at += timedelta(milliseconds=1)
            place = Place(
                site=self._site,
                terminal=self._terminal,
                epoch=self.epoch,
                seq=len(self.events) + 1,
                prev=self.events[-1].digest if self.events else GENESIS,
            )
            fields: dict[str, int | str] = {
                "reader": "entrance",
                "decision": "granted",
                "roster_version": 17,
                "credential": "5f" * 16,
                "card": "jpki",
                "assurance": "signed_data",
                "cardholder": "100234",
                "day": "2026-04-01",
            }
            draft = Draft(event_type="attendance.in", moment=self._clock.now(), fields=fields)
            event = sealed(draft, place, self._signer)
            with self._lock:
                self.events.append(event)

    def after(self, seq: int, limit: int) -> Sequence[tuple[int, bytes]]:
        with self._lock:
            return [(event.seq, event.body) for event in self.events[seq : seq + limit]]

    def last_seq(self) -> int:
        with self._lock:
            return len(self.events)


class FakeCursor:
    """Implements the SendCursor seam."""

    def __init__(self, seq: int = 0) -> None:
        self.seq = seq
        self.flushed_seq = seq
        self.connections = 0

    def advance(self, seq: int) -> None:
        self.seq = seq

    def flush(self) -> None:
        self.flushed_seq = self.seq

    def next_connection(self) -> int:
        self.connections += 1
        return self.connections

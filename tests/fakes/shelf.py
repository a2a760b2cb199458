"""A place on disk for a real journal, and the ways in which tests fill and spoil it."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from fakes.clock import FakeClock
from fakes.journal import SIGNER
from kazasu.model.event import Draft
from kazasu.model.moment import TimeSource
from kazasu.store.journal import Journal

if TYPE_CHECKING:
    from pathlib import Path


class Shelf:
    """Opens journals at one path and fills them."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.clock = FakeClock()
        self._journals: list[Journal] = []

    def open(self, *, max_events: int = 100_000, keep_s: int = 0, collector: bool = True) -> Journal:
        journal = Journal(self.path, "city", "front", SIGNER, max_events=max_events, keep_s=keep_s, collector=collector)
        self._journals.append(journal)
        return journal

    def append(
        self, journal: Journal, count: int = 1, *, every_s: float = 1, source: TimeSource = TimeSource.NTP
    ) -> None:
        self.clock.source = source
        for _ in range(count):
            self.clock.advance(every_s)
            journal.append(Draft(event_type="attendance.in", moment=self.clock.now(), fields={"reader": "front"}))

    def filled(self, count: int) -> Journal:
        """A closed journal of so many events."""
        journal = self.open()
        self.append(journal, count)
        journal.close()
        return journal

    def change(self, statement: str, *values: object) -> None:
        """Change the file behind Kazasu's back."""
        connection = sqlite3.connect(self.path, isolation_level=None)
        connection.execute(statement, values)
        connection.close()

    def close(self) -> None:
        for journal in self._journals:
            journal.close()

"""A store that takes nothing while a test wishes so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kazasu.collector.store.sqlite import SqliteStore
from kazasu.errors import StoreUnavailable

if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path


class FlakyStore(SqliteStore):
    """The real one, but for its faults.

    Attributes:
        away: each call raises StoreUnavailable.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.away = False

    def _opened(self) -> sqlite3.Connection:
        if self.away:
            raise StoreUnavailable("the disk is away")
        return super()._opened()

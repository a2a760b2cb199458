"""How full a journal is: for health, and to make room in time."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from pathlib import Path

WARN_PERCENT = 80


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """How full the journal is.

    Attributes:
        count: events in it.
        max_events: room for events.
        percent: of it in use, 0 to 100.
        size_bytes: on disk, the write-ahead log included.
        warn: from 80 % on.
    """

    count: int
    max_events: int
    percent: int
    size_bytes: int
    warn: bool


def usage_of(path: Path, count: int, max_events: int) -> Usage:
    """Look at the disk and compare; a file that is missing has no bytes."""
    size_bytes = 0
    for part in (path, path.with_name(f"{path.name}-wal")):
        with contextlib.suppress(OSError):
            size_bytes += part.stat().st_size
    percent = 100 * count // max_events
    return Usage(
        count=count, max_events=max_events, percent=percent, size_bytes=size_bytes, warn=percent >= WARN_PERCENT
    )

"""How full a journal is: for health, and to make room in time."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from kazasu.model.usage import Usage

if TYPE_CHECKING:
    from pathlib import Path

WARN_PERCENT = 80


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

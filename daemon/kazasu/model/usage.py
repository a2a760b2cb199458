"""How full the journal is."""

from __future__ import annotations

import msgspec


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

"""A point in time as evidence: wall time with its quality, and the monotonic time of this boot (rule 10)."""

from __future__ import annotations

import enum
from datetime import datetime

import msgspec


class TimeSource(enum.StrEnum):
    """Where the wall time comes from; the values are on the wire."""

    NTP = "ntp"  # synchronised: the kernel's clock is disciplined now
    HOLDOVER = "holdover"  # was synchronised, or stands later than the last event; drifting
    NONE = "none"  # unset: no reason to believe it


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """When something happened.

    Attributes:
        at: wall time, aware, in the terminal's time zone.
        source: where `at` comes from.
        error_ms: estimated error of `at`; -1 if nothing is known of it.
        boot: this boot's id, 32 hexadecimal digits.
        mono_ms: CLOCK_BOOTTIME, milliseconds; compares only within one boot.
    """

    at: datetime
    source: TimeSource
    error_ms: int
    boot: str
    mono_ms: int

    @property
    def time(self) -> str:
        """RFC 3339 with offset, milliseconds."""
        return self.at.isoformat(timespec="milliseconds")

"""A point in time as evidence: wall time with its quality, and the monotonic time of this boot (rule 10)."""

from __future__ import annotations

import enum
from datetime import datetime

import msgspec


class TimeSource(enum.StrEnum):
    """Where the wall time comes from; the values are on the wire."""

    NTP = "ntp"  # synchronised: the kernel's clock is disciplined now
    RTC = "rtc"  # set at boot from a battery-backed clock, and by nobody since
    HOLDOVER = "holdover"  # goes on from the last time that was known; drifting
    NONE = "none"  # unset, or set back behind an event: no reason to believe it


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

    def step_ms(self, before: Moment) -> int:
        """By how much the wall clock was set on (or, below zero, back) since an earlier moment, in milliseconds.

        How long the machine was off nobody knows, so across a boot only a step back shows: the time since this boot
        began is the least that has passed.
        """
        same_boot = before.boot == self.boot
        passed_ms = self.mono_ms - before.mono_ms if same_boot else self.mono_ms
        # By Unix time: within one time zone, Python subtracts what the clock on the wall shows.
        step_ms = round((self.at.timestamp() - before.at.timestamp()) * 1000) - passed_ms
        return step_ms if same_boot else min(step_ms, 0)

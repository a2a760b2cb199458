"""Time as evidence: wall time with its quality, and the monotonic time of this boot (design, rule 10)."""

from __future__ import annotations

import threading
import time
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from kazasu.model.moment import Moment, TimeSource
from kazasu.runtime.adjtimex import maximum_error_ms

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import tzinfo

_REFRESH_S = 5.0
_TIMESYNCD = Path("/run/systemd/timesync/synchronized")
_TIMESYNCD_FRESH_S = 3 * 2048
"""timesyncd touches its file at each synchronisation, at least every 2048 s (timesyncd.conf(5), PollIntervalMaxSec)."""

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class SystemClock:
    """Implements ports.Clock.

    How good the wall time is is looked up when somebody asks, and at most every five seconds: nothing is polled, and a
    tap pays for two clock calls.

    Args:
        zone: the terminal's time zone.
        floor: the newest event's time; a wall clock that stands before it is wrong.
        kernel_error_ms: what the kernel says of its clock; see adjtimex.py.
        timesyncd: systemd-timesyncd's file.
        boot_id: the kernel's file.
    """

    def __init__(
        self,
        zone: tzinfo,
        floor: datetime | None,
        *,
        kernel_error_ms: Callable[[], int | None] = maximum_error_ms,
        timesyncd: Path = _TIMESYNCD,
        boot_id: Path = _BOOT_ID,
    ) -> None:
        self._zone = zone
        self._floor = floor
        self._kernel_error_ms = kernel_error_ms
        self._timesyncd = timesyncd
        self._boot = boot_id.read_text(encoding="ascii").strip().replace("-", "")
        self._lock = threading.Lock()
        self._looked_s = float("-inf")
        self._quality = (TimeSource.NONE, -1)
        self._synchronised = False

    def now(self) -> Moment:
        """See ports.Clock."""
        at = datetime.now(self._zone)
        mono_s = self.mono_s()
        with self._lock:
            if mono_s - self._looked_s >= _REFRESH_S:
                self._looked_s = mono_s
                self._quality = self._look(at)
            source, error_ms = self._quality
        return Moment(at=at, source=source, error_ms=error_ms, boot=self._boot, mono_ms=int(mono_s * 1000))

    def mono_s(self) -> float:
        """See ports.Clock."""
        return time.clock_gettime(time.CLOCK_BOOTTIME)

    def _look(self, at: datetime) -> tuple[TimeSource, int]:
        """Tell source and estimated error in ms; -1 where nobody tells it."""
        error_ms = self._disciplined(at)
        if error_ms is not None:
            self._synchronised = True
            return TimeSource.NTP, error_ms
        if self._synchronised or (self._floor is not None and at >= self._floor):
            return TimeSource.HOLDOVER, -1
        return TimeSource.NONE, -1

    def _disciplined(self, at: datetime) -> int | None:
        """Estimated error in ms if something disciplines the clock now (-1: unknown), None if nothing does."""
        error_ms = self._kernel_error_ms()
        if error_ms is not None:
            return error_ms
        # ProtectClock= keeps a hardened unit from asking the kernel; then timesyncd's file is what is left.
        try:
            touched_s = self._timesyncd.stat().st_mtime
        except OSError:
            return None
        return -1 if abs(at.timestamp() - touched_s) <= _TIMESYNCD_FRESH_S else None

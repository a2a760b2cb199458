"""Time as evidence: wall time with its quality, and the monotonic time of this boot (design, rule 10).

A Pi has no clock of its own. What is known of the time, best first:

1. Somebody disciplines the clock now: `ntp`. It is taken as it is, even where it stands before the newest event.
2. The clock was disciplined in this run and nobody has set it since: `holdover`, with an error that grows.
3. The kernel set it from a battery-backed clock, and nobody has set it since: `rtc`.
4. It stands no earlier than the newest event: `holdover` from what the machine saved, of unknown error.
5. It stands before the newest event, since the boot: the machine has lost its time. `holdover` from the event, whose
   time goes on by the monotonic clock.
6. It was set back behind an event while the machine ran, or the battery-backed clock contradicts the event: nobody
   knows which of the two is wrong. Time goes on from the event, too, and the source is `none`; but the clock is
   followed again once it has caught up with the newest event. So one that was set back by hand is, after a pause
   between two events that is longer than the step.

Where nothing was ever known, the source is `none` as well, until somebody sets the clock.
"""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from kazasu.model.moment import Moment, TimeSource
from kazasu.runtime.adjtimex import maximum_error_ms
from kazasu.runtime.rtc import find_rtcs

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import tzinfo

    from kazasu.runtime.rtc import Rtc

_REFRESH_S = 5.0
_STEP_S = 2.0  # a jump of more than this, and more than drift explains, was made by somebody
_DRIFT = 500e-6  # what the kernel reckons with (MAXFREQ in linux/timex.h)
_TORN_S = 0.1  # two clocks are read one after the other; a process that was stopped between them reads again

TIMESYNCD = Path("/run/systemd/timesync/synchronized")
"""systemd-timesyncd's file."""

_TIMESYNCD_FRESH_S = 3 * 2048
"""timesyncd touches its file at each synchronisation, at least every 2048 s (timesyncd.conf(5), PollIntervalMaxSec)."""

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def _boottime_s() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class _Floor(msgspec.Struct, frozen=True):
    """The newest event's time, and when in this boot that was; 0 if it was before.

    The time is kept in UTC: within another zone, Python adds and compares what the clock on the wall shows.
    """

    at: datetime
    mono_s: float


class SystemClock:
    """Implements ports.clock.Clock.

    How good the wall time is is looked up when somebody asks, and at most every five seconds: nothing is polled, and a
    tap pays for a few clock calls.

    Args:
        zone: the terminal's time zone.
        kernel_error_ms: what the kernel says of its clock; see adjtimex.py.
        rtcs: what battery-backed clocks there are; asked once at most.
        timesyncd: systemd-timesyncd's file.
        boot_id: the kernel's file.
        wall_s: Unix time.
        boottime_s: seconds since boot, suspended time included.
    """

    def __init__(
        self,
        zone: tzinfo,
        *,
        kernel_error_ms: Callable[[], int | None] = maximum_error_ms,
        rtcs: Callable[[], Sequence[Rtc]] = find_rtcs,
        timesyncd: Path = TIMESYNCD,
        boot_id: Path = _BOOT_ID,
        wall_s: Callable[[], float] = time.time,
        boottime_s: Callable[[], float] = _boottime_s,
    ) -> None:
        self._zone = zone
        self._kernel_error_ms = kernel_error_ms
        self._rtcs = rtcs
        self._timesyncd = timesyncd
        self._boot = boot_id.read_text(encoding="ascii").strip().replace("-", "")
        self._wall_s = wall_s
        self._boottime_s = boottime_s
        self._lock = threading.Lock()
        self._floor: _Floor | None = None
        self._looked_s = float("-inf")
        self._offset_s: float | None = None  # wall time when this boot began, as of the last look
        self._set_by: TimeSource | None = None  # what set the clock, as far as this run knows
        self._disciplined = False
        self._error_ms = -1  # at the last look
        self._known = False  # whether there was a time to hold over
        self._lost = TimeSource.HOLDOVER  # what a clock is worth that stands before the newest event
        self._going_on = False  # the clock has been before the newest event since the boot

    def now(self) -> Moment:
        """See ports.clock.Clock."""
        with self._lock:
            wall_s, mono_s = self._read()
            if mono_s - self._looked_s >= _REFRESH_S or self._stepped(wall_s, mono_s):
                self._look(wall_s, mono_s)
            source, error_ms = self._quality()
            at = datetime.fromtimestamp(wall_s, self._zone)
            if source is not TimeSource.NTP and self._floor is not None:
                goes_on_at = (self._floor.at + timedelta(seconds=mono_s - self._floor.mono_s)).astimezone(self._zone)
                if at < (goes_on_at if self._going_on else self._floor.at):
                    at = goes_on_at
                    source, error_ms = (TimeSource.NONE if source is TimeSource.RTC else self._lost), -1
                    self._going_on = source is TimeSource.HOLDOVER
                else:
                    self._going_on = False
        return Moment(at=at, source=source, error_ms=error_ms, boot=self._boot, mono_ms=int(mono_s * 1000))

    def mono_s(self) -> float:
        """See ports.clock.Clock."""
        return self._boottime_s()

    def recorded(self, moment: Moment) -> None:
        """See ports.clock.Clock."""
        this_boot = moment.boot == self._boot
        mono_s = moment.mono_ms / 1000 if this_boot else 0.0
        with self._lock:
            if self._floor is None and this_boot and moment.source in {TimeSource.NTP, TimeSource.RTC}:
                # A former run of this boot knew where the clock has its time from: what it saw counts as the last look.
                self._looked_s, self._offset_s = mono_s - _REFRESH_S, moment.at.timestamp() - mono_s
                self._set_by, self._error_ms = moment.source, moment.error_ms
            self._floor = _Floor(moment.at.astimezone(UTC), mono_s)
            if not this_boot:
                self._known = self._going_on = True
            elif moment.source is not TimeSource.NONE:
                self._known = True
            else:
                self._lost = TimeSource.NONE

    def _read(self) -> tuple[float, float]:
        """Wall and monotonic time of one moment."""
        while True:
            before_s = self._boottime_s()
            wall_s, mono_s = self._wall_s(), self._boottime_s()
            if mono_s - before_s < _TORN_S:
                return wall_s, mono_s

    def _stepped(self, wall_s: float, mono_s: float) -> bool:
        if self._offset_s is None:
            return False
        return abs(wall_s - mono_s - self._offset_s) > _STEP_S + (mono_s - self._looked_s) * _DRIFT

    def _look(self, wall_s: float, mono_s: float) -> None:
        """Find out what the clock is worth."""
        before_s, stepped = self._offset_s, self._stepped(wall_s, mono_s)
        passed_s = mono_s - self._looked_s
        self._looked_s, self._offset_s = mono_s, wall_s - mono_s
        error_ms = self._discipline(wall_s)
        self._disciplined = error_ms is not None
        if error_ms is not None:
            self._set_by, self._error_ms, self._lost = TimeSource.NTP, error_ms, TimeSource.HOLDOVER
        elif before_s is not None and stepped:
            self._set_by, self._going_on = None, False
            if self._offset_s < before_s:
                self._lost = TimeSource.NONE
            else:
                self._known = True
        elif before_s is None:
            self._set_by = TimeSource.RTC if self._set_from_rtc(wall_s, mono_s) else None
        elif self._error_ms >= 0:
            self._error_ms += int(passed_s * 1000 * _DRIFT) + 1

    def _quality(self) -> tuple[TimeSource, int]:
        """Source and estimated error in ms, -1 where nobody tells it, of a clock that no event contradicts."""
        if self._disciplined:
            return TimeSource.NTP, self._error_ms
        if self._set_by is TimeSource.NTP:
            return TimeSource.HOLDOVER, self._error_ms
        if self._set_by is TimeSource.RTC:
            return TimeSource.RTC, -1
        return (TimeSource.HOLDOVER if self._known else TimeSource.NONE), -1

    def _discipline(self, wall_s: float) -> int | None:
        """Estimated error in ms if something disciplines the clock now (-1: unknown), None if nothing does."""
        error_ms = self._kernel_error_ms()
        if error_ms is not None:
            return error_ms
        # ProtectClock= keeps a hardened unit from asking the kernel; then timesyncd's file is what is left.
        try:
            touched_s = self._timesyncd.stat().st_mtime
        except OSError:
            return None
        return -1 if abs(wall_s - touched_s) <= _TIMESYNCD_FRESH_S else None

    def _set_from_rtc(self, wall_s: float, mono_s: float) -> bool:
        """Whether the clock still goes as a battery-backed one does, from which the kernel set it."""
        allowed_s = _STEP_S + mono_s * _DRIFT
        return any(
            rtc.set_clock and rtc.at_s is not None and abs(wall_s - rtc.at_s) <= allowed_s for rtc in self._rtcs()
        )

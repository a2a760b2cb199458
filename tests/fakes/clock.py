"""A clock that moves only when told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from kazasu.model.moment import Moment, TimeSource

START = datetime(2026, 4, 1, 8, 30, tzinfo=UTC)


class FakeClock:
    """Implements the Clock seam; wall and monotonic time move together, except in `step`."""

    def __init__(self, at: datetime = START, source: TimeSource = TimeSource.NTP) -> None:
        self.at = at
        self.source = source
        self.boot = "b" * 32
        self.newest: list[Moment] = []
        self._mono_s = 1000.0

    def now(self) -> Moment:
        return Moment(at=self.at, source=self.source, error_ms=5, boot=self.boot, mono_ms=round(self._mono_s * 1000))

    def mono_s(self) -> float:
        return self._mono_s

    def recorded(self, moment: Moment) -> None:
        """Note it, and nothing else: a test that moves the clock back means it."""
        self.newest.append(moment)

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.at += timedelta(seconds=seconds)
        self._mono_s += seconds

    def reboot(self, off_s: float = 20) -> None:
        """Switch off for so long and start again: another boot, whose monotonic clock begins anew."""
        self.at += timedelta(seconds=off_s)
        self.boot = f"{int(self.boot, 16) + 1:032x}"
        self._mono_s = 5.0

    def step(self, seconds: float) -> None:
        """Set the wall clock, as NTP does; no time passes."""
        self.at += timedelta(seconds=seconds)

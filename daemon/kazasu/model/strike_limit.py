"""The second limit: cuts a lock that somebody was let through, and that is never locked again.

It knows nothing of doors: it sees what the lock is told and the monotonic clock, and shares no timer and no state with
model/door.py. A coil made for seconds burns when it is on for hours, and a strike stuck on is an open door.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from kazasu.model.door_outcome import LockOutput


class StrikeLimit:
    """Bounds each release by itself; one that lasts by schedule, operator or fire is not its business.

    Args:
        longest_s: of one release, more than 0.
    """

    def __init__(self, longest_s: float) -> None:
        if longest_s <= 0:
            raise ValueError("a limit of nothing would let nobody through")
        self._longest_s = longest_s
        self._release: int | None = None
        self._ends_s = 0.0
        self._cut: int | None = None

    @property
    def cut(self) -> bool:
        """Whether it holds the lock locked against what the lock is told."""
        return self._cut is not None

    @property
    def wake_at_s(self) -> float | None:
        """When to ask again, monotonic seconds; None if nothing is bounded now."""
        return None if self._release is None or self.cut else self._ends_s

    def limited(self, wanted: LockOutput, mono_s: float) -> LockOutput:
        """What the lock gets of what it is told.

        What was cut stays so until the lock is told to lock, or is released anew or lastingly.

        Args:
            wanted: what it is told now.
            mono_s: now.
        """
        if not wanted.released or wanted.lasting:
            self._release = self._cut = None
            return wanted
        if wanted.release != self._release:
            self._release, self._ends_s, self._cut = wanted.release, mono_s + self._longest_s, None
        if mono_s >= self._ends_s:
            self._cut = wanted.release
        if self._cut is None:
            return wanted
        return msgspec.structs.replace(wanted, released=False, energised=not wanted.energised)

"""The time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from kazasu.model.moment import Moment


class Clock(Protocol):
    """Time, handed in. Any thread."""

    def now(self) -> Moment:
        """The present moment, with its quality."""
        ...

    def mono_s(self) -> float:
        """Seconds since boot, suspended time included: for durations."""
        ...

    def recorded(self, moment: Moment) -> None:
        """The journal's newest event is of this moment: from here on only NTP gives an earlier time."""
        ...

"""A finger on a keypad's wires: keys go down and up at their times, on a clock that goes only while somebody waits."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

    from fakes.clock import FakeClock
    from fakes.wires import Wires

_EXACT_S = 1e-9  # a sum of floats is the time it should be, but for this
_SOMEBODY_ELSES_S = 60.0  # whoever waits so long with nothing to come waits for another thread


class Finger:
    """Implements the two waits of MatrixKeypad.

    Attributes:
        last_s: when the last thing happens.
    """

    def __init__(self, clock: FakeClock, wires: Wires) -> None:
        self._clock, self._wires = clock, wires
        self._happens: list[tuple[float, Callable[[], None]]] = []
        self.last_s = -math.inf

    def holds(self, keys: set[tuple[int, int]], from_s: float) -> None:
        """These keys, by row and column, and no others are down from then on."""
        self.does(lambda: self._wires.set_down(keys), from_s)

    def does(self, what: Callable[[], None], at_s: float) -> None:
        self._happens.append((at_s, what))
        self.last_s = at_s
        self.sleep(0)

    def sleep(self, seconds: float) -> None:
        self._clock.advance(seconds)
        while self._happens and self._happens[0][0] <= self._clock.mono_s() + _EXACT_S:
            self._happens.pop(0)[1]()

    def wait(self, event: threading.Event, seconds: float) -> None:
        ends_s = self._clock.mono_s() + seconds
        if not self._happens and seconds >= _SOMEBODY_ELSES_S:
            event.wait(seconds)
        while not event.is_set() and (left_s := ends_s - self._clock.mono_s()) > 0:
            self.sleep(min(left_s, self._happens[0][0] - self._clock.mono_s()) if self._happens else left_s)

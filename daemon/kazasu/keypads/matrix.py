"""A keypad of four rows and four columns on the header: scanned while somebody may press a key, and at no other time.

    1 2 3 A        # is Enter, * takes a digit back, C cancels; A, B and D mean nothing
    4 5 6 B
    7 8 9 C
    * 0 # D

Two keys at once can be told apart, three cannot: a matrix without diodes then shows a fourth that nobody presses.
"""

from __future__ import annotations

import contextlib
import threading
import time
from typing import TYPE_CHECKING, Final, Protocol

from kazasu.errors import KeypadUnavailable, OutputError
from kazasu.model.key import BY_LABEL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kazasu.model.key import Key

_SCAN_S: Final = 0.005
_REST_SCAN_S: Final = 0.02  # while no key is down; where codes are entered that is all day long
_BOUNCE_S: Final = 0.02  # membrane contacts chatter for up to 10 ms; a quick press lasts 60
_MOST_AT_ONCE: Final = 2

_LEGEND: Final = ("123A", "456B", "789C", "*0#D")

Crossing = tuple[int, int]


class Matrix(Protocol):
    """The wires of a keypad."""

    def scan(self) -> frozenset[Crossing]:
        """Row and column, from 0, of each key that is down.

        Raises:
            OutputError: a pin cannot be used.
        """
        ...


class MatrixKeypad:
    """Implements ports.WakeableKeypad.

    Args:
        matrix: four rows, top first, and four columns, left first.
        mono_s: monotonic seconds.
        sleep: waits so many seconds.
    """

    def __init__(
        self, matrix: Matrix, *, mono_s: Callable[[], float], sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._matrix = matrix
        self._mono_s = mono_s
        self._sleep = sleep
        self._down: frozenset[Crossing] = frozenset()
        self._seen: frozenset[Crossing] = frozenset()
        self._since_s = 0.0
        self._woken = threading.Event()

    @contextlib.contextmanager
    def listen(self) -> Iterator[None]:
        """See ports.Keypad; a key that is held already does not count."""
        self._down = self._seen = self._scan()
        self._since_s = self._mono_s()
        yield
        self._down = self._seen = frozenset()

    def key(self, timeout_s: float) -> Key | None:
        """See ports.Keypad."""
        ends_s = self._mono_s() + timeout_s
        while not self._woken.is_set():
            pressed = self._settled()
            if pressed is not None:
                row, column = pressed
                return BY_LABEL.get(_LEGEND[row][column])
            left_s = ends_s - self._mono_s()
            if left_s <= 0:
                return None
            self._sleep(min(_SCAN_S if self._seen else _REST_SCAN_S, left_s))
        self._woken.clear()
        return None

    def wake(self) -> None:
        """See ports.WakeableKeypad."""
        self._woken.set()

    def _settled(self) -> Crossing | None:
        """The key that went down, once it has stayed so for long enough."""
        seen, now_s = self._scan(), self._mono_s()
        if seen != self._seen:
            self._seen, self._since_s = seen, now_s
        if seen == self._down or now_s - self._since_s < _BOUNCE_S:
            return None
        fresh, self._down = seen - self._down, seen
        if len(fresh) != 1 or len(seen) > _MOST_AT_ONCE:
            return None
        (pressed,) = fresh
        return pressed

    def _scan(self) -> frozenset[Crossing]:
        try:
            return self._matrix.scan()
        except OutputError as error:
            raise KeypadUnavailable(str(error)) from error

"""A keypad of four rows and four columns on the header: scanned while a key is down, and waited for at all other times.

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
    from contextlib import AbstractContextManager

    from kazasu.model.key import Key

_SCAN_S: Final = 0.005
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

    def watch(self, touched: Callable[[], None]) -> AbstractContextManager[Callable[[], bool]]:
        """Tell each time a key may have gone down; nothing is scanned meanwhile.

        Args:
            touched: told so, by another thread, also of bounce and noise.

        Returns:
            Whether any key is down now, whichever it is.

        Raises:
            OutputError: a pin cannot be used.
        """
        ...


class MatrixKeypad:
    """Implements ports.keypads.WakeableKeypad.

    Args:
        matrix: four rows, top first, and four columns, left first.
        mono_s: monotonic seconds.
        sleep: waits so many seconds.
        wait: waits for an event, so many seconds at most.
    """

    def __init__(
        self,
        matrix: Matrix,
        *,
        mono_s: Callable[[], float],
        sleep: Callable[[float], None] = time.sleep,
        wait: Callable[[threading.Event, float], object] = threading.Event.wait,
    ) -> None:
        self._matrix = matrix
        self._mono_s = mono_s
        self._sleep = sleep
        self._wait = wait
        self._down: frozenset[Crossing] = frozenset()
        self._seen: frozenset[Crossing] = frozenset()
        self._since_s = 0.0
        self._woken = threading.Event()
        self._news = threading.Event()

    @contextlib.contextmanager
    def listen(self) -> Iterator[None]:
        """See ports.keypads.Keypad; a key that is held already does not count."""
        with _unavailable_if_broken():
            self._down = self._seen = self._matrix.scan()
        self._since_s = self._mono_s()
        yield
        self._down = self._seen = frozenset()

    def key(self, timeout_s: float) -> Key | None:
        """See ports.keypads.Keypad."""
        ends_s = self._mono_s() + timeout_s
        with _unavailable_if_broken():
            while not self._woken.is_set():
                if not (self._down or self._seen or self._touched(ends_s)):
                    break
                pressed = self._settled()
                if pressed is not None:
                    row, column = pressed
                    return BY_LABEL.get(_LEGEND[row][column])
                left_s = ends_s - self._mono_s()
                if left_s <= 0:
                    return None
                self._sleep(min(_SCAN_S, left_s))
        self._woken.clear()
        return None

    def wake(self) -> None:
        """See ports.keypads.WakeableKeypad."""
        self._woken.set()
        self._news.set()

    def _touched(self, ends_s: float) -> bool:
        """Wait until a key is down; False if the time ran out first, or somebody ended it."""
        with self._matrix.watch(self._news.set) as any_down:
            while True:
                self._news.clear()
                if any_down():
                    return True
                left_s = ends_s - self._mono_s()
                if left_s <= 0 or self._woken.is_set():
                    return False
                self._wait(self._news, left_s)

    def _settled(self) -> Crossing | None:
        """The key that went down, once it has stayed so for long enough."""
        seen, now_s = self._matrix.scan(), self._mono_s()
        if seen != self._seen:
            self._seen, self._since_s = seen, now_s
        if seen == self._down or now_s - self._since_s < _BOUNCE_S:
            return None
        fresh, self._down = seen - self._down, seen
        if len(fresh) != 1 or len(seen) > _MOST_AT_ONCE:
            return None
        (pressed,) = fresh
        return pressed


@contextlib.contextmanager
def _unavailable_if_broken() -> Iterator[None]:
    try:
        yield
    except OutputError as error:
        raise KeypadUnavailable(str(error)) from error

"""A keypad whose time is a clock's that a test moves."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from kazasu.errors import KeypadUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fakes.clock import FakeClock
    from kazasu.model.key import Key


class FakeKeypad:
    """Implements the WakeableKeypad seam; a wait takes no time that anybody could be woken from.

    Args:
        clock: moves on to the next key, or to the end of a wait.

    Attributes:
        unplugged: there is none, from now on.
        times_listened: how often somebody listened.
        on_wait: called before each wait for a key.
    """

    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock
        self._pressed: list[tuple[float, Key]] = []
        self._listening = False
        self.unplugged = False
        self.times_listened = 0
        self.on_wait: Callable[[], object] = lambda: None

    def press(self, *keys: Key, every_s: float = 0.0) -> None:
        """Press these, the first after `every_s` seconds from the last or from now."""
        at_s = max([self._clock.mono_s(), *(at_s for at_s, _ in self._pressed)])
        for key in keys:
            at_s += every_s
            self._pressed.append((at_s, key))

    @contextlib.contextmanager
    def listen(self) -> Iterator[None]:
        self._expect_plugged()
        self._pressed = [(at_s, key) for at_s, key in self._pressed if at_s > self._clock.mono_s()]
        self._listening = True
        self.times_listened += 1
        try:
            yield
        finally:
            self._listening = False

    def key(self, timeout_s: float) -> Key | None:
        assert self._listening
        self.on_wait()
        self._expect_plugged()
        now_s = self._clock.mono_s()
        if not self._pressed or self._pressed[0][0] > now_s + timeout_s:
            self._clock.advance(timeout_s)
            return None
        at_s, key = self._pressed.pop(0)
        self._clock.advance(max(0.0, at_s - now_s))
        return key

    def wake(self) -> None:
        """Nobody waits."""

    def _expect_plugged(self) -> None:
        if self.unplugged:
            raise KeypadUnavailable("the keypad was unplugged")

"""Outputs that remember, and a condition whose waits take no time."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, NamedTuple

from kazasu.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from fakes.clock import FakeClock
    from kazasu.model.cue import Channel


class Shown(NamedTuple):
    """What was shown, and when."""

    on: frozenset[Channel]
    mono_s: float


class RecordingOutput:
    """Implements the Output seam and keeps its whole history; a change is what it records, as a pin does.

    Attributes:
        history: every change, oldest first; what is before the first is off.
        failure: raised by `show` once a test sets it.
    """

    def __init__(self, mono_s: Callable[[], float]) -> None:
        self.history: list[Shown] = []
        self.failure: OutputError | None = None
        self._mono_s = mono_s
        self._closed = False
        self._changed = threading.Condition()

    @property
    def on(self) -> frozenset[Channel]:
        """What is on now."""
        return self.history[-1].on if self.history else frozenset()

    def show(self, on: frozenset[Channel]) -> None:
        if self._closed:
            raise OutputError("the output was closed")
        if self.failure is not None:
            raise self.failure
        self._note(on)

    def close(self) -> None:
        self._note(frozenset())
        self._closed = True

    def wait_for(self, on: frozenset[Channel], timeout_s: float = 30.0) -> bool:
        """Wait until exactly these are on; False if the time runs out first."""
        with self._changed:
            return self._changed.wait_for(lambda: self.on == on, timeout_s)

    def _note(self, on: frozenset[Channel]) -> None:
        with self._changed:
            if on != self.on:
                self.history.append(Shown(on, self._mono_s()))
                self._changed.notify_all()


class ScriptedCondition(threading.Condition):
    """A condition whose waits end at once: the clock moves to their end, or to the next thing that happens before it.

    Args:
        clock: moves.
        script: what happens, each at its time in seconds from now, in order; the last has to stop the loop.
    """

    def __init__(self, clock: FakeClock, script: list[tuple[float, Callable[[], None]]]) -> None:
        super().__init__()
        self._clock = clock
        start_s = clock.mono_s()
        self._script = [(start_s + at_s, happens) for at_s, happens in script]
        self.waits = 0

    def wait(self, timeout: float | None = None) -> bool:
        assert timeout is not None, "a loop has to beat"
        assert self._script, "nothing is left that would stop the loop"
        self.waits += 1
        assert self.waits < 10_000, "the loop goes round without time passing"
        now_s = self._clock.mono_s()
        at_s, happens = self._script[0]
        if at_s > now_s + timeout:
            self._clock.advance(timeout)
            return False
        self._clock.advance(at_s - now_s)
        del self._script[0]
        happens()
        return True

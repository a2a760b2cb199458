"""The one player of cues. The first frame is shown by whoever plays; the following ones by the player's thread."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from kazasu.errors import OutputError
from kazasu.outputs.timeline import Timeline

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from kazasu.model.cue import Cue, CueName
    from kazasu.ports.loops import Beat
    from kazasu.ports.outputs import Output

_IDLE_S = 10.0  # the longest a loop may be silent: see ports.loops.Beat


class Player:
    """Implements ports.outputs.CuePlayer and ports.loops.Loop.

    An output that fails never raises into a tap: the tap is recorded already, and its event still has to be published.
    The failure is kept, and `run` ends the process with it.

    Args:
        cues: every cue.
        output: what they are shown on; closed by whoever opened it.
        mono_s: monotonic seconds.
        condition: what the thread sleeps on.
    """

    def __init__(
        self,
        cues: Mapping[CueName, Cue],
        output: Output,
        *,
        mono_s: Callable[[], float],
        condition: threading.Condition | None = None,
    ) -> None:
        self._timeline = Timeline(cues)
        self._output = output
        self._mono_s = mono_s
        self._changed = condition or threading.Condition()
        self._failure: OutputError | None = None
        self._stopped = False

    @property
    def resting(self) -> bool:
        """Nothing plays but the cue at rest."""
        with self._changed:
            return self._timeline.resting

    def play(self, name: CueName) -> None:
        """Begin at once; see ports.outputs.CuePlayer."""
        with self._changed:
            self._timeline.play(name, self._mono_s())
            self._show()
            self._changed.notify()

    def rest(self, name: CueName) -> None:
        """Set what is shown while nothing else plays; see ports.outputs.CuePlayer."""
        with self._changed:
            self._timeline.rest(name, self._mono_s())
            self._show()
            self._changed.notify()

    def run(self, beat: Beat) -> None:
        """Show the following frames, each at its time; see ports.loops.Loop.

        Raises:
            OutputError: the output failed, here or in `play`.
        """
        while True:
            with self._changed:
                self._timeline.advance(self._mono_s())
                self._show()
            beat()
            with self._changed:
                if self._failure is not None:
                    raise self._failure
                if self._stopped:
                    return
                self._changed.wait(self._sleep_s())

    def stop(self) -> None:
        """Make `run` return; what is shown stays until the output is closed."""
        with self._changed:
            self._stopped = True
            self._changed.notify()

    def _show(self) -> None:
        if self._failure is not None or self._stopped:
            return
        try:
            self._output.show(self._timeline.on)
        except OutputError as error:
            self._failure = error

    def _sleep_s(self) -> float:
        until_s = self._timeline.until_s
        return _IDLE_S if until_s is None else min(_IDLE_S, max(0.0, until_s - self._mono_s()))

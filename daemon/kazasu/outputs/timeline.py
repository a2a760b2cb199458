"""Which frame is on when: the player without its thread, its clock and its outputs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kazasu.model.cue import OF_DOORS
from kazasu.outputs.rhythm import LIGHTS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kazasu.model.cue import Channel, Cue, CueName


class Timeline:
    """One cue at a time; when it has ended, the cue at rest.

    Each frame is held at least its time. A thread that comes late makes a cue longer and never skips a frame: the
    number of pulses is what tells cues apart.

    A cue that comes to rest here is shown once with its sound; from then on it repeats as light only, because people
    work beside a terminal that is out of order all night. Playing it (a tap does) lets it sound again. A door that
    stands open is another matter: its cues sound until somebody has closed it.

    Attributes:
        on: the channels that are on.
        until_s: when to call `advance`, in the caller's monotonic seconds; None if nothing changes by itself.
        resting: nothing plays but the cue at rest.
    """

    def __init__(self, cues: Mapping[CueName, Cue]) -> None:
        self._cues = cues
        self._rest: Cue | None = None
        self._cue: Cue | None = None
        self._index = 0
        self._aloud = False
        self.on: frozenset[Channel] = frozenset()
        self.until_s: float | None = None
        self.resting = True

    def play(self, name: CueName, now_s: float) -> None:
        """Begin a cue, whatever is playing."""
        self._begin(self._cues[name], now_s, resting=False, aloud=True)

    def rest(self, name: CueName, now_s: float) -> None:
        """Set the cue at rest; a cue that plays is played to its end first."""
        cue = self._cues[name]
        if cue is self._rest:
            return
        self._rest = cue
        if self.resting:
            self._begin(cue, now_s, resting=True, aloud=True)

    def advance(self, now_s: float) -> None:
        """Go on to the next frame if it is time."""
        if self._cue is None or self.until_s is None or now_s < self.until_s:
            return
        if self._index + 1 < len(self._cue.frames):
            self._index += 1
            self._hold(self._cue, now_s)
        elif self._cue.repeat and not self.resting:
            self._begin(self._cue, now_s, resting=False, aloud=True)
        else:
            self._begin(self._rest, now_s, resting=True, aloud=self._rest is not None and self._rest.name in OF_DOORS)

    def _begin(self, cue: Cue | None, now_s: float, *, resting: bool, aloud: bool) -> None:
        self._cue, self._index, self._aloud, self.resting = cue, 0, aloud, resting
        if cue is None:
            self.on, self.until_s = frozenset(), None
        else:
            self._hold(cue, now_s)

    def _hold(self, cue: Cue, now_s: float) -> None:
        frame = cue.frames[self._index]
        self.on = frame.on if self._aloud else frame.on & LIGHTS
        steady = len(cue.frames) == 1 and not self._aloud
        self.until_s = None if steady else now_s + frame.ms / 1000

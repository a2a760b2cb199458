"""What people see and hear while nobody's tap is answered: the cue at rest, and the keypad's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kazasu.model.alarm import Alarm
from kazasu.model.cue import CueName
from kazasu.model.input import CodeAbandoned, KeyTaken, PinAsked, PinEnded, ReaderState

if TYPE_CHECKING:
    from collections.abc import Callable

    from kazasu.model.input import ReaderChanged
    from kazasu.ports.captions import Captions
    from kazasu.ports.outputs import CuePlayer

_OF_ALARM = {
    Alarm.FORCED_OPEN: CueName.HELD_OPEN,
    Alarm.HELD_OPEN: CueName.HELD_OPEN,
    Alarm.HELD: CueName.HELD,
    Alarm.FAULT: CueName.FAULT,
    Alarm.TAMPER: CueName.FAULT,
}
"""What a door's alarm shows and sounds; of a fire the fire alarm tells, and louder."""


class Showing:
    """Light, sound and words of a terminal. The terminal's thread only.

    Args:
        cues: light and sound.
        captions: words.
        able: whether events can be recorded.
        alarm: the gravest of all doors.
    """

    def __init__(
        self,
        cues: CuePlayer,
        captions: Captions,
        *,
        able: Callable[[], bool],
        alarm: Callable[[], Alarm | None],
    ) -> None:
        self._cues = cues
        self._captions = captions
        self._able = able
        self._alarm = alarm
        self._missing: set[str] = set()
        self._pin_asked = False

    def play(self, cue: CueName) -> None:
        """Play a cue, and say it in words."""
        self._cues.play(cue)
        self._captions.cue(cue)

    def keypad(self, item: PinAsked | KeyTaken | PinEnded | CodeAbandoned) -> None:
        """Answer what happens at the keypad."""
        match item:
            case PinAsked():
                self._wait_for_pin(asked=True)
                self.play(CueName.PIN)
            case KeyTaken(entered=digits, of_code=of_code):
                self._cues.play(CueName.KEY)
                self._captions.entered(digits, of_code=of_code)
            case CodeAbandoned():
                self._wait_for_pin(asked=False)
                self._captions.abandoned()
            case PinEnded():
                self._wait_for_pin(asked=False)
                self.play(CueName.READING)

    def reader_changed(self, change: ReaderChanged) -> None:
        """A terminal is in order while all its readers are there."""
        if change.state is ReaderState.MISSING:
            self._missing.add(change.reader)
        else:
            self._missing.discard(change.reader)
        self.rest()

    def rest(self) -> None:
        """Show what is so while nobody does anything."""
        cue, alarm = CueName.READY, None
        if self._pin_asked:
            cue = CueName.PIN
        elif self._missing or not self._able():
            cue = CueName.FAULT
        elif (alarm := self._alarm()) is not None:
            cue = _OF_ALARM.get(alarm, CueName.READY)
        self._cues.rest(cue)
        self._captions.rest(cue, alarm)

    def _wait_for_pin(self, *, asked: bool) -> None:
        """While a PIN is waited for, that is what rests: a key's cue ends, and the request still stands."""
        self._pin_asked = asked
        self.rest()

"""A card's PIN from a keypad: masked, with an end, and kept nowhere (rule 7)."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from kazasu.errors import KeypadUnavailable
from kazasu.keypads.digits import DigitEntry, wipe
from kazasu.model.input import KeyTaken, PinAsked, PinEnded

if TYPE_CHECKING:
    from collections.abc import Callable

    from kazasu.ports.health import Health
    from kazasu.ports.inbox import Inbox
    from kazasu.ports.keypads import Keypad

_LOOK_S: Final = 0.5
_DARK_AGAIN_S: Final = 0.45  # the light of a key's cue is out by then, and the answer's own begins in the dark


class PinEntry:
    """Implements ports.readers.PinSource.

    Args:
        keypad: what is typed on.
        inbox: is told that a PIN is asked for, that a key was taken, and that it is over; never which keys.
        health: hears of a keypad that is not there.
        mono_s: monotonic seconds.
        timeout_s: how long people have for the whole PIN.
        sleep: waits so many seconds.
    """

    def __init__(
        self,
        keypad: Keypad,
        inbox: Inbox,
        health: Health,
        *,
        mono_s: Callable[[], float],
        timeout_s: float,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._keypad = keypad
        self._inbox = inbox
        self._health = health
        self._mono_s = mono_s
        self._digits = DigitEntry(keypad, mono_s=mono_s, timeout_s=timeout_s)
        self._sleep = sleep
        self._last_key_s = 0.0

    def ask(self, tries_left: int, length: range, meanwhile: Callable[[], None]) -> str | None:
        """See ports.readers.PinSource; without a keypad nobody can finish."""
        try:
            with self._keypad.listen():
                self._health.clear("keypad")
                self._inbox.put(PinAsked(tries_left=tries_left))
                self._last_key_s = self._mono_s() - _DARK_AGAIN_S
                try:
                    return self._entered(length, meanwhile)
                finally:
                    self._sleep(max(0.0, self._last_key_s + _DARK_AGAIN_S - self._mono_s()))
                    self._inbox.put(PinEnded())
        except KeypadUnavailable as error:
            self._health.alert("keypad", str(error))
            return None

    def _entered(self, length: range, meanwhile: Callable[[], None]) -> str | None:
        digits = bytearray()
        try:
            done = self._digits.fill(digits, length, self._taken, meanwhile=meanwhile, every_s=_LOOK_S)
            return digits.decode("ascii") if done else None
        finally:
            wipe(digits)

    def _taken(self, entered: int) -> None:
        self._last_key_s = self._mono_s()
        self._inbox.put(KeyTaken(entered=entered))

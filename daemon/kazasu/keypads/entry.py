"""A PIN from a keypad: masked, with an end, and kept nowhere (rule 7).

Enter ends it, and nothing else does: a wrong digit can be taken back, since each try counts. Each key that is taken
gives its cue; one that would make the PIN too long, or Enter before it is long enough, gives none and does nothing.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from kazasu.errors import KeypadUnavailable
from kazasu.model.input import KeyTaken, PinAsked, PinEnded
from kazasu.model.key import Key

if TYPE_CHECKING:
    from collections.abc import Callable

    from kazasu.ports import Health, Inbox, Keypad

_LOOK_S: Final = 0.5
_MOST_KEYS: Final = 64  # a key that is stuck, or a device that makes them up, must not fill the terminal's queue
_DARK_AGAIN_S: Final = 0.45  # the light of a key's cue is out by then, and the answer's own begins in the dark


class PinEntry:
    """Implements ports.PinSource.

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
        self._timeout_s = timeout_s
        self._sleep = sleep
        self._last_key_s = 0.0

    def ask(self, tries_left: int, length: range, meanwhile: Callable[[], None]) -> str | None:
        """See ports.PinSource; without a keypad nobody can finish."""
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
            return digits.decode("ascii") if self._fill(digits, length, meanwhile) else None
        finally:
            digits[:] = bytes(len(digits))

    def _fill(self, digits: bytearray, length: range, meanwhile: Callable[[], None]) -> bool:
        """Take keys into `digits` until Enter; False if it came to nothing."""
        now_s = self._mono_s()
        deadline_s, look_s, taken = now_s + self._timeout_s, now_s + _LOOK_S, 0
        while now_s < deadline_s and taken < _MOST_KEYS:
            if now_s >= look_s:
                meanwhile()
                look_s = now_s + _LOOK_S
            key = self._keypad.key(min(look_s, deadline_s) - now_s)
            now_s = self._mono_s()
            if key is Key.CANCEL:
                return False
            if key is Key.ENTER and len(digits) in length:
                return True
            if key is not None and _change(digits, key, length):
                taken += 1
                self._last_key_s = now_s
                self._inbox.put(KeyTaken(entered=len(digits)))
        return False


def _change(digits: bytearray, key: Key, length: range) -> bool:
    """Let a key do what it does; whether it did anything."""
    if key is Key.BACKSPACE and digits:
        digits[-1] = 0
        del digits[-1]
        return True
    if key.is_digit and len(digits) < length.stop - 1:
        digits += key.value.encode("ascii")
        return True
    return False

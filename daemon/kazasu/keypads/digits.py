"""Digits from a keypad until Enter, for whatever they are: a card's PIN, a code, its PIN.

Enter ends them, and nothing else does: a wrong digit can be taken back, since each try counts. Each key that is taken
is told, so that it gives its cue; one that would make too many digits, or Enter before there are enough, is not, and
does nothing. Which keys they were, nobody is told (rule 7).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from kazasu.model.key import Key

if TYPE_CHECKING:
    from collections.abc import Callable

    from kazasu.ports.keypads import Keypad

_MOST_KEYS: Final = 64  # a key that is stuck, or a device that makes them up, must not fill the terminal's queue


class DigitEntry:
    """Asks for digits again and again.

    Args:
        keypad: listened to by whoever asks.
        mono_s: monotonic seconds.
        timeout_s: how long people have, each time.
    """

    def __init__(self, keypad: Keypad, *, mono_s: Callable[[], float], timeout_s: float) -> None:
        self._keypad = keypad
        self._mono_s = mono_s
        self._timeout_s = timeout_s

    def fill(
        self,
        digits: bytearray,
        length: range,
        taken: Callable[[int], None],
        *,
        meanwhile: Callable[[], None],
        every_s: float,
    ) -> bool:
        """Take keys into `digits` until Enter; False if it came to nothing.

        Args:
            digits: ASCII; its owner wipes it.
            length: how many there may be.
            taken: told after each key how many there are.
            meanwhile: called now and then; what it raises ends the wait.
            every_s: how often.

        Raises:
            KeypadUnavailable: it is gone.
        """
        now_s = self._mono_s()
        deadline_s, look_s, keys = now_s + self._timeout_s, now_s + every_s, 0
        while now_s < deadline_s and keys < _MOST_KEYS:
            if now_s >= look_s:
                meanwhile()
                look_s = now_s + every_s
            key = self._keypad.key(min(look_s, deadline_s) - now_s)
            now_s = self._mono_s()
            if key is Key.CANCEL:
                return False
            if key is Key.ENTER and len(digits) in length:
                return True
            if key is not None and _change(digits, key, length):
                keys += 1
                taken(len(digits))
        return False


def wipe(digits: bytearray) -> None:
    """Leave none of them in memory."""
    digits[:] = bytes(len(digits))


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

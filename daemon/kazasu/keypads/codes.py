"""People without a card: a code and its PIN from the keypad, while no card asks for one.

Digits, Enter, the PIN, Enter: what comes of it is one read, as of a card, and from there on nothing differs. What was
entered is kept nowhere (rule 7).
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Final

from kazasu.errors import KeypadUnavailable
from kazasu.keypads.digits import DigitEntry, wipe
from kazasu.keypads.turns import KeypadTaken
from kazasu.model.code import CODE_DIGITS, PIN_DIGITS
from kazasu.model.input import CodeAbandoned, KeyTaken, PinAsked, PinEnded

if TYPE_CHECKING:
    from collections.abc import Callable

    from kazasu.keypads.code_check import CodeCheck, Entered
    from kazasu.keypads.turns import Turns
    from kazasu.ports.health import Health
    from kazasu.ports.inbox import Inbox
    from kazasu.ports.loops import Beat

_IDLE_S: Final = 10.0  # the longest a loop may be silent: see ports.loops.Beat
_MISSING_S: Final = 5.0  # a keypad that is not there is looked for again after this time
_DARK_AGAIN_S: Final = 0.45  # the light of a key's cue is out by then, and the answer's own begins in the dark


class CodeLoop:
    """Implements ports.loops.Loop.

    Args:
        turns: the keypad.
        inbox: the terminal's.
        health: hears of a keypad that is not there.
        check: says whose an entry is.
        mono_s: monotonic seconds.
        timeout_s: how long people have for the code, and again for the PIN.
        sleep: waits so many seconds.
    """

    def __init__(
        self,
        turns: Turns,
        inbox: Inbox,
        health: Health,
        check: CodeCheck,
        *,
        mono_s: Callable[[], float],
        timeout_s: float,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._turns = turns
        self._keypad = turns.for_codes
        self._inbox = inbox
        self._health = health
        self._check = check
        self._mono_s = mono_s
        self._digits = DigitEntry(self._keypad, mono_s=mono_s, timeout_s=timeout_s)
        self._sleep = sleep
        self._stopping = threading.Event()
        self._last_key_s = 0.0

    def run(self, beat: Beat) -> None:
        """Take entries until `stop`; see ports.loops.Loop."""
        while not self._stopping.is_set():
            beat()
            try:
                with self._keypad.listen():
                    self._health.clear("keypad")
                    entered = self._entry(beat)
            except KeypadTaken:
                self._turns.wait_until_free(_IDLE_S)
            except KeypadUnavailable as error:
                self._health.alert("keypad", str(error))
                self._stopping.wait(_MISSING_S)
            else:
                if entered is not None:  # the keypad is free meanwhile: a hash takes its time
                    self._inbox.put(self._check.read(entered))

    def stop(self) -> None:
        """Make `run` return."""
        self._stopping.set()
        self._turns.end()

    def _entry(self, beat: Beat) -> Entered | None:
        """Wait for a code and its PIN; None if nobody finished."""
        code, pin = bytearray(), bytearray()
        while not code:
            beat()
            first = self._keypad.key(_IDLE_S)
            if first is not None and first.is_digit:
                code += first.value.encode("ascii")
        try:
            entered = self._goes_on(code, pin, beat)
        except KeypadUnavailable:
            self._inbox.put(CodeAbandoned())
            raise
        finally:
            wipe(code)
            wipe(pin)
        self._inbox.put(CodeAbandoned() if entered is None else PinEnded())
        return entered

    def _goes_on(self, code: bytearray, pin: bytearray, beat: Beat) -> Entered | None:
        self._key_taken(len(code), of_code=True)
        if not self._fill(code, CODE_DIGITS, beat, of_code=True):
            return None
        self._inbox.put(PinAsked(tries_left=None))
        if not self._fill(pin, PIN_DIGITS, beat, of_code=False):
            return None
        self._sleep(max(0.0, self._last_key_s + _DARK_AGAIN_S - self._mono_s()))
        return self._check.entered(code, pin)

    def _fill(self, digits: bytearray, length: range, beat: Beat, *, of_code: bool) -> bool:
        def taken(entered: int) -> None:
            self._key_taken(entered, of_code=of_code)

        beat()
        return self._digits.fill(digits, length, taken, meanwhile=beat, every_s=_IDLE_S)

    def _key_taken(self, entered: int, *, of_code: bool) -> None:
        self._last_key_s = self._mono_s()
        self._inbox.put(KeyTaken(entered=entered, of_code=of_code))

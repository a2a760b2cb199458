"""A keypad by order: what waits for a listener, and what does not."""

from __future__ import annotations

from kazasu.keypads.simulated import SimulatedKeypad
from kazasu.model.key import Key


def test_what_is_ordered_early_waits_and_what_somebody_left_over_is_nobodys() -> None:
    keypad = SimulatedKeypad()
    keypad.press("12#")
    with keypad.listen():
        assert keypad.key(0) is Key.DIGIT_1
    with keypad.listen():
        assert keypad.key(0) is None
        keypad.press("*C")
        assert [keypad.key(0), keypad.key(0)] == [Key.BACKSPACE, Key.CANCEL]

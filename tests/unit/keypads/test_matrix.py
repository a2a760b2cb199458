"""A keypad on the header: bounce, held keys, two and three at once, and pins that never fight."""

from __future__ import annotations

import pytest

from fakes.clock import FakeClock
from fakes.wires import COLUMNS, ROWS, Wires
from kazasu.errors import KeypadUnavailable, OutputError
from kazasu.keypads.matrix import MatrixKeypad
from kazasu.model.cue import Channel
from kazasu.model.key import Key
from kazasu.outputs.gpio import GpioMatrix, GpioOutput, Header, Pin

ONE, TWO, FIVE, A, NINE = (0, 0), (0, 1), (1, 1), (0, 3), (2, 2)

Down = set[tuple[int, int]]


class Finger:
    """A keypad, and what happens on it: at a time in milliseconds, which keys are down from then on."""

    def __init__(
        self, *happens: tuple[float, set[tuple[int, int]]], before: set[tuple[int, int]] | None = None
    ) -> None:
        self.clock, self.wires = FakeClock(), Wires()
        self.wires.set_down(before or set())
        start_s = self.clock.mono_s()
        self._happens = [(start_s + ms / 1000, keys) for ms, keys in happens]
        self.header = Header(self.wires)
        self.matrix = GpioMatrix(ROWS, COLUMNS, self.header)
        self.keypad = MatrixKeypad(self.matrix, mono_s=self.clock.mono_s, sleep=self._sleep)

    def _sleep(self, seconds: float) -> None:
        self.clock.advance(seconds)
        while self._happens and self._happens[0][0] <= self.clock.mono_s() + 1e-9:
            self.wires.set_down(self._happens.pop(0)[1])

    def typed(self, seconds: float = 1.0) -> list[Key]:
        ends_s = self.clock.mono_s() + seconds
        keys = []
        with self.keypad.listen():
            while self.clock.mono_s() < ends_s - 1e-9:
                key = self.keypad.key(ends_s - self.clock.mono_s())
                keys += [] if key is None else [key]
        return keys


def test_a_press_is_one_key() -> None:
    assert Finger((100, {FIVE}), (200, set())).typed() == [Key.DIGIT_5]


def test_contacts_that_chatter_are_one_press() -> None:
    chatter = [(100 + ms, {FIVE} if ms // 5 % 2 == 0 else set()) for ms in range(0, 40, 5)]
    assert Finger(*chatter, (140, {FIVE}), (240, set()), (245, {FIVE}), (250, set())).typed() == [Key.DIGIT_5]


def test_a_touch_of_ten_milliseconds_is_no_press() -> None:
    assert Finger((100, {FIVE}), (110, set())).typed() == []


def test_a_key_that_is_held_counts_once() -> None:
    assert Finger((100, {FIVE})).typed(10) == [Key.DIGIT_5]


def test_a_key_that_was_held_before_is_no_press() -> None:
    assert Finger((300, set()), (400, {FIVE}), before={FIVE}).typed() == [Key.DIGIT_5]


def test_who_types_quickly_may_press_the_next_key_before_the_last_is_up() -> None:
    happens = [(100, {ONE}), (160, {ONE, TWO}), (200, {TWO}), (260, {TWO, NINE}), (300, {NINE}), (400, set())]
    assert Finger(*happens).typed() == [Key.DIGIT_1, Key.DIGIT_2, Key.DIGIT_9]


def test_three_at_once_are_none_since_a_fourth_would_appear() -> None:
    assert Finger((100, {ONE, TWO, (1, 0)}), (300, set())).typed() == []
    assert Finger((100, {ONE}), (200, {ONE, TWO, (1, 0)}), (300, set())).typed() == [Key.DIGIT_1]


def test_letters_without_a_meaning_are_none() -> None:
    assert Finger((100, {A}), (200, set())).typed() == []


def test_two_rows_are_never_driven_against_each_other() -> None:
    finger = Finger((100, {ONE, (1, 0)}), (300, set()))
    finger.typed()
    assert not finger.wires.fought
    assert all(finger.wires.pin(number).function == "input" for number in ROWS)


def test_its_pins_are_claimed_and_let_go() -> None:
    finger = Finger()
    with pytest.raises(OutputError, match="GPIO12 is used for"):
        GpioOutput({Channel.RED: Pin(number=12)}, finger.header)
    finger.matrix.close()


def test_pins_that_cannot_be_read_are_a_keypad_that_is_not_there() -> None:
    class Broken:
        def scan(self) -> frozenset[tuple[int, int]]:
            raise OutputError("the keypad cannot be read: Input/output error")

    keypad = MatrixKeypad(Broken(), mono_s=FakeClock().mono_s)
    with pytest.raises(KeypadUnavailable, match="Input/output error"), keypad.listen():
        pass

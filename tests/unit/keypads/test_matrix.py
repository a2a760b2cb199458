"""A keypad on the header: bounce, held keys, two and three at once, and a wait in which nothing is scanned."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pytest

from fakes.clock import FakeClock
from fakes.finger import Finger
from fakes.wires import COLUMNS, ROWS, Wires
from kazasu.errors import KeypadUnavailable, OutputError
from kazasu.keypads.matrix import MatrixKeypad
from kazasu.keypads.wires import GpioMatrix
from kazasu.model.key import Key
from kazasu.outputs.gpio import Header

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

ONE, TWO, FIVE, A, NINE = (0, 0), (0, 1), (1, 1), (0, 3), (2, 2)

Down = set[tuple[int, int]]


class Typist:
    """A keypad, and what happens on it: at a time in milliseconds, which keys are down from then on."""

    def __init__(self, *happens: tuple[float, Down], before: Down | None = None) -> None:
        self.clock, self.wires = FakeClock(), Wires()
        self.wires.set_down(before or set())
        self.start_s = self.clock.mono_s()
        self.finger = Finger(self.clock, self.wires)
        for ms, keys in happens:
            self.finger.holds(keys, self.start_s + ms / 1000)
        self.header = Header(self.wires)
        self.matrix = GpioMatrix(ROWS, COLUMNS, self.header)
        self.keypad = MatrixKeypad(
            self.matrix, mono_s=self.clock.mono_s, sleep=self.finger.sleep, wait=self.finger.wait
        )

    def typed(self, seconds: float = 1.0) -> list[Key]:
        ends_s = self.start_s + seconds
        keys = []
        with self.keypad.listen():
            self.wires.looks = 0
            while self.clock.mono_s() < ends_s - 1e-9:
                key = self.keypad.key(min(10.0, ends_s - self.clock.mono_s()))
                keys += [] if key is None else [key]
        return keys


def test_a_press_is_one_key() -> None:
    assert Typist((100, {FIVE}), (200, set())).typed() == [Key.DIGIT_5]


def test_contacts_that_chatter_are_one_press() -> None:
    chatter = [(100 + ms, {FIVE} if ms // 5 % 2 == 0 else set()) for ms in range(0, 40, 5)]
    assert Typist(*chatter, (140, {FIVE}), (240, set()), (245, {FIVE}), (250, set())).typed() == [Key.DIGIT_5]


def test_a_touch_of_ten_milliseconds_is_no_press_nor_are_two() -> None:
    assert Typist((100, {FIVE}), (110, set()), (900, {FIVE}), (910, set())).typed() == []


def test_a_key_that_is_held_counts_once() -> None:
    assert Typist((100, {FIVE})).typed(10) == [Key.DIGIT_5]


def test_a_key_that_was_held_before_is_no_press() -> None:
    assert Typist((300, set()), (400, {FIVE}), before={FIVE}).typed() == [Key.DIGIT_5]


def test_who_types_quickly_may_press_the_next_key_before_the_last_is_up() -> None:
    happens = [(100, {ONE}), (160, {ONE, TWO}), (200, {TWO}), (260, {TWO, NINE}), (300, {NINE}), (400, set())]
    assert Typist(*happens).typed() == [Key.DIGIT_1, Key.DIGIT_2, Key.DIGIT_9]


def test_three_at_once_are_none_since_a_fourth_would_appear() -> None:
    assert Typist((100, {ONE, TWO, (1, 0)}), (300, set())).typed() == []
    assert Typist((100, {ONE}), (200, {ONE, TWO, (1, 0)}), (300, set())).typed() == [Key.DIGIT_1]


def test_letters_without_a_meaning_are_none() -> None:
    assert Typist((100, {A}), (200, set())).typed() == []


@pytest.mark.parametrize("happens", [(), ((100.0, {FIVE}), (100.0, set()))], ids=["nothing", "noise on a wire"])
def test_while_no_key_is_down_nothing_is_scanned(happens: tuple[tuple[float, Down], ...]) -> None:
    typist = Typist(*happens)
    assert typist.typed(3600) == []
    assert typist.wires.looks == 0


def test_a_key_is_scanned_for_until_its_contacts_have_come_to_rest() -> None:
    typist = Typist((100, {FIVE}), (200, set()), (205, {FIVE}), (210, set()), (5000, {NINE}), (5100, set()))
    assert typist.typed(3600) == [Key.DIGIT_5, Key.DIGIT_9]
    # Down for 110 and 100 ms, and each time 20 ms at rest: 50 scans of 5 ms, and a few where times do not meet.
    assert typist.wires.looks <= 60 * len(ROWS) * len(COLUMNS)


def test_a_wake_ends_the_wait_at_once() -> None:
    typist = Typist()
    typist.finger.does(typist.keypad.wake, typist.start_s + 0.1)
    with typist.keypad.listen():
        assert typist.keypad.key(600) is None
        assert typist.clock.mono_s() == pytest.approx(typist.start_s + 0.1)


class Leaking:
    """Implements matrix.Matrix: water between the foils, that all rows together see and no single one does."""

    def __init__(self) -> None:
        self.scans = 0

    def scan(self) -> frozenset[tuple[int, int]]:
        self.scans += 1
        return frozenset()

    @contextlib.contextmanager
    def watch(self, touched: Callable[[], None]) -> Iterator[Callable[[], bool]]:
        yield lambda: True


def test_what_looks_like_a_key_and_is_none_keeps_no_processor_busy() -> None:
    clock, matrix = FakeClock(), Leaking()
    keypad = MatrixKeypad(matrix, mono_s=clock.mono_s, sleep=clock.advance)
    with keypad.listen():
        assert keypad.key(1) is None
    assert matrix.scans <= 210  # every 5 ms


class Broken:
    """Implements matrix.Matrix, on pins that fail."""

    def __init__(self, *, scans: int) -> None:
        self._scans = scans

    def scan(self) -> frozenset[tuple[int, int]]:
        self._scans -= 1
        if self._scans < 0:
            raise OutputError("the keypad cannot be read: Input/output error")
        return frozenset()

    def watch(self, touched: Callable[[], None]) -> AbstractContextManager[Callable[[], bool]]:
        raise OutputError("the keypad cannot be watched: Input/output error")


@pytest.mark.parametrize("scans", [0, 1])
def test_pins_that_cannot_be_used_are_a_keypad_that_is_not_there(scans: int) -> None:
    keypad = MatrixKeypad(Broken(scans=scans), mono_s=FakeClock().mono_s)
    with pytest.raises(KeypadUnavailable, match="Input/output error"), keypad.listen():
        keypad.key(1)

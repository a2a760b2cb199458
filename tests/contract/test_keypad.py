"""What every Keypad does: in the unit tests' memory, on USB, on the header, on a terminal, by order, shared by two.

On USB it is a pipe with the kernel's records where this machine has no /dev/uinput.
"""

from __future__ import annotations

import contextlib
import os
import pty
import select
import threading
import tty
from typing import TYPE_CHECKING

import pytest

from fakes.clock import FakeClock
from fakes.finger import Finger
from fakes.input_device import InputDevice
from fakes.keypad import FakeKeypad
from fakes.wires import COLUMNS, ROWS, Wires
from kazasu.errors import KeypadUnavailable
from kazasu.keypads.matrix import MatrixKeypad
from kazasu.keypads.simulated import SimulatedKeypad
from kazasu.keypads.tty import TtyKeypad
from kazasu.keypads.turns import Turns
from kazasu.keypads.usb import UsbKeypad
from kazasu.keypads.wires import GpioMatrix
from kazasu.model.key import BY_LABEL, Key
from kazasu.outputs.gpio import Header

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from kazasu.ports.keypads import Keypad, WakeableKeypad

LEGEND = "123A456B789C*0#D"
TYPED = {Key.ENTER: b"\n", Key.BACKSPACE: b"\x7f", Key.CANCEL: b"\x1b"}
EVERY = list(Key)


class Bench:
    """A keypad, and a finger on it."""

    def __init__(
        self,
        keypad: Keypad,
        press: Callable[[Key], None],
        unplug: Callable[[], None] | None,
        wakeable: WakeableKeypad | None = None,
    ) -> None:
        self.keypad = keypad
        self.press = press
        self.unplug = unplug
        self.wakeable = wakeable

    def pressed(self, *keys: Key) -> list[Key]:
        """Press these one after the other, and say what the keypad made of it."""
        taken = []
        for key in keys:
            self.press(key)
            for _ in range(8):
                found = self.keypad.key(0.1)
                taken += [] if found is None else [found]
                if found is not None:
                    break
        return taken


@contextlib.contextmanager
def in_memory(_: Path) -> Iterator[Bench]:
    keypad = FakeKeypad(FakeClock())
    yield Bench(keypad, keypad.press, lambda: setattr(keypad, "unplugged", True))


@contextlib.contextmanager
def on_usb(directory: Path) -> Iterator[Bench]:
    device = InputDevice(directory / "event0")
    with contextlib.closing(UsbKeypad(str(directory / "event*"), take=lambda _, __: None)) as keypad:
        yield Bench(keypad, device.press, device.unplug, keypad)


@contextlib.contextmanager
def on_the_header(_: Path) -> Iterator[Bench]:
    clock, wires = FakeClock(), Wires()
    finger = Finger(clock, wires)

    def press(key: Key) -> None:
        legend = {Key.ENTER: "#", Key.BACKSPACE: "*", Key.CANCEL: "C"}.get(key, key.value)
        down_s = max(clock.mono_s(), finger.last_s + 0.06)
        finger.holds({divmod(LEGEND.index(legend), 4)}, down_s)
        finger.holds(set(), down_s + 0.06)

    matrix = GpioMatrix(ROWS, COLUMNS, Header(wires))
    keypad = MatrixKeypad(matrix, mono_s=clock.mono_s, sleep=finger.sleep, wait=finger.wait)
    yield Bench(keypad, press, None, keypad)
    matrix.close()


@contextlib.contextmanager
def on_a_terminal(_: Path) -> Iterator[Bench]:
    screen, terminal = pty.openpty()
    tty.setcbreak(terminal)  # so that what was typed can be seen without a line's end
    keypad = TtyKeypad(os.ttyname(terminal))

    def press(key: Key) -> None:
        os.write(screen, TYPED.get(key, key.value.encode()))
        # The kernel hands it over when it likes.
        assert select.select([terminal], [], [], 10.0)[0]

    try:
        yield Bench(keypad, press, None)
    finally:
        os.close(screen)
        os.close(terminal)


def press_simulated(keypad: SimulatedKeypad) -> Callable[[Key], None]:
    return lambda key: keypad.press(next(label for label, meant in BY_LABEL.items() if meant is key))


@contextlib.contextmanager
def by_order(_: Path) -> Iterator[Bench]:
    keypad = SimulatedKeypad()
    yield Bench(keypad, press_simulated(keypad), None, keypad)


@contextlib.contextmanager
def shared_for_cards(directory: Path) -> Iterator[Bench]:
    with on_usb(directory) as bench:
        assert bench.wakeable is not None
        yield Bench(Turns(bench.wakeable).for_cards, bench.press, bench.unplug)


@contextlib.contextmanager
def shared_for_codes(directory: Path) -> Iterator[Bench]:
    with on_usb(directory) as bench:
        assert bench.wakeable is not None
        yield Bench(Turns(bench.wakeable).for_codes, bench.press, bench.unplug)


EVERY_KIND = [in_memory, on_usb, on_the_header, on_a_terminal, by_order, shared_for_cards, shared_for_codes]


@pytest.fixture(params=EVERY_KIND, ids=lambda make: make.__name__)
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    with request.param(tmp_path) as made:
        yield made


def test_each_key_comes_once_and_in_order(bench: Bench) -> None:
    with bench.keypad.listen():
        assert bench.pressed(*EVERY) == EVERY
        assert bench.keypad.key(0) is None


def test_the_same_key_twice_is_two(bench: Bench) -> None:
    with bench.keypad.listen():
        assert bench.pressed(Key.DIGIT_7, Key.DIGIT_7) == [Key.DIGIT_7, Key.DIGIT_7]


def test_what_was_pressed_before_is_forgotten(bench: Bench) -> None:
    if isinstance(bench.keypad, SimulatedKeypad):
        pytest.skip("what is ordered waits until somebody listens")
    bench.press(Key.DIGIT_1)
    with bench.keypad.listen():
        assert bench.keypad.key(0.1) is None
        assert bench.pressed(Key.DIGIT_2) == [Key.DIGIT_2]


def test_it_is_listened_to_again_and_again(bench: Bench) -> None:
    for _ in range(3):
        with bench.keypad.listen():
            assert bench.pressed(Key.DIGIT_5, Key.ENTER) == [Key.DIGIT_5, Key.ENTER]


def test_a_wait_can_be_ended_before_it_begins_or_while_it_lasts(bench: Bench) -> None:
    if bench.wakeable is None:
        pytest.skip("nobody ends its waits")
    with bench.keypad.listen():
        bench.wakeable.wake()
        assert bench.keypad.key(600) is None
        waker = threading.Thread(target=bench.wakeable.wake)
        waker.start()
        assert bench.keypad.key(600) is None
        waker.join()
        assert bench.pressed(Key.DIGIT_3) == [Key.DIGIT_3]


def test_one_that_is_unplugged_says_so(bench: Bench) -> None:
    if bench.unplug is None:
        pytest.skip("nothing tells that these wires are gone")
    with bench.keypad.listen():
        bench.unplug()
        with pytest.raises(KeypadUnavailable):
            bench.keypad.key(5)
    with pytest.raises(KeypadUnavailable), bench.keypad.listen():
        pass


@pytest.mark.rule(7)
def test_nothing_tells_which_keys_were_pressed(bench: Bench) -> None:
    with bench.keypad.listen():
        bench.press(Key.DIGIT_9)
        taken = bench.keypad.key(0.1) or bench.keypad.key(0.1)
        assert "9" not in f"{taken!r} {taken} {[taken]}"

"""A numeric keypad on USB: records of the kernel, and a device that comes and goes."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import select
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fakes.input_device import InputDevice
from kazasu.errors import KeypadBusy, KeypadUnavailable
from kazasu.keypads.usb import DOWN, EV_KEY, EVENT, UsbKeypad, grab
from kazasu.model.key import Key

if TYPE_CHECKING:
    from collections.abc import Iterator

# linux/input-event-codes.h, by the names there
KEY_1, KEY_0, KEY_ENTER, KEY_A, KEY_NUMLOCK = 2, 11, 28, 30, 69
KEY_KP7, KEY_KP1, KEY_KP0, KEY_KPENTER = 71, 79, 82, 96


@pytest.fixture
def device(tmp_path: Path) -> InputDevice:
    return InputDevice(tmp_path / "event3")


@pytest.fixture
def keypad(device: InputDevice) -> Iterator[UsbKeypad]:
    with contextlib.closing(UsbKeypad(str(device.path), take=lambda _, __: None)) as keypad, keypad.listen():
        yield keypad


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.parametrize(
    ("code", "key"),
    [
        (KEY_1, Key.DIGIT_1),
        (KEY_0, Key.DIGIT_0),
        (KEY_KP7, Key.DIGIT_7),
        (KEY_KP1, Key.DIGIT_1),
        (KEY_KP0, Key.DIGIT_0),
        (KEY_ENTER, Key.ENTER),
        (KEY_KPENTER, Key.ENTER),
    ],
)
def test_both_rows_of_digits_and_both_enters_count(keypad: UsbKeypad, device: InputDevice, code: int, key: Key) -> None:
    device.report(code, DOWN)
    assert keypad.key(1) is key


def test_a_key_that_is_held_counts_once(keypad: UsbKeypad, device: InputDevice) -> None:
    device.press(Key.DIGIT_5, repeats=40)
    assert keypad.key(1) is Key.DIGIT_5
    assert keypad.key(0) is None


def test_other_keys_and_num_lock_mean_nothing(keypad: UsbKeypad, device: InputDevice) -> None:
    for code in (KEY_A, KEY_NUMLOCK, 0x2FF):
        device.report(code, DOWN)
    assert keypad.key(0) is None


def test_a_record_that_comes_in_two_parts_is_one(keypad: UsbKeypad, device: InputDevice) -> None:
    record = EVENT.pack(1, 2, EV_KEY, KEY_1, DOWN)
    device.write(record[:7])
    assert keypad.key(0) is None
    device.write(record[7:])
    assert keypad.key(0) is Key.DIGIT_1


def test_many_keys_in_one_report_are_taken_one_by_one(keypad: UsbKeypad, device: InputDevice) -> None:
    for key in (Key.DIGIT_1, Key.DIGIT_2, Key.DIGIT_3):
        device.press(key)
    assert [keypad.key(0) for _ in range(4)] == [Key.DIGIT_1, Key.DIGIT_2, Key.DIGIT_3, None]


def test_the_record_is_the_kernels() -> None:
    """linux/input.h: two longs, two 16-bit numbers, one signed of 32."""
    assert EVENT.size in {16, 24}
    assert EVENT.pack(0, 0, 1, 2, -1)[-8:] == bytes.fromhex("01000200ffffffff")


def test_a_keypad_that_is_plugged_in_anew_is_found(tmp_path: Path, device: InputDevice) -> None:
    taken: list[str] = []
    with contextlib.closing(UsbKeypad(str(tmp_path / "event*"), take=lambda _, path: taken.append(path))) as keypad:
        keypad.open()
        device.unplug()
        other = InputDevice(tmp_path / "event4")
        with keypad.listen():
            other.press(Key.DIGIT_8)
            assert keypad.key(1) is Key.DIGIT_8
    assert taken == [str(tmp_path / "event3"), str(tmp_path / "event4")]


def test_the_first_that_is_a_keypad_is_taken(tmp_path: Path) -> None:
    for name in ("event1", "event2", "event3"):
        InputDevice(tmp_path / name)

    def take(_: int, path: str) -> None:
        if path.endswith("1"):
            raise KeypadUnavailable("a mouse")

    with contextlib.closing(UsbKeypad(str(tmp_path / "event?"), take)) as keypad:
        assert keypad.open() == str(tmp_path / "event2")


def test_what_is_no_input_device_is_refused_in_words(tmp_path: Path) -> None:
    InputDevice(tmp_path / "event1")
    open_before = open_files()
    for pattern, what in (("event*", "event1 is no input device"), ("none*", "no keypad is plugged in: nothing fits")):
        with (
            contextlib.closing(UsbKeypad(str(tmp_path / pattern))) as keypad,
            pytest.raises(KeypadUnavailable, match=what),
        ):
            keypad.open()
    assert open_files() == open_before


def test_of_several_refusals_the_one_in_use_is_told(tmp_path: Path) -> None:
    for name in ("event1", "event2"):
        InputDevice(tmp_path / name)

    def busy(_: int, path: str) -> None:
        raise KeypadBusy(f"{path} is in use") if path.endswith("2") else KeypadUnavailable("a mouse")

    with contextlib.closing(UsbKeypad(str(tmp_path / "*"), busy)) as keypad, pytest.raises(KeypadBusy):
        keypad.open()


def test_a_wake_ends_one_wait_and_no_more(keypad: UsbKeypad) -> None:
    keypad.wake()
    assert keypad.key(600) is None
    assert select.select([vars(keypad)["_woken"]], [], [], 0)[0] == []


@pytest.mark.rule(7)
def test_its_repr_holds_no_key(keypad: UsbKeypad, device: InputDevice) -> None:
    for _ in range(3):
        device.press(Key.DIGIT_9)
    assert keypad.key(1) is Key.DIGIT_9
    assert "9" not in repr(vars(keypad)["_pressed"])
    assert "DIGIT" not in repr(keypad)


class Kernel:
    """What the kernel answers to the ioctls on an input device; numbers and layout as linux/input.h has them."""

    EVIOCGBIT_KEY = 0x80604521  # _IOC(_IOC_READ, 'E', 0x20 + EV_KEY, 96)
    EVIOCGRAB = 0x40044590

    def __init__(self, *codes: int, grabbed: bool = False) -> None:
        self._codes = codes
        self._grabbed = grabbed
        self.grabs: list[int] = []

    def ioctl(self, file: int, request: int, argument: bytearray | int) -> int:
        if request == self.EVIOCGBIT_KEY and isinstance(argument, bytearray):
            for code in self._codes:
                argument[code // 8] |= 1 << code % 8
            return len(argument)
        assert request == self.EVIOCGRAB
        if self._grabbed:
            raise OSError(errno.EBUSY, "Device or resource busy")
        self.grabs.append(file)
        return 0


DIGITS = (11, *range(2, 11))


@pytest.mark.parametrize("codes", [(*DIGITS, KEY_ENTER), (82, 79, 80, 81, 75, 76, 77, 71, 72, 73, KEY_KPENTER)])
def test_a_device_with_digits_and_enter_is_grabbed(monkeypatch: pytest.MonkeyPatch, codes: tuple[int, ...]) -> None:
    kernel = Kernel(*codes)
    monkeypatch.setattr(fcntl, "ioctl", kernel.ioctl)
    grab(7, "/dev/input/event0")
    assert kernel.grabs == [7]


@pytest.mark.parametrize("codes", [(), DIGITS, (KEY_ENTER,), (*DIGITS[1:], KEY_ENTER), (0x110, 0x111)])
def test_a_mouse_or_half_a_keypad_is_none(monkeypatch: pytest.MonkeyPatch, codes: tuple[int, ...]) -> None:
    kernel = Kernel(*codes)
    monkeypatch.setattr(fcntl, "ioctl", kernel.ioctl)
    with pytest.raises(KeypadUnavailable, match="lacks digits or Enter"):
        grab(7, "/dev/input/event0")
    assert not kernel.grabs


def test_a_keypad_that_the_running_terminal_has_is_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fcntl, "ioctl", Kernel(*DIGITS, KEY_ENTER, grabbed=True).ioctl)
    with pytest.raises(KeypadBusy, match="in use"):
        grab(7, "/dev/input/event0")

"""A keypad on USB as the kernel reports it: records of `struct input_event` in a pipe."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from kazasu.keypads.usb import DOWN, EV_KEY, EVENT, KEYS

if TYPE_CHECKING:
    from pathlib import Path

    from kazasu.model.key import Key

_EV_SYN, _EV_MSC, _MSC_SCAN = 0, 4, 4
_UP, _REPEAT = 0, 2


class InputDevice:
    """A FIFO in place of /dev/input/event0: the same records, and none of the ioctls.

    Args:
        path: where to make it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        os.mkfifo(path)
        self._file = os.open(path, os.O_RDWR | os.O_NONBLOCK)

    def press(self, key: Key, repeats: int = 0) -> None:
        """One key down, held, and up, as a keyboard reports it: scan code, key, and the end of the report."""
        code = min(code for code, meant in KEYS.items() if meant is key)
        for value in (DOWN, *[_REPEAT] * repeats, _UP):
            self.report(code, value)

    def report(self, code: int, value: int) -> None:
        """One change of a key."""
        self.write(
            EVENT.pack(1, 2, _EV_MSC, _MSC_SCAN, 0x70000 + code)
            + EVENT.pack(1, 2, EV_KEY, code, value)
            + EVENT.pack(1, 2, _EV_SYN, 0, 0)
        )

    def write(self, content: bytes) -> None:
        """Records, or what is none."""
        assert os.write(self._file, content) == len(content)

    def unplug(self) -> None:
        """The device is gone; its path too."""
        self.path.unlink()
        os.close(self._file)

"""A numeric keypad in a machine: the kernel's own, made through /dev/uinput; types what is written to a FIFO.

Source: linux/uinput.h (UI_SET_EVBIT, UI_SET_KEYBIT, UI_DEV_SETUP, UI_DEV_CREATE), linux/input-event-codes.h.
"""

from __future__ import annotations

import fcntl
import os
import struct
import time
from pathlib import Path

DEVICE = Path("/dev/input/kazasu-keypad")
TYPED = Path("/run/keypad")

_UI_SET_EVBIT, _UI_SET_KEYBIT, _UI_DEV_SETUP, _UI_DEV_CREATE = 0x40045564, 0x40045565, 0x405C5503, 0x5501
_UI_GET_SYSNAME = 0x80405500 | 44
_EVENT = struct.Struct("@llHHi")
_BUS_USB = 3
_KEYS = dict(zip("0123456789E", (82, 79, 80, 81, 75, 76, 77, 71, 72, 73, 96), strict=True))
_PAUSE_S = 0.05


def main() -> None:
    """Plug the keypad in, and type until the machine ends."""
    keypad = os.open("/dev/uinput", os.O_WRONLY)
    fcntl.ioctl(keypad, _UI_SET_EVBIT, 1)
    for code in _KEYS.values():
        fcntl.ioctl(keypad, _UI_SET_KEYBIT, code)
    fcntl.ioctl(keypad, _UI_DEV_SETUP, struct.pack("@HHHH80sI", _BUS_USB, 1, 1, 1, b"keypad", 0))
    fcntl.ioctl(keypad, _UI_DEV_CREATE)
    name = bytearray(64)
    fcntl.ioctl(keypad, _UI_GET_SYSNAME, name)
    sysname = name.split(b"\0", 1)[0].decode()
    events: list[Path] = []
    while not events:
        events = list(Path("/sys/devices/virtual/input", sysname).glob("event*"))
    DEVICE.symlink_to(Path("/dev/input", events[0].name))
    os.mkfifo(TYPED)
    while True:
        for key in TYPED.read_text(encoding="ascii").strip():
            for value in (1, 0):
                os.write(keypad, _EVENT.pack(0, 0, 1, _KEYS[key], value) + _EVENT.pack(0, 0, 0, 0, 0))
                time.sleep(_PAUSE_S)


if __name__ == "__main__":
    main()

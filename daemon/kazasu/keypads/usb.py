"""A numeric keypad on USB, as Linux reports it: /dev/input/event*, read without a library.

What is needed of it is one structure and three ioctls; the package `evdev` is a C extension without wheels, made anew
for each Python and kernel header, and brings hundreds of key names along (docs/decisions/0014-keypad.md).

The device is grabbed: otherwise each PIN would also be typed into the Pi's own console, whose login writes down whoever
tries to log in.

Sources: linux/input.h (`struct input_event`, EVIOCGRAB, EVIOCGBIT), linux/input-event-codes.h, asm-generic/ioctl.h.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import glob
import math
import os
import select
import socket
import struct
from collections import deque
from typing import TYPE_CHECKING, Final

from kazasu.errors import KeypadBusy, KeypadUnavailable
from kazasu.model.key import Key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

EVENT: Final = struct.Struct("@llHHi")
"""`struct input_event`: seconds and microseconds, each a long of this machine; type, code, value."""

EV_KEY: Final = 0x01
DOWN: Final = 1  # 0 is up, 2 is a key that is held and repeats

_EVIOCGRAB: Final = 0x40044590  # _IOW('E', 0x90, int)
_KEY_BITS_BYTES: Final = 96  # KEY_MAX is 0x2FF
_EVIOCGBIT_KEY: Final = 0x80000000 | _KEY_BITS_BYTES << 16 | ord("E") << 8 | 0x20 + EV_KEY
_READ_EVENTS: Final = 64

_KP_ENTER: Final = 96
_ENTER: Final = 28

KEYS: Final = {
    **dict(zip((11, *range(2, 11)), list(Key)[:10], strict=True)),  # KEY_0, KEY_1 to KEY_9
    **dict(zip((82, 79, 80, 81, 75, 76, 77, 71, 72, 73), list(Key)[:10], strict=True)),  # KEY_KP0 to KEY_KP9
    _ENTER: Key.ENTER,
    _KP_ENTER: Key.ENTER,
    14: Key.BACKSPACE,
    1: Key.CANCEL,  # KEY_ESC
}
"""By key code; Num Lock changes what a console makes of a key, and not its code."""


class UsbKeypad:
    """Implements ports.keypads.WakeableKeypad.

    Args:
        pattern: the device's path, with * and ?; of several that fit, the first with digits and Enter.
        take: checks that an open file is a keypad and grabs it; raises KeypadUnavailable.
    """

    def __init__(self, pattern: str, take: Callable[[int, str], None] | None = None) -> None:
        self._pattern = pattern
        self._take = take or grab
        self._file: int | None = None
        self._rest = b""
        self._pressed: deque[Key] = deque()
        self._waker, self._woken = socket.socketpair()
        self._woken.setblocking(False)

    def __repr__(self) -> str:
        """Without what was pressed."""
        return f"UsbKeypad({self._pattern!r})"

    def open(self) -> str:
        """Take the keypad, at the start already: what is typed while nobody asks must not reach a console either.

        Returns:
            Its path.

        Raises:
            KeypadUnavailable: none is there, or it cannot be read; KeypadBusy, another program has it.
        """
        refusals: list[KeypadUnavailable] = []
        for path in sorted(glob.glob(self._pattern)):  # noqa: PTH207  (the pattern is absolute)
            try:
                self._file = self._opened(path)
            except KeypadUnavailable as error:
                refusals.append(error)
            else:
                return path
        refusals.sort(key=lambda error: not isinstance(error, KeypadBusy))  # that tells most
        raise refusals[0] if refusals else KeypadUnavailable(f"no keypad is plugged in: nothing fits {self._pattern}")

    def close(self) -> None:
        """Let it go; nobody listens any more."""
        self._let_go()
        self._waker.close()
        self._woken.close()

    def wake(self) -> None:
        """See ports.keypads.WakeableKeypad."""
        self._waker.send(b"\0")

    @contextlib.contextmanager
    def listen(self) -> Iterator[None]:
        """See ports.keypads.Keypad; a keypad that was plugged in anew is taken again."""
        if self._file is None:
            self.open()
        try:
            self._forget()
        except KeypadUnavailable:
            self.open()
            self._forget()
        try:
            yield
        finally:
            self._pressed.clear()

    def key(self, timeout_s: float) -> Key | None:
        """See ports.keypads.Keypad."""
        if not self._pressed and self._readable(timeout_s):
            self._pressed += self._read()
        return self._pressed.popleft() if self._pressed else None

    def _let_go(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            os.close(file)

    def _opened(self, path: str) -> int:
        try:
            file = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            hint = "; is this user in the group input?" if error.errno == errno.EACCES else ""
            raise KeypadUnavailable(f"{path} cannot be read: {error.strerror}{hint}") from error
        with contextlib.ExitStack() as undo:
            undo.callback(os.close, file)
            self._take(file, path)
            undo.pop_all()
        return file

    def _forget(self) -> None:
        """Throw away what was pressed before."""
        self._rest = b""
        self._pressed.clear()
        while self._readable(0):
            self._read()
        self._rest = b""

    def _wake_up(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while self._woken.recv(_READ_EVENTS):
                pass

    def _readable(self, timeout_s: float) -> bool:
        poll = select.poll()
        if self._file is None:
            raise KeypadUnavailable("the keypad was let go")
        poll.register(self._file, select.POLLIN)
        poll.register(self._woken, select.POLLIN)
        ready = {descriptor for descriptor, _ in poll.poll(math.ceil(timeout_s * 1000))}
        if self._woken.fileno() in ready:
            self._wake_up()
        return self._file in ready

    def _read(self) -> Iterator[Key]:
        """The keys that went down; a keypad that is gone is let go at once."""
        try:
            content = os.read(self._file or 0, _READ_EVENTS * EVENT.size) if self._file is not None else b""
        except BlockingIOError:
            return iter(())
        except OSError:
            content = b""
        if not content:
            self._let_go()
            raise KeypadUnavailable("the keypad was unplugged")
        content = self._rest + content
        whole = len(content) - len(content) % EVENT.size
        self._rest = content[whole:]
        return iter(
            [
                KEYS[code]
                for _, _, kind, code, value in EVENT.iter_unpack(content[:whole])
                if kind == EV_KEY and value == DOWN and code in KEYS
            ]
        )


def grab(file: int, path: str) -> None:
    """Take a keypad for this program alone; it is free again when the file is closed.

    Args:
        file: open for reading.
        path: what it is called, for errors.

    Raises:
        KeypadUnavailable: no input device, or one without digits and Enter; KeypadBusy, another program has it.
    """
    bits = bytearray(_KEY_BITS_BYTES)
    try:
        fcntl.ioctl(file, _EVIOCGBIT_KEY, bits)
    except OSError as error:
        raise KeypadUnavailable(f"{path} is no input device: {error.strerror}") from error
    keys = {KEYS[code] for code in KEYS if bits[code // 8] >> code % 8 & 1}
    if not keys >= {Key.ENTER, *(key for key in Key if key.is_digit)}:
        raise KeypadUnavailable(f"{path} is no keypad: it lacks digits or Enter")
    try:
        fcntl.ioctl(file, _EVIOCGRAB, 1)
    except OSError as error:
        if error.errno == errno.EBUSY:
            raise KeypadBusy(f"{path} is in use") from error
        raise KeypadUnavailable(f"{path} cannot be grabbed: {error.strerror}") from error

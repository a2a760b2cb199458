"""A PIN on the command line: `kazasu enroll` and `kazasu identify`, where the running terminal has the keypad."""

from __future__ import annotations

import contextlib
import os
import select
import termios
from typing import TYPE_CHECKING, Final

from kazasu.errors import KeypadUnavailable
from kazasu.keypads.entry import PinEntry
from kazasu.model.input import KeyTaken, PinAsked, PinEnded
from kazasu.model.key import Key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kazasu.model.input import Input

CONTROLLING: Final = "/dev/tty"

_LOCAL: Final = 3  # c_lflag, in what tcgetattr gives
_KEYS: Final = {
    b"\r": Key.ENTER,
    b"\n": Key.ENTER,
    b"\x7f": Key.BACKSPACE,
    b"\x08": Key.BACKSPACE,
    b"\x1b": Key.CANCEL,
    b"\x04": Key.CANCEL,  # Ctrl-D
} | {key.value.encode(): key for key in Key if key.is_digit}


class TtyKeypad:
    """Implements ports.keypads.Keypad on a terminal, without echo.

    And ports.inbox.Inbox and ports.health.Health, to draw what happens.

    Ctrl-C interrupts as ever.

    Args:
        path: the terminal.
    """

    def __init__(self, path: str = CONTROLLING) -> None:
        self._path = path
        self._file: int | None = None

    @contextlib.contextmanager
    def listen(self) -> Iterator[None]:
        """See ports.keypads.Keypad."""
        with contextlib.ExitStack() as undo:
            try:
                file = os.open(self._path, os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
                undo.callback(os.close, file)
                before = termios.tcgetattr(file)
                quiet = termios.tcgetattr(file)
                quiet[_LOCAL] &= ~(termios.ECHO | termios.ICANON)
                termios.tcsetattr(file, termios.TCSAFLUSH, quiet)  # which forgets what was typed before
            except (OSError, termios.error) as error:
                raise KeypadUnavailable(f"there is no terminal to enter a PIN on: {error.args[-1]}") from error
            undo.callback(termios.tcsetattr, file, termios.TCSAFLUSH, before)
            self._file = file
            undo.callback(self._leave)
            yield

    def key(self, timeout_s: float) -> Key | None:
        """See ports.keypads.Keypad."""
        if self._file is None:
            raise KeypadUnavailable("nobody listens")
        readable, _, _ = select.select([self._file], [], [], timeout_s)
        if not readable:
            return None
        try:
            typed = os.read(self._file, 1)
        except OSError as error:
            raise KeypadUnavailable(f"the terminal is gone: {error.strerror}") from error
        if not typed:
            raise KeypadUnavailable("the terminal is gone")
        return _KEYS.get(typed)

    def put(self, item: Input) -> None:
        """Draw the line: see ports.inbox.Inbox."""
        match item:
            case PinAsked(tries_left=int(left)):
                self._line(f"PIN of the card ({left} tries left), then Enter; leave the card on the reader: ")
            case KeyTaken(entered=entered):
                self._line("PIN: " + "*" * entered)
            case PinEnded():
                self._write("\n")
            case _:
                pass

    def note(self, **fields: int | str) -> None:
        """Nobody watches this keypad's health."""

    def alert(self, alert_id: str, message: str) -> None:
        """Nobody watches this keypad's health; the read says that no PIN was entered."""

    def clear(self, alert_id: str) -> None:
        """Nobody watches this keypad's health."""

    def _leave(self) -> None:
        self._file = None

    def _line(self, words: str) -> None:
        # \r and EL (ECMA-48, 8.3.41): back to the line's start, and what stood there is gone.
        self._write(f"\r\x1b[K{words}")

    def _write(self, words: str) -> None:
        if self._file is not None:
            with contextlib.suppress(OSError):
                os.write(self._file, words.encode())


def tty_pins(mono_s: Callable[[], float], timeout_s: float, path: str = CONTROLLING) -> PinEntry:
    """A source of PINs on a terminal; for `app.card_identifier`.

    Args:
        mono_s: monotonic seconds.
        timeout_s: how long people have for the whole PIN.
        path: the terminal.
    """
    keypad = TtyKeypad(path)
    return PinEntry(keypad, keypad, keypad, mono_s=mono_s, timeout_s=timeout_s)

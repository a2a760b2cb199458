"""A PIN on the command line: nothing of it on the screen."""

from __future__ import annotations

import os
import pty
import termios
from typing import TYPE_CHECKING

import pytest

from fakes.clock import FakeClock
from kazasu.errors import CardGone
from kazasu.keypads.tty import tty_pins

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

FOUR = range(4, 5)


class Terminal:
    """A terminal with somebody before it, who types when the program waits."""

    def __init__(self) -> None:
        self.screen, self.line = pty.openpty()
        self.clock = FakeClock()

    def ask(self, *typed: bytes, meanwhile: Callable[[], None] | None = None) -> str | None:
        rest = iter(typed)

        def mono_s() -> float:
            # The program looks at the time before each wait: so something is typed whenever it is about to wait.
            self.clock.advance(0.2)
            os.write(self.screen, next(rest, b""))
            return self.clock.mono_s()

        pins = tty_pins(mono_s, 5.0, os.ttyname(self.line))
        return pins.ask(3, FOUR, meanwhile or (lambda: None))

    def shown(self) -> str:
        os.set_blocking(self.screen, False)
        try:
            return os.read(self.screen, 65536).decode()
        except BlockingIOError:
            return ""

    @property
    def echoes(self) -> bool:
        return bool(termios.tcgetattr(self.line)[3] & termios.ECHO)


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    terminal = Terminal()
    yield terminal
    os.close(terminal.screen)
    os.close(terminal.line)


@pytest.mark.rule(7)
def test_a_pin_is_entered_and_only_stars_are_seen(terminal: Terminal) -> None:
    assert terminal.ask(b"", b"4", b"7", b"1", b"1", b"\n") == "4711"
    shown = terminal.shown()
    assert "3 tries left" in shown
    assert shown.rstrip().endswith("****")
    assert not set("47") & set(shown)
    assert terminal.echoes


def test_a_digit_is_taken_back_also_on_the_screen(terminal: Terminal) -> None:
    assert terminal.ask(b"", b"9", b"\x7f", b"4711\r") == "4711"
    assert "*" in terminal.shown()


@pytest.mark.parametrize("key", [b"\x1b", b"\x04"])
def test_escape_gives_up(terminal: Terminal, key: bytes) -> None:
    assert terminal.ask(b"", b"471", key) is None
    assert terminal.echoes


def test_a_card_that_leaves_leaves_the_terminal_as_it_was(terminal: Terminal) -> None:
    def gone() -> None:
        raise CardGone("the card left the field")

    with pytest.raises(CardGone):
        terminal.ask(b"", b"4", meanwhile=gone)
    assert terminal.echoes


def test_nobody_is_asked_where_there_is_no_terminal(tmp_path: Path) -> None:
    pins = tty_pins(FakeClock().mono_s, 5.0, str(tmp_path / "none"))
    assert pins.ask(3, FOUR, lambda: None) is None

from __future__ import annotations

import io

import pytest

from kazasu.errors import OutputError
from kazasu.model.cue import Channel
from kazasu.outputs.terminal import TerminalOutput

GRANTED = frozenset({Channel.GREEN, Channel.BUZZER})


class Tty(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_draws_one_line_anew_and_leaves_it_when_it_is_closed() -> None:
    stream = Tty()
    output = TerminalOutput(stream, {"TERM": "xterm", "NO_COLOR": "1"})
    output.show(GRANTED)
    output.close()
    assert stream.getvalue() == (
        "\r\x1b[K[GREEN]  red  [BUZZER]  relay "  # the line's end without a line feed: it is drawn anew
        "\r\x1b[K green   red   buzzer   relay \n"
    )


def test_colours_come_on_top_of_the_words() -> None:
    plain, coloured = Tty(), Tty()
    TerminalOutput(plain, {"TERM": "xterm", "NO_COLOR": "1"}).show(GRANTED)
    TerminalOutput(coloured, {"TERM": "xterm", "NO_COLOR": ""}).show(GRANTED)
    assert "\x1b[32;7m[GREEN]\x1b[0m" in coloured.getvalue()
    for code in ("\x1b[32;7m", "\x1b[33;7m", "\x1b[0m"):
        coloured = Tty(coloured.getvalue().replace(code, ""))
    assert coloured.getvalue() == plain.getvalue()


@pytest.mark.parametrize(
    ("stream", "environment"),
    [(io.StringIO(), {"TERM": "xterm"}), (Tty(), {"TERM": "dumb"}), (Tty(), {})],
    ids=["no terminal", "a terminal that cannot go back", "a terminal nobody knows"],
)
def test_writes_one_line_a_change_where_nothing_can_be_drawn(stream: io.StringIO, environment: dict[str, str]) -> None:
    stream.seek(0)
    stream.truncate()
    output = TerminalOutput(stream, environment)
    for on in (frozenset[Channel](), GRANTED, GRANTED, frozenset({Channel.RED})):
        output.show(on)
    output.close()
    assert stream.getvalue() == "outputs: green buzzer\noutputs: red\noutputs: off\n"


def test_an_output_that_was_off_closes_without_a_word() -> None:
    stream = io.StringIO()
    TerminalOutput(stream, {}).close()
    assert not stream.getvalue()


def test_a_terminal_that_is_gone_is_an_error_of_the_output() -> None:
    stream = Tty()
    output = TerminalOutput(stream, {"TERM": "xterm"})
    stream.close()
    with pytest.raises(OutputError, match="the terminal cannot be written"):
        output.show(GRANTED)

"""What every Output does: on pins, in a terminal, in the unit tests' memory."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING

import pytest
from gpiozero.pins.mock import MockFactory

from fakes.clock import FakeClock
from fakes.outputs import RecordingOutput
from kazasu.errors import OutputError
from kazasu.model.cue import Channel
from kazasu.outputs.gpio import GpioOutput, Header, Pin
from kazasu.outputs.terminal import TerminalOutput

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kazasu.ports.outputs import Output

PINS = {
    Channel.GREEN: Pin(number=17),
    Channel.RED: Pin(number=27),
    Channel.BUZZER: Pin(number=22),
    Channel.RELAY: Pin(number=5, active_low=True),
}
EVERY = frozenset(Channel)
NONE: frozenset[Channel] = frozenset()


class Tty(io.StringIO):
    def isatty(self) -> bool:
        return True


class Bench:
    """An output, and a look at what is on."""

    def __init__(self, output: Output, lit: Callable[[], frozenset[Channel]]) -> None:
        self.output = output
        self.lit = lit


def _gpio() -> Bench:
    factory = MockFactory()
    output = GpioOutput(PINS, Header(factory))

    def lit() -> frozenset[Channel]:
        return frozenset(
            channel
            for channel, pin in PINS.items()
            # A pin that was let go drives nothing.
            if factory.pin(pin.number).function == "output" and factory.pin(pin.number).state is not pin.active_low
        )

    return Bench(output, lit)


def _live() -> Bench:
    stream = Tty()

    def lit() -> frozenset[Channel]:
        line = stream.getvalue().rpartition("\r")[2]
        return frozenset(Channel(word.lower()) for word in re.findall(r"\[([A-Z]+)\]", line))

    return Bench(TerminalOutput(stream, {"TERM": "xterm"}), lit)


def _piped() -> Bench:
    stream = io.StringIO()

    def lit() -> frozenset[Channel]:
        words = stream.getvalue().splitlines()[-1].removeprefix("outputs: ").split() if stream.getvalue() else ["off"]
        return NONE if words == ["off"] else frozenset(map(Channel, words))

    return Bench(TerminalOutput(stream, {}), lit)


def _recording() -> Bench:
    output = RecordingOutput(FakeClock().mono_s)
    return Bench(output, lambda: output.on)


@pytest.fixture(params=[_gpio, _live, _piped, _recording], ids=["gpio", "live terminal", "pipe", "recording"])
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    bench = request.param()
    yield bench
    bench.output.close()


@pytest.mark.rule(11)
def test_is_off_when_it_is_made(bench: Bench) -> None:
    assert bench.lit() == NONE


def test_shows_exactly_what_it_is_told(bench: Bench) -> None:
    for on in (EVERY, {Channel.GREEN, Channel.BUZZER}, {Channel.RED}, {Channel.RED, Channel.RELAY}, NONE, EVERY):
        bench.output.show(frozenset(on))
        assert bench.lit() == on


@pytest.mark.rule(11)
def test_is_off_when_it_is_closed_and_closing_again_does_nothing(bench: Bench) -> None:
    bench.output.show(EVERY)
    bench.output.close()
    assert bench.lit() == NONE
    bench.output.close()
    assert bench.lit() == NONE


def test_shows_nothing_once_it_is_closed(bench: Bench) -> None:
    bench.output.close()
    with pytest.raises(OutputError):
        bench.output.show(EVERY)
    assert bench.lit() == NONE

"""What an installer sees of a read."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest

from fakes.card_channel import FakeCardChannel, scripted
from fakes.pins import FakePins
from kazasu.cards.trace import Step, TimedPins, Traced, command_name
from kazasu.errors import CardGone
from kazasu.model.access import Assurance, Identifier

if TYPE_CHECKING:
    from kazasu.ports.readers import CardChannel

SELECT = bytes.fromhex("00A4040C0AD392F000260100000001")
READ = bytes.fromhex("00B0000000")
IDENTIFIER = Identifier(kind="jpki", pseudonym="a" * 32, assurance=Assurance.SERIAL)


class Sends:
    """Implements ports.readers.CardIdentifier: sends some commands."""

    def __init__(self, *apdus: bytes) -> None:
        self._apdus = apdus

    def identify(self, channel: CardChannel, atr: bytes) -> Identifier:
        for apdu in self._apdus:
            channel.transmit(apdu)
        return IDENTIFIER


def seconds() -> float:
    return float(next(_ticks))


_ticks = itertools.count()


def test_steps_of_one_name_stand_together() -> None:
    traced = Traced(Sends(SELECT, READ, READ, SELECT), seconds)

    assert traced.identify(FakeCardChannel(scripted(*["9000"] * 4)), b"") is IDENTIFIER

    assert traced.trace.steps == (Step("SELECT", 1, 1.0), Step("READ BINARY", 2, 2.0), Step("SELECT", 1, 1.0))
    assert traced.trace.card_s == 4.0
    assert traced.trace.whole_s == 9.0  # the clock is looked at twice a command, and at both ends


def test_a_read_that_breaks_off_is_traced_as_far_as_it_came() -> None:
    traced = Traced(Sends(SELECT, READ, READ), seconds)

    with pytest.raises(CardGone):
        traced.identify(FakeCardChannel(scripted("9000"), remove_at=2), b"")

    assert [step.name for step in traced.trace.steps] == ["SELECT", "READ BINARY"]


class AsksForAPin:
    """Implements ports.readers.CardIdentifier: asks for a PIN, and the card twice meanwhile."""

    def __init__(self, pins: TimedPins) -> None:
        self._pins = pins

    def identify(self, channel: CardChannel, atr: bytes) -> Identifier:
        def still_there() -> None:
            channel.transmit(READ)

        self._pins.ask(3, range(4, 5), still_there)
        return IDENTIFIER


def test_what_people_take_is_not_the_terminals() -> None:
    pins = TimedPins(FakePins("1234"), seconds)
    traced = Traced(AsksForAPin(pins), seconds, pins)

    traced.identify(FakeCardChannel(scripted("9000", "9000")), b"")

    # The clock goes on by one with each look: twice a command, twice around it, twice around all, and at both ends.
    assert traced.trace.whole_s == 11.0
    assert traced.trace.card_s == 2.0
    assert traced.trace.holder_s == 9.0 - 2 * 3.0
    assert traced.trace.own_s == 11.0 - 2.0 - 3.0


@pytest.mark.rule(7)
@pytest.mark.parametrize(
    ("apdu", "name"),
    [
        ("002000800431323334", "VERIFY"),
        ("9071000002020000", "AuthenticateEV2First"),
        ("FFCA000000", "number from the reader"),
        ("80AA0102", "command 80AA"),
    ],
)
def test_a_command_is_named_without_what_it_carries(apdu: str, name: str) -> None:
    assert command_name(bytes.fromhex(apdu)) == name

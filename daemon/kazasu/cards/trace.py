"""What a read did and how long each step took, for an installer's eyes: commands by name, and never what they carry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from kazasu.model.access import Identifier
    from kazasu.ports.readers import CardChannel, CardIdentifier, PinSource

# ISO/IEC 7816-4:2020, table 4, and ISO/IEC 7816-8 for 2A.
_ISO: Final = {
    0x20: "VERIFY",
    0x22: "MANAGE SECURITY ENVIRONMENT",
    0x2A: "PERFORM SECURITY OPERATION",
    0x84: "GET CHALLENGE",
    0x87: "GENERAL AUTHENTICATE",
    0x88: "INTERNAL AUTHENTICATE",
    0xA4: "SELECT",
    0xB0: "READ BINARY",
    0xB2: "READ RECORD",
    0xC0: "GET RESPONSE",
    0xCA: "GET DATA",
    0xCB: "GET DATA",
}
# NXP, AN12343 (DESFire commands in ISO/IEC 7816-4 frames), table 4.
_DESFIRE: Final = {
    0x51: "GetCardUID",
    0x5A: "SelectApplication",
    0x60: "GetVersion",
    0x64: "GetKeyVersion",
    0x71: "AuthenticateEV2First",
    0xAA: "AuthenticateAES",
    0xAD: "ReadData",
    0xAF: "next frame",
    0xBD: "ReadData",
}
# PC/SC part 3, 3.2.2: what the reader itself answers.
_READER: Final = {0x00: "command through the reader", 0xC2: "transparent session", 0xCA: "number from the reader"}
_BY_CLASS: Final = {0x90: _DESFIRE, 0xFF: _READER}


def command_name(apdu: bytes) -> str:
    """What a command is called; without its data."""
    card_class, instruction = apdu[:2]
    return _BY_CLASS.get(card_class, _ISO).get(instruction, f"command {apdu[:2].hex().upper()}")


class Step(NamedTuple):
    """Commands of one name in a row.

    Attributes:
        name: of the command.
        commands: how many in a row.
        card_s: how long card and reader took, seconds.
    """

    name: str
    commands: int
    card_s: float


class Trace(NamedTuple):
    """A read.

    Attributes:
        steps: in order.
        whole_s: from the first command to the identifier, seconds.
        holder_s: of that, how long somebody took to enter a PIN.
    """

    steps: tuple[Step, ...]
    whole_s: float
    holder_s: float = 0.0

    @property
    def card_s(self) -> float:
        """How long card and reader took altogether, seconds."""
        return sum(step.card_s for step in self.steps)

    @property
    def own_s(self) -> float:
        """How long this terminal took itself, seconds."""
        return self.whole_s - self.card_s - self.holder_s


class Traced:
    """Keeps a trace of the last read. Implements ports.readers.CardIdentifier.

    Args:
        identifier: does the reading.
        monotonic_s: seconds, from no matter when.
        pins: those that `identifier` asks, if it asks any.
    """

    def __init__(
        self, identifier: CardIdentifier, monotonic_s: Callable[[], float], pins: TimedPins | None = None
    ) -> None:
        self._identifier = identifier
        self._monotonic_s = monotonic_s
        self._pins = pins
        self.trace = Trace((), 0.0)

    def identify(self, channel: CardChannel, atr: bytes) -> Identifier:
        """See ports.readers.CardIdentifier."""
        timed = _Timed(channel, self._monotonic_s)
        began = self._monotonic_s()
        try:
            return self._identifier.identify(timed, atr)
        finally:
            holder_s = 0.0 if self._pins is None else self._pins.waited_s
            self.trace = Trace(tuple(timed.steps), self._monotonic_s() - began, holder_s)


class TimedPins:
    """Knows how long people took. Implements ports.readers.PinSource.

    Args:
        pins: asks them.
        monotonic_s: seconds, from no matter when.

    Attributes:
        waited_s: seconds, without what the card was asked meanwhile.
    """

    def __init__(self, pins: PinSource, monotonic_s: Callable[[], float]) -> None:
        self._pins = pins
        self._monotonic_s = monotonic_s
        self.waited_s = 0.0

    def ask(self, tries_left: int, length: range, meanwhile: Callable[[], None]) -> str | None:
        """See ports.readers.PinSource."""
        began = self._monotonic_s()

        def with_card() -> None:
            asked = self._monotonic_s()
            try:
                meanwhile()
            finally:
                self.waited_s -= self._monotonic_s() - asked

        try:
            return self._pins.ask(tries_left, length, with_card)
        finally:
            self.waited_s += self._monotonic_s() - began


class _Timed:
    """Implements ports.readers.CardChannel."""

    def __init__(self, channel: CardChannel, monotonic_s: Callable[[], float]) -> None:
        self._channel = channel
        self._monotonic_s = monotonic_s
        self.steps: list[Step] = []

    def transmit(self, apdu: bytes) -> tuple[bytes, int]:
        began = self._monotonic_s()
        try:
            return self._channel.transmit(apdu)
        finally:
            self._note(command_name(apdu), self._monotonic_s() - began)

    def _note(self, name: str, card_s: float) -> None:
        if self.steps and self.steps[-1].name == name:
            _, commands, before_s = self.steps.pop()
            self.steps.append(Step(name, commands + 1, before_s + card_s))
        else:
            self.steps.append(Step(name, 1, card_s))

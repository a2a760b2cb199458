"""The seam of a virtual card, and ISO/IEC 7816-4 command APDUs, read strictly and in one place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_HEADER_BYTES = 4
_READER_CLASS = 0xFF  # PC/SC part 3, section 3.2.2: commands that the reader answers in the card's place


class VirtualCard(Protocol):
    """A card in a slot. The slot's thread only, or its owner while it is in none."""

    @property
    def atr(self) -> bytes:
        """What the reader makes of its activation, 2 to 33 bytes."""
        ...

    @property
    def application(self) -> bytes:
        """The selected application's AID; empty if none is."""
        ...

    def power_on(self) -> None:
        """The card enters the field: it forgets everything and begins anew."""
        ...

    def power_off(self) -> None:
        """The field is gone. Comes again, and without a `power_on` before."""
        ...

    def reset(self) -> None:
        """A warm reset."""
        ...

    def transmit(self, apdu: bytes) -> bytes:
        """Answer a command APDU: response data (0 to 65,536 bytes) and 2 bytes status word."""
        ...


class StatusWord(Exception):
    """An answer other than success.

    Args:
        sw: SW1 and SW2, such as 0x6A82.
        data: what a warning such as 6282 brings along.
    """

    def __init__(self, sw: int, data: bytes = b"") -> None:
        super().__init__(f"{sw:04X}")
        self.sw = sw
        self.data = data


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """A command APDU taken apart: ISO/IEC 7816-4:2020, section 5.2.

    `ne` is the greatest number of bytes that the sender takes in answer, 0 for none; `any_length` is true if it said
    so with an Le of zeros: all there is.
    """

    cla: int
    ins: int
    p1: int
    p2: int
    data: bytes = b""
    ne: int = 0
    any_length: bool = False
    extended: bool = False


def parse(apdu: bytes) -> Command:
    """Take a command APDU apart, in cases 1 to 4, short and extended.

    Raises:
        StatusWord: 6700, the lengths do not add up.
    """
    if len(apdu) < _HEADER_BYTES:
        raise StatusWord(0x6700)
    cla, ins, p1, p2 = apdu[:_HEADER_BYTES]
    body = apdu[_HEADER_BYTES:]
    extended = len(body) > 1 and body[0] == 0
    width = 2 if extended else 1
    body = body[1:] if extended else body
    if len(body) > width:
        count = int.from_bytes(body[:width])
        data, tail = body[width : width + count], body[width + count :]
        if not count or len(data) != count or len(tail) not in {0, width}:
            raise StatusWord(0x6700)
    elif len(body) in {0, width}:
        data, tail = b"", body
    else:
        raise StatusWord(0x6700)
    le = int.from_bytes(tail)
    ne = (le or 1 << 8 * width) if tail else 0
    return Command(
        cla=cla, ins=ins, p1=p1, p2=p2, data=data, ne=ne, any_length=bool(tail) and not le, extended=extended
    )


class IsoCard:
    """What all virtual cards share: reading the command, finding who answers it, fitting the answer to Le.

    Args:
        atr: see `VirtualCard.atr`.
        uid: what the reader calls the card, `FFCA000000`.
        instructions: by class and instruction byte, what answers it: data, or a raised `StatusWord`.
    """

    def __init__(
        self, atr: bytes, uid: bytes, instructions: Mapping[tuple[int, int], Callable[[Command], bytes]] | None = None
    ) -> None:
        self.atr = atr
        self.uid = uid
        self.application = b""
        self.activations = 0  # how often it was powered on
        self._instructions = {(_READER_CLASS, 0xCA): self._get_data, **(instructions or {})}

    def power_on(self) -> None:
        """Begin anew."""
        self.application = b""
        self.activations += 1

    def power_off(self) -> None:
        """Forget what was selected."""
        self.application = b""

    def reset(self) -> None:
        """Nothing: these cards stay as they are over a warm reset."""

    def transmit(self, apdu: bytes) -> bytes:
        """Answer a command APDU: data and status word."""
        try:
            command = parse(apdu)
            self.check(command)
            data = self.find_instruction(command)(command)
        except StatusWord as answer:
            return answer.data + answer.sw.to_bytes(2)
        if len(data) > command.ne:
            return bytes([0x6C, len(data) & 0xFF])
        return data + b"\x90\x00"

    def check(self, command: Command) -> None:
        """Refuse a command, by raising its `StatusWord`, before anyone looks at what it is."""

    def find_instruction(self, command: Command) -> Callable[[Command], bytes]:
        """Who answers a command.

        Raises:
            StatusWord: 6D00, nobody knows the instruction; 6E00, nobody knows the class.
        """
        found = self._instructions.get((command.cla, command.ins))
        if found is None:
            known = command.cla in {cla for cla, _ in self._instructions}
            raise StatusWord(0x6D00 if known else 0x6E00)
        return found

    def _get_data(self, command: Command) -> bytes:
        """GET DATA: PC/SC part 3, section 3.2.2.1.3."""
        data = self.reader_data().get(command.p1) if command.p2 == 0 and not command.data else None
        if data is None:
            raise StatusWord(0x6A81)
        if command.ne > len(data) and not command.any_length:
            raise StatusWord(0x6282, data)
        return data

    def reader_data(self) -> dict[int, bytes]:
        """By P1: what the reader answers to GET DATA."""
        return {0x00: self.uid}

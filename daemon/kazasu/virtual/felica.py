"""Virtual FeliCa cards: what a reader shows of them, and the frames that they answer.

Sources: JIS X 6319-4; Sony, FeliCa Card User's Manual, Excerpted Edition (M617-E02), chapter 4: packets, Polling,
Request Response, Read Without Encryption, Request System Code, status flags. Nothing here was compared with a physical
card.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from kazasu.virtual.card import IsoCard
from kazasu.virtual.felica_reader import TransparentReader

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from kazasu.virtual.felica_reader import FelicaReader

FELICA_ATR: Final = TransparentReader.atr
BLOCK_BYTES: Final = 16

_NUMBER_BYTES: Final = 8
_TIME_SLOTS: Final = frozenset({0x00, 0x01, 0x03, 0x07, 0x0F})
_SYSTEM_WANTED, _PERFORMANCE_WANTED = 0x01, 0x02
_ANY: Final = 0xFF
_MOST_BLOCKS: Final = 15
_LONG_ELEMENT_BYTES, _SHORT_ELEMENT_BYTES = 3, 2
_READABLE_ATTRIBUTES: Final = frozenset({0x09, 0x0B, 0x0D, 0x0F})  # random and cyclic, without a key


class Flags(Exception):
    """Status flags that say no.

    Args:
        flag_1: FF, or which element of a list was at fault.
        flag_2: why.
    """

    def __init__(self, flag_1: int, flag_2: int) -> None:
        super().__init__(f"{flag_1:02X}{flag_2:02X}")
        self.flags = bytes([flag_1, flag_2])


class Element(NamedTuple):
    """An element of a block list."""

    service: int  # its place in the service code list
    access_mode: int
    block: int


class Request(NamedTuple):
    """What Read or Write Without Encryption asks for."""

    services: list[bytes]  # codes, the high byte first
    elements: list[Element]
    rest: bytes


class FelicaCard(IsoCard):
    """A FeliCa card, and the reader in whose field it is.

    Args:
        idm: its number, 8 bytes; of the system with number 0.
        pmm: its parameters, 8 bytes.
        systems: for each system by its code, its services by their code, and their blocks; the first has number 0.
        reader: how it takes FeliCa commands.

    Raises:
        ValueError: one of IDm and PMm has another length.
    """

    def __init__(
        self,
        idm: bytes,
        pmm: bytes = bytes.fromhex("0120220427674EFF"),
        systems: Mapping[bytes, Mapping[bytes, Sequence[bytes]]] | None = None,
        reader: FelicaReader | None = None,
    ) -> None:
        if len(idm) != _NUMBER_BYTES or len(pmm) != _NUMBER_BYTES:
            raise ValueError(f"IDm and PMm have {_NUMBER_BYTES} bytes each, not {len(idm)} and {len(pmm)}")
        reader = reader or TransparentReader()
        super().__init__(reader.atr, idm, reader.instructions(self))
        self.pmm = pmm
        self.reader = reader
        self._systems = systems or {}
        self._frames: dict[int, Callable[[bytes], bytes | None]] = {
            0x00: self._polling,
            0x04: self._request_response,
            0x06: self._read,
            0x0C: self._request_system_code,
        }

    def copy(self) -> FelicaCard:
        """What a copyist gets: all of it."""
        return FelicaCard(self.uid, self.pmm, self._systems, self.reader)

    def reader_data(self) -> dict[int, bytes]:
        """IDm and PMm."""
        return {0x00: self.uid, 0x01: self.pmm}

    @property
    def system_codes(self) -> tuple[bytes, ...]:
        """Of its systems, by their number."""
        return tuple(self._systems)

    def answer(self, frame: bytes) -> bytes | None:
        """Answer a frame, its length first; None: it keeps silent, as to whatever it does not understand."""
        if len(frame) <= 1 or frame[0] != len(frame):
            return None
        command = self._frames.get(frame[1])
        body = command(frame[2:]) if command else None
        return None if body is None else bytes([len(body) + 2, frame[1] + 1]) + body

    def _polling(self, packet: bytes) -> bytes | None:
        if len(packet) != 4 or packet[3] not in _TIME_SLOTS:  # noqa: PLR2004  (system, request, time slots)
            return None
        for number, code in enumerate(self.system_codes or (bytes.fromhex("FFFF"),)):
            if all(wanted in {_ANY, had} for wanted, had in zip(packet[:2], code, strict=True)):
                wanted = {_SYSTEM_WANTED: code, _PERFORMANCE_WANTED: b"\x00\x83"}.get(packet[2], b"")
                return self.idm_of(number) + self.pmm + wanted
        return None

    def idm_of(self, number: int) -> bytes:
        """The IDm of a system; its upper four bits are the system's number."""
        return bytes([self.uid[0] & 0x0F | number << 4]) + self.uid[1:]

    def _system_meant(self, idm: bytes) -> bytes | None:
        """The system that an IDm names."""
        for number, code in enumerate(self.system_codes):
            if self.idm_of(number) == idm:
                return code
        return None

    def _request_response(self, packet: bytes) -> bytes | None:
        return packet + b"\x00" if self._system_meant(packet) else None

    def _request_system_code(self, packet: bytes) -> bytes | None:
        if self._system_meant(packet) is None:
            return None
        return packet + bytes([len(self.system_codes)]) + b"".join(self.system_codes)

    def _read(self, packet: bytes) -> bytes | None:
        system = self._system_meant(packet[:_NUMBER_BYTES])
        request = parsed(packet[_NUMBER_BYTES:])
        if system is None or request is None or request.rest:
            return None
        try:
            blocks = self._blocks(self._systems[system], request)
        except Flags as no:
            return packet[:_NUMBER_BYTES] + no.flags
        return packet[:_NUMBER_BYTES] + b"\x00\x00" + bytes([len(blocks)]) + b"".join(blocks)

    def _blocks(self, services: Mapping[bytes, Sequence[bytes]], request: Request) -> list[bytes]:
        if len(request.services) != 1:
            raise Flags(0xFF, 0xA1)  # of the services, this card reads one at a time
        if not 1 <= len(request.elements) <= _MOST_BLOCKS:
            raise Flags(0xFF, 0xA2)
        blocks = services.get(request.services[0])
        if blocks is None or request.services[0][1] & 0x3F not in _READABLE_ATTRIBUTES:
            raise Flags(0x01, 0xA6)
        read = []
        for at, element in enumerate(request.elements):
            if element.service:
                raise Flags(at + 1, 0xA3)
            if element.access_mode:
                raise Flags(at + 1, 0xA7)
            if element.block >= len(blocks):
                raise Flags(at + 1, 0xA8)
            read.append(blocks[element.block])
        return read


def parsed(packet: bytes) -> Request | None:
    """Take apart what follows the IDm in Read and Write Without Encryption; None if it is cut short."""
    count, rest = packet[:1], packet[1:]
    services = [rest[at : at + 2][::-1] for at in range(0, 2 * sum(count), 2)]
    rest = rest[2 * sum(count) :]
    block_count, rest = sum(rest[:1]), rest[1:]
    elements = []
    for _ in range(block_count):
        length = _SHORT_ELEMENT_BYTES if rest[:1] >= b"\x80" else _LONG_ELEMENT_BYTES
        if len(rest) < length:
            return None
        block = int.from_bytes(rest[1:length], "little")
        elements.append(Element(rest[0] & 0x0F, rest[0] >> 4 & 0x07, block))
        rest = rest[length:]
    complete = count and all(len(code) == 2 for code in services)  # noqa: PLR2004  (a code has two bytes)
    return Request(services, elements, rest) if complete else None

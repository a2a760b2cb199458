"""The exact allow-list where bytes leave for the reader: the only way to a card (rule 6).

A deny-list can be walked round: a prefix of an AID selects another application, a short EF identifier reads a file that
was never selected, an extended length or another class byte spells the same command differently. So nothing passes but
what a card kind has named, byte for byte, and READ BINARY only where such a SELECT has just succeeded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from kazasu.errors import ForbiddenApdu

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kazasu.ports import CardChannel

_SUCCESS: Final = 0x9000
_MORE: Final = 0x61
_READ_BINARY: Final = b"\x00\xb0"
_GET_RESPONSE: Final = b"\x00\xc0\x00\x00"
_SHORT_EF: Final = 0x80
_SHORT_BYTES: Final = 5
_EXTENDED_BYTES: Final = 7
_HEADER_BYTES: Final = 4
_SHORTEST_AID_BYTES: Final = 5  # ISO/IEC 7816-4:2020, 12.2.3: a RID at least
_LONGEST_AID_BYTES: Final = 16


# The applications of a My Number Card that hold the My Number or what leads to it: card-face input aid, card-face
# check, resident register. No kind can allow them, not even one whose AID comes from a configuration.
NEVER: Final = tuple(
    bytes.fromhex(aid) for aid in ("D3921000310001010408", "D3921000310001010402", "D3921000310001010401")
)


class Application(msgspec.Struct, frozen=True, kw_only=True):
    """One application on a card, and what may be read in it.

    Raises:
        ValueError: the AID has another length, or would select one of `NEVER`.

    Attributes:
        aid: its whole application identifier, 5 to 16 bytes.
        files: the identifiers of the transparent EFs that may be selected and read, 2 bytes each.
    """

    aid: bytes
    files: frozenset[bytes]

    def __post_init__(self) -> None:
        if not _SHORTEST_AID_BYTES <= len(self.aid) <= _LONGEST_AID_BYTES:
            raise ValueError(f"an AID has 5 to 16 bytes, and {self.aid.hex().upper()} has {len(self.aid)}")
        if any(never.startswith(self.aid) or self.aid.startswith(never) for never in NEVER):
            raise ValueError(f"{self.aid.hex().upper()} may select an application that holds the My Number (rule 6)")


class Allowance(msgspec.Struct, frozen=True, kw_only=True):
    """What one card kind may send.

    Attributes:
        applications: those it may select.
        commands: further command APDUs, each exactly these bytes.
    """

    applications: tuple[Application, ...] = ()
    commands: frozenset[bytes] = frozenset()


def select_application(aid: bytes) -> bytes:
    """SELECT by DF name, first or only occurrence, no answer data (ISO/IEC 7816-4:2020, 11.2.2)."""
    return b"\x00\xa4\x04\x0c" + bytes([len(aid)]) + aid


def select_file(file: bytes) -> bytes:
    """SELECT an EF under the current DF, no answer data (ISO/IEC 7816-4:2020, 11.2.2)."""
    return b"\x00\xa4\x02\x0c" + bytes([len(file)]) + file


class Guarded:
    """A channel that sends what the allowances hold and nothing else. Implements CardChannel.

    One instance a connection: what it remembers is what this connection has selected. Every delegate stands outside it,
    so whatever a driver or a delegate makes up passes here last.

    Args:
        channel: the reader's own.
        allowances: of all card kinds that take part.
    """

    __slots__ = ("_applications", "_channel", "_commands", "_files", "_more", "_readable")

    def __init__(self, channel: CardChannel, allowances: Iterable[Allowance]) -> None:
        self._channel = channel
        self._applications: dict[bytes, frozenset[bytes]] = {}
        self._commands: frozenset[bytes] = frozenset()
        for allowance in allowances:
            self._commands |= allowance.commands
            for application in allowance.applications:
                select = select_application(application.aid)
                known = self._applications.get(select, frozenset())
                self._applications[select] = known | {select_file(file) for file in application.files}
        self._files: frozenset[bytes] = frozenset()
        self._readable = False
        self._more = False

    def transmit(self, apdu: bytes) -> tuple[bytes, int]:
        """See ports.CardChannel; what is not allowed here and now never reaches the reader."""
        if apdu in self._applications:
            return self._select(apdu, self._applications[apdu], readable=False)
        if apdu in self._files:
            return self._select(apdu, self._files, readable=True)
        if apdu in self._commands or self._reads(apdu) or self._continues(apdu):
            return self._send(apdu)
        header = apdu[:_HEADER_BYTES].hex().upper()
        raise ForbiddenApdu(
            f"{header}…, {len(apdu)} bytes: not on the allow-list, or not after these SELECTs; not sent"
        )

    def _select(self, apdu: bytes, files: frozenset[bytes], *, readable: bool) -> tuple[bytes, int]:
        """Select; until the card confirms it, nothing counts as selected."""
        self._forget()
        data, sw = self._send(apdu)
        if sw == _SUCCESS:
            self._files, self._readable = files, readable
        return data, sw

    def _send(self, apdu: bytes) -> tuple[bytes, int]:
        try:
            data, sw = self._channel.transmit(apdu)
        except BaseException:
            self._forget()  # what the card has made of it is not known
            raise
        self._more = sw >> 8 == _MORE
        return data, sw

    def _forget(self) -> None:
        self._files = frozenset()
        self._readable = False
        self._more = False

    def _reads(self, apdu: bytes) -> bool:
        """READ BINARY of the selected EF: short, or extended as 00 and two bytes of Le."""
        if not self._readable or apdu[:2] != _READ_BINARY:
            return False
        spelled = len(apdu) == _SHORT_BYTES or (len(apdu) == _EXTENDED_BYTES and apdu[_HEADER_BYTES] == 0)
        return spelled and not apdu[2] & _SHORT_EF

    def _continues(self, apdu: bytes) -> bool:
        """GET RESPONSE, while the card has announced more of the answer before."""
        return self._more and apdu[:_HEADER_BYTES] == _GET_RESPONSE and len(apdu) == _SHORT_BYTES

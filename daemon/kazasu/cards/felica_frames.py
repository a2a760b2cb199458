"""FeliCa commands, as they go over the air, and what a card answers to them.

Sources: JIS X 6319-4; Sony, FeliCa Card User's Manual, Excerpted Edition (M617-E02), chapter 4: Polling, Read Without
Encryption, Write Without Encryption, status flags. A frame begins with its own length, that byte included.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from kazasu.errors import CardError, CardRefused
from kazasu.model.access import DenyReason

if TYPE_CHECKING:
    from collections.abc import Sequence

IDM_BYTES: Final = 8
BLOCK_BYTES: Final = 16
EVERY_SYSTEM: Final = b"\xff\xff"
NO_SUCH_SERVICE: Final = 0xA6
NO_SUCH_BLOCK: Final = 0xA8

_POLLING, _READ, _WRITE = 0x00, 0x06, 0x08
_ELEMENT: Final = 0x80  # a block list element of two bytes: the first service of the list, then the block's number
_SYSTEM_NUMBER: Final = 0x0F  # upper four bits of the first byte of an IDm: which of the card's systems it names
_POLLING_ANSWER_BYTES: Final = 17
_HEADER_BYTES: Final = 11  # response code, IDm and both status flags
_WORN: Final = 0x71  # done, and the memory has been written more often than it is made for


class Frame:
    """A command with gaps, which are the terminal's own to fill; one definition for sending it and for allowing it.

    Args:
        parts: bytes that are exactly these, and for each gap its length, 1 or more; the first part is bytes, and the
            length byte before it is put there here.
    """

    __slots__ = ("length", "parts")

    def __init__(self, *parts: bytes | int) -> None:
        self.length = 1 + sum(part if isinstance(part, int) else len(part) for part in parts)
        self.parts: tuple[bytes | int, ...] = (bytes([self.length]), *parts)

    def filled(self, *values: bytes) -> bytes:
        """The command, with these values in its gaps, each as long as its gap."""
        rest = iter(values)
        return b"".join(part if isinstance(part, bytes) else next(rest) for part in self.parts)


def polling(system: bytes) -> Frame:
    """Ask who has a system: no request data, one time slot.

    Args:
        system: its code, 2 bytes, or `EVERY_SYSTEM`.
    """
    return Frame(bytes([_POLLING]) + system + b"\x00\x00")


def reading(service: bytes, blocks: Sequence[int]) -> Frame:
    """Read blocks of one service; the gap is the IDm.

    Args:
        service: its code, 2 bytes as it is written, the high byte first.
        blocks: their numbers, 0 to 255.
    """
    return Frame(bytes([_READ]), IDM_BYTES, b"\x01" + service[::-1] + _block_list(blocks))


def writing(service: bytes, block: int) -> Frame:
    """Write one block of one service; the gaps are the IDm and the block's 16 bytes.

    Args:
        service: as for `reading`.
        block: its number, 0 to 255.
    """
    return Frame(bytes([_WRITE]), IDM_BYTES, b"\x01" + service[::-1] + _block_list([block]), BLOCK_BYTES)


def _block_list(blocks: Sequence[int]) -> bytes:
    return bytes([len(blocks)]) + b"".join(bytes([_ELEMENT, block]) for block in blocks)


class CardStatus(CardError):
    """The card answered a command with status flags that say no.

    Args:
        step: what was asked of the card, in words.
        flags: status flag 1 and 2.
    """

    def __init__(self, step: str, flags: bytes) -> None:
        super().__init__(f"{step}: the card answered the status flags {flags.hex().upper()}")
        self.flag_2 = flags[1]


class Polled(NamedTuple):
    """Who answered a Polling: 8 bytes each."""

    idm: bytes
    pmm: bytes

    def __repr__(self) -> str:
        """Without the number."""
        return "Polled(…)"


def polled(answer: bytes) -> Polled:
    """Take apart what came after a Polling.

    Args:
        answer: the frame, with its length.

    Raises:
        CardRefused: it is no answer to a Polling.
    """
    body = _body(answer, _POLLING + 1)
    if len(body) != _POLLING_ANSWER_BYTES:
        raise unreadable("the answer to a Polling has another length")
    return Polled(body[1 : 1 + IDM_BYTES], body[1 + IDM_BYTES :])


def blocks_read(answer: bytes, idm: bytes, count: int, step: str) -> list[bytes]:
    """Take apart what came after Read Without Encryption.

    Args:
        answer: the frame, with its length.
        idm: who was asked.
        count: how many blocks were asked for.
        step: what was asked of the card, in words.

    Returns:
        As many blocks as were asked for, 16 bytes each.

    Raises:
        CardRefused: another card answered, or not as the command has it.
        CardStatus: the card says no.
    """
    data = _after_flags(answer, _READ + 1, idm, step)
    if len(data) != 1 + count * BLOCK_BYTES or data[0] != count:
        raise unreadable(f"{step}: the answer has another length")
    return [data[at : at + BLOCK_BYTES] for at in range(1, len(data), BLOCK_BYTES)]


def block_written(answer: bytes, idm: bytes, step: str) -> None:
    """See that a block was written; arguments and errors as for `blocks_read`."""
    if _after_flags(answer, _WRITE + 1, idm, step):
        raise unreadable(f"{step}: the answer has another length")


def same_card(one: bytes, other: bytes) -> bool:
    """Whether two IDm are of one card; each of its systems has its own, which tells the system's number."""
    return one[1:] == other[1:] and one[0] & _SYSTEM_NUMBER == other[0] & _SYSTEM_NUMBER


def another_card() -> CardRefused:
    """The refusal when an IDm came that is not this card's."""
    return CardRefused(DenyReason.TWO_CARDS, "another FeliCa card answered: one card alone")


def unreadable(detail: str) -> CardRefused:
    """The refusal of an answer that no document allows."""
    return CardRefused(DenyReason.CARD_UNREADABLE, detail)


def _body(answer: bytes, code: int) -> bytes:
    """A frame without its length; its first byte is the response code."""
    if len(answer) <= 1 or answer[0] != len(answer) or answer[1] != code:
        raise unreadable("the answer is no FeliCa frame, or to another command")
    return answer[1:]


def _after_flags(answer: bytes, code: int, idm: bytes, step: str) -> bytes:
    body = _body(answer, code)
    if len(body) < _HEADER_BYTES:
        raise unreadable(f"{step}: the answer has another length")
    if body[1 : 1 + IDM_BYTES] != idm:
        raise another_card()
    flags = body[_HEADER_BYTES - 2 : _HEADER_BYTES]
    if flags[0] and flags[1] != _WORN:
        raise CardStatus(step, flags)
    return body[_HEADER_BYTES:]

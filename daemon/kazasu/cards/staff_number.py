"""The staff number: cut out of what the card answered, and read. What a card sends is anybody's bytes."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Final

from kazasu.cards import tlv
from kazasu.errors import CardRefused
from kazasu.model.access import DenyReason

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kazasu.cards.staff_cut import Cut, Encoding

_PADDING: Final = b" \x00\xff"
_BCD_PADDING: Final = "F"


def cut_out(answers: Mapping[str, bytes], cut: Cut, what: str) -> bytes:
    """Cut bytes out of the card's answers.

    Args:
        answers: by the step's name.
        cut: which; its step is among the answers.
        what: what they are, in words, for errors.

    Returns:
        1 byte or more; exactly as many as the cut asks for if it says how many.

    Raises:
        CardRefused: the answer holds no such object or is too short.
    """
    try:
        value = tlv.find(answers[cut.from_], cut.path)
    except ValueError as error:
        raise _unreadable(f"the answer to {cut.from_!r}, for the {what}: {error}") from error
    if value is None:
        raise _unreadable(f"the answer to {cut.from_!r} holds no object {'/'.join(cut.tlv)}, for the {what}")
    end = None if cut.length is None else cut.offset + cut.length
    if len(value) < (cut.offset + 1 if end is None else end):
        raise _unreadable(f"the answer to {cut.from_!r} is too short for the {what}")
    return value[cut.offset : end]


def number_of(raw: bytes, encoding: Encoding) -> str:
    """Read a staff number; the same number in another encoding is the same text.

    Args:
        raw: as it was cut out, 1 byte or more.
        encoding: `ascii` and `shift_jis` without padding (spaces, 00 or FF around it), full-width digits and letters
            as half-width; `bcd` with its leading zeros, without padding F at the end; `hex` in upper case; `integer`
            big-endian, in decimal.

    Raises:
        CardRefused: it is not written so (CARD_UNREADABLE), or is blank, so that many cards have it (NO_STABLE_NUMBER):
            zeros, spaces, or memory that was never written.
    """
    if not raw.strip(b"\xff"):
        raise _blank()
    try:
        number = _decoded(raw, encoding)
    except ValueError as error:
        # Its words may quote the number.
        raise _unreadable(f"the staff number is not written as {encoding}") from error
    return expect_number(number)


def expect_number(text: str) -> str:
    """A staff number without what its way onto the card has added: full-width forms, spaces around it.

    Raises:
        CardRefused: see `number_of`.
    """
    number = unicodedata.normalize("NFKC", text).strip()
    if not number.isprintable():
        raise _unreadable("the staff number holds control characters")
    if not number.strip("0"):
        raise _blank()
    return number


def _decoded(raw: bytes, encoding: Encoding) -> str:
    match encoding:
        case "ascii" | "shift_jis":
            # Trailing bytes of Shift_JIS are 40 to FC, so nothing of a character is taken for padding.
            return raw.strip(_PADDING).decode(encoding)
        case "bcd":
            digits = raw.hex().upper().rstrip(_BCD_PADDING)
            if digits.strip("0123456789"):
                raise ValueError("no digit")
            return digits
        case "hex":
            return raw.hex().upper()
        case "integer":
            return str(int.from_bytes(raw))


def _blank() -> CardRefused:
    return CardRefused(DenyReason.NO_STABLE_NUMBER, "the staff number on this card is blank")


def _unreadable(detail: str) -> CardRefused:
    return CardRefused(DenyReason.CARD_UNREADABLE, detail)

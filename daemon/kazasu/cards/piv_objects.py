"""What a PIV card gives to GET DATA: the card's number (CHUID) and its card authentication certificate.

NIST SP 800-73-4 part 1, appendix A: BER-TLV data objects of one-byte tags in an object of tag 53. Nothing of it is
checked here but its form; what a card sends is anybody's.
"""

from __future__ import annotations

import zlib
from typing import Final, NamedTuple, NoReturn

from kazasu.errors import CardRefused
from kazasu.model.access import DenyReason

_LONGEST_BYTES: Final = 8192  # of an object, and of a certificate once decompressed: the standard's have 3,500 at most
_LONG_LENGTHS: Final = {0x81: 1, 0x82: 2}
_SHORT_LENGTHS: Final = range(0x80)
_LONGEST_HEADER_BYTES: Final = 4
_SUBSEQUENT_BYTES: Final = 0x1F  # a tag that ends so goes on in the next byte: there are none in these objects

_ANSWER: Final = 0x53
_FASC_N: Final = 0x30
_GUID: Final = 0x34
_FASC_N_BYTES: Final = 25
_GUID_BYTES: Final = 16
_CERTIFICATE: Final = 0x70
_CERT_INFO: Final = 0x71
_ERROR_DETECTION: Final = 0xFE  # always empty
_COMPRESSION: Final = 0x03
_PLAIN: Final = 0x00
_GZIP: Final = 0x01
_GZIP_WINDOW: Final = 16 + zlib.MAX_WBITS  # RFC 1952 and nothing else

# FASC-N: 40 characters of 4 bits, least significant first, and odd parity (TIG SCEPACS v2.3, section 6.1).
_CHARACTER_BITS: Final = 5
_SHARED: Final = "B9999D9999D999999D"  # begin, agency, system, credential number


class Chuid(NamedTuple):
    """A card's number.

    Attributes:
        guid: the card UUID, 16 bytes; None if the card has none.
        fasc_n: 25 bytes; None if the card has none of its own.
    """

    guid: bytes | None
    fasc_n: bytes | None

    def __repr__(self) -> str:
        """Without the number."""
        return "Chuid(…)"


def read_chuid(answer: bytes, *, cut: bool) -> Chuid | None:
    """Take a Card Holder Unique Identifier apart.

    Cards of issuers outside the United States' government share one FASC-N, whose agency, system and credential number
    are nines (SP 800-73-4 part 1, section 3.1.2); a GUID of zeros says that there is none.

    Args:
        answer: to GET DATA.
        cut: whether it is only the beginning. The numbers stand before the issuer's signature, which is most of it.

    Returns:
        None if it was cut before its numbers.

    Raises:
        CardRefused: CARD_UNREADABLE.
    """
    objects = elements(value_of(answer, _ANSWER, cut=cut), cut=cut)
    if cut and not {_FASC_N, _GUID} <= objects.keys():
        return None
    guid = objects.get(_GUID, b"")
    fasc_n = objects.get(_FASC_N, b"")
    if len(guid) not in {0, _GUID_BYTES} or len(fasc_n) not in {0, _FASC_N_BYTES}:
        _refuse("the lengths of its numbers are not those of a CHUID")
    return Chuid(guid if any(guid) else None, fasc_n if _is_own(fasc_n) else None)


def _is_own(fasc_n: bytes) -> bool:
    return any(fasc_n) and not _characters(fasc_n).startswith(_SHARED)


def _characters(fasc_n: bytes) -> str:
    """The 40 characters of a FASC-N as hexadecimal digits: B begins, D separates, F ends."""
    bits = f"{int.from_bytes(fasc_n):0{8 * len(fasc_n)}b}"
    groups = [bits[at : at + _CHARACTER_BITS] for at in range(0, len(bits), _CHARACTER_BITS)]
    return "".join(f"{int(group[3::-1], 2):X}" for group in groups)


def read_certificate(answer: bytes) -> bytes | None:
    """Take a certificate object apart.

    Args:
        answer: to GET DATA.

    Returns:
        The certificate, DER, decompressed; None if the object is there and empty.

    Raises:
        CardRefused: CARD_UNREADABLE.
    """
    objects = elements(value_of(answer, _ANSWER))
    certificate = objects.get(_CERTIFICATE, b"")
    if not certificate:
        if objects.keys() - {_CERTIFICATE, _CERT_INFO, _ERROR_DETECTION}:
            _refuse("its certificate object holds something else")
        return None
    info = objects.get(_CERT_INFO, b"")
    if len(info) != 1:
        _refuse("its certificate does not say in what form it is")
    form = info[0] & _COMPRESSION
    if form not in {_PLAIN, _GZIP}:
        _refuse("its certificate is in a form that the standard does not know")
    return _decompressed(certificate) if form == _GZIP else certificate


def _decompressed(packed: bytes) -> bytes:
    unpacking = zlib.decompressobj(_GZIP_WINDOW)
    try:
        certificate = unpacking.decompress(packed, _LONGEST_BYTES)
    except zlib.error as error:
        raise _unreadable("its compressed certificate is damaged") from error
    if not unpacking.eof or unpacking.unused_data:
        _refuse("its compressed certificate is too long, or not whole")
    return certificate


def value_of(data: bytes, tag: int, *, cut: bool = False) -> bytes:
    """The value of one data object, which is all there is.

    Args:
        data: of one object.
        tag: which, one byte.
        cut: whether it is only the beginning of the object.

    Raises:
        CardRefused: CARD_UNREADABLE, it is another object, too long, not whole, or something follows.
    """
    if len(data) > _LONGEST_BYTES:
        _refuse("its answer is longer than any data object")
    if not data or data[0] != tag:
        _refuse("its answer is not the data object that was asked for")
    length, at = _length(data, 1)
    if length != len(data) - at and not (cut and length > len(data) - at):
        _refuse("its answer is not one data object and nothing else")
    return data[at:]


def elements(data: bytes, *, cut: bool = False) -> dict[int, bytes]:
    """The data objects in a value, by tag.

    Args:
        data: the value.
        cut: whether it is only the beginning; then what is not whole is left out.

    Raises:
        CardRefused: CARD_UNREADABLE, one is not whole or comes twice.
    """
    found: dict[int, bytes] = {}
    at = 0
    while at < len(data):
        tag = data[at]
        if tag & _SUBSEQUENT_BYTES == _SUBSEQUENT_BYTES:
            _refuse("a tag in its answer is none of a PIV card's")
        if cut and len(data) - at <= _LONGEST_HEADER_BYTES:
            break
        length, at = _length(data, at + 1)
        if at + length > len(data):
            if cut:
                break
            _refuse("a data object in its answer is not whole")
        if tag in found:
            _refuse("a data object comes twice in its answer")
        found[tag] = data[at : at + length]
        at += length
    return found


def _length(data: bytes, at: int) -> tuple[int, int]:
    first = data[at] if at < len(data) else 0xFF
    if first in _SHORT_LENGTHS:
        return first, at + 1
    count = _LONG_LENGTHS.get(first)
    if count is None or at + 1 + count > len(data):
        _refuse("a length in its answer is not of one to three bytes")
    return int.from_bytes(data[at + 1 : at + 1 + count]), at + 1 + count


def _refuse(detail: str) -> NoReturn:
    raise _unreadable(detail)


def _unreadable(detail: str) -> CardRefused:
    return CardRefused(DenyReason.CARD_UNREADABLE, f"a PIV card, but {detail}")

"""BER-TLV with tags of one byte and definite lengths, as virtual cards write and read it (ISO/IEC 8825-1, 8.1)."""

from __future__ import annotations

_LONG = 0x80


def tlv(tag: int, value: bytes) -> bytes:
    """One data object, its length in the fewest bytes.

    Args:
        tag: one byte.
        value: up to 65,535 bytes.
    """
    count = len(value)
    if count < _LONG:
        return bytes([tag, count]) + value
    digits = count.to_bytes(1 if count <= 0xFF else 2)  # noqa: PLR2004  (a byte)
    return bytes([tag, _LONG | len(digits)]) + digits + value


def objects(data: bytes) -> dict[int, bytes] | None:
    """The data objects that follow one another, by tag; None if these are no data objects, or a tag comes twice."""
    found: dict[int, bytes] = {}
    at = 0
    while at < len(data):
        tag, first = data[at], data[at + 1] if at + 1 < len(data) else 0xFF
        at += 2
        length = first
        if first >= _LONG:
            width = first & ~_LONG
            length = int.from_bytes(data[at : at + width])
            at += width
        if first == 0xFF or at + length > len(data) or tag in found:  # noqa: PLR2004  (reserved)
            return None
        found[tag] = data[at : at + length]
        at += length
    return found

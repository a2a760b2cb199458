"""BER-TLV data objects in what a card answers (ISO/IEC 7816-4:2020, 6.3; ISO/IEC 8825-1, 8.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_SUBSEQUENT_BYTES: Final = 0x1F
_MORE_BYTES: Final = 0x80
_LONGEST_TAG_BYTES: Final = 3
_LONGEST_LENGTH_BYTES: Final = 4
_PADDING: Final = frozenset({0x00, 0xFF})


def is_tag(tag: bytes) -> bool:
    """Whether these bytes are one whole tag, 1 to 3 bytes."""
    if not tag or tag[0] in _PADDING:
        return False
    if tag[0] & _SUBSEQUENT_BYTES != _SUBSEQUENT_BYTES:
        return len(tag) == 1
    return 1 < len(tag) <= _LONGEST_TAG_BYTES and not tag[-1] & _MORE_BYTES and all(b & _MORE_BYTES for b in tag[1:-1])


def find(data: bytes, path: Sequence[bytes]) -> bytes | None:
    """The value of the data object at the end of a path; of several with one tag, the first.

    Args:
        data: data objects, one after another; 00 or FF between them is padding.
        path: tags, the outermost first; each but the last names an object that holds others.

    Returns:
        None if there is no such object.

    Raises:
        ValueError: before it was found, something came that is no data object; the words quote none of it.
    """
    for tag in path:
        value = next((value for here, value in _objects(data) if here == tag), None)
        if value is None:
            return None
        data = value
    return data


def _objects(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 0
    while at < len(data):
        if data[at] in _PADDING:
            at += 1
            continue
        tag, at = _tag(data, at)
        length, at = _length(data, at)
        if at + length > len(data):
            raise ValueError("a data object is longer than what holds it")
        yield tag, data[at : at + length]
        at += length


def _tag(data: bytes, at: int) -> tuple[bytes, int]:
    end = at + 1
    if data[at] & _SUBSEQUENT_BYTES == _SUBSEQUENT_BYTES:
        while end < len(data) and data[end] & _MORE_BYTES and end - at < _LONGEST_TAG_BYTES:
            end += 1
        end += 1
    tag = data[at:end]
    if not is_tag(tag):
        raise ValueError("what comes is not a tag of 1 to 3 bytes")
    return tag, end


def _length(data: bytes, at: int) -> tuple[int, int]:
    first = data[at] if at < len(data) else _MORE_BYTES
    if not first & _MORE_BYTES:
        return first, at + 1
    count = first & ~_MORE_BYTES
    digits = data[at + 1 : at + 1 + count]
    if not 1 <= count <= _LONGEST_LENGTH_BYTES or len(digits) != count:
        raise ValueError("a data object's length is not 1 to 5 bytes")
    return int.from_bytes(digits), at + 1 + count

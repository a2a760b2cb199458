"""What somebody else wrote, made fit to be shown: no escape sequence, nothing that turns text round, no second line."""

from __future__ import annotations

import unicodedata

_MARKS = frozenset({"Mn", "Me"})  # stacked without an end they cover the lines above and below
_WIDE = frozenset({"W", "F"})
_REPLACEMENT = "�"


def plain(text: str, limit: int = 200) -> str:
    """The text with every control, format and invisible character replaced, at most `limit` long."""
    composed = unicodedata.normalize("NFC", text[:limit])[:limit]
    if composed.isascii() and composed.isprintable():
        return composed
    return "".join(
        character if character.isprintable() else _REPLACEMENT
        for character in composed
        if unicodedata.category(character) not in _MARKS
    )


def columns(text: str) -> int:
    """How many columns of a terminal plain text takes."""
    if text.isascii():
        return len(text)
    return sum(2 if unicodedata.east_asian_width(character) in _WIDE else 1 for character in text)


def fitted(text: str, width: int) -> str:
    """Plain text in exactly so many columns: filled up with spaces, or cut with an ellipsis."""
    taken = columns(text)
    if taken <= width:
        return text + " " * (width - taken)
    while text and columns(text) > width - 1:
        text = text[:-1]
    return text + "…" * min(1, width) + " " * (width - 1 - columns(text))

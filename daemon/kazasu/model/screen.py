"""What a small display shows: four lines of sixteen cells, the same on every kind of display."""

from __future__ import annotations

import unicodedata

import msgspec

ROWS = 4
COLUMNS = 16
"""Half-width cells a row; a Japanese character takes two. 128 by 64 pixels hold just that in cells of 8 by 16."""


class Screen(msgspec.Struct, frozen=True, kw_only=True):
    """One picture.

    Attributes:
        lines: up to four, each at most sixteen cells wide: see `fitted`. Rows that are not given stay blank.

    Raises:
        ValueError: too many lines, one that is too wide, or a control character.
    """

    lines: tuple[str, ...]

    def __post_init__(self) -> None:
        if len(self.lines) > ROWS:
            raise ValueError(f"{len(self.lines)} lines on a screen of {ROWS}")
        for line in self.lines:
            if width(line) > COLUMNS:
                raise ValueError(f"a line of {width(line)} cells on a screen of {COLUMNS}")
            if any(unicodedata.category(character) == "Cc" for character in line):
                raise ValueError("a control character on a screen")


def width(text: str) -> int:
    """How many half-width cells a text takes (UAX #11: W, F and, as Japanese fonts draw them, A take two)."""
    return sum(_cells(character) for character in text)


def fitted(text: str) -> str:
    """Make any text a line: control characters left out, cut at sixteen cells."""
    line, room = "", COLUMNS
    for character in text:
        if unicodedata.category(character) == "Cc":
            continue
        room -= _cells(character)
        if room < 0:
            break
        line += character
    return line


def _cells(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WFA" else 1

"""How much of a person's name a display shows to whoever stands beside it."""

from __future__ import annotations

import enum

_HIDDEN = "〇"  # as Japanese public notices write a letter that is left out
_LATIN_BELOW = 0x250  # Basic Latin to Latin Extended-B (Unicode's block list)


class NameMask(enum.StrEnum):
    """How a name is shown; the values are in the configuration."""

    OFF = "off"  # no name at all
    MASK = "mask"  # 山田 〇子, Maria T.
    FULL = "full"  # as the roster has it


def masked(name: str, how: NameMask) -> str:
    """Write a name so that its owner knows it and a stranger does not.

    Args:
        name: as in the roster, its parts parted by blanks, ideographic ones too.
        how: how much of it.

    Returns:
        Latin names: the first part, then the initial of the last (Maria T.); a single part of them is its initial (M.).
        All others: the family name, then the given name's last character with 〇 before it (山田 〇子); a given name
        of one character is hidden whole (森 〇). Without a blank nobody can tell the parts, so only the first
        character is left (山〇〇〇). Empty with `OFF`, and of a blank name.
    """
    parts = name.split()
    if how is NameMask.OFF or not parts:
        return ""
    if how is NameMask.FULL:
        return " ".join(parts)
    if all(_is_latin(part) for part in parts):
        return f"{parts[0]} {parts[-1][0]}." if len(parts) > 1 else f"{parts[0][0]}."
    if len(parts) == 1:
        return parts[0][0] + _HIDDEN * (len(parts[0]) - 1)
    given = parts[-1]
    return f"{parts[0]} {_HIDDEN * max(1, len(given) - 1)}{given[-1] if len(given) > 1 else ''}"


def _is_latin(part: str) -> bool:
    return ord(part[0]) < _LATIN_BELOW

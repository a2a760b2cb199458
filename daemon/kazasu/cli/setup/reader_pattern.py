"""Patterns that mean a PC/SC reader, also once it was plugged in anew."""

from __future__ import annotations

import re

from kazasu.readers.presence import ReaderPattern

_SLOT = re.compile(r"(?P<name>.+?)(?: \[.*\])?(?: \([^()]*\))? (?P<index>[0-9A-F]{2}) (?P<slot>[0-9A-F]{2})")
_SAM = re.compile(r"\bSAM\b")


def propose(names: list[str]) -> dict[str, str]:
    """Find a pattern for each reader that fits it again after it was plugged in anew, and no other reader.

    PC/SC names end in two hexadecimal numbers, of the reader and of its slot; the first changes with the order in which
    readers are plugged in. A serial number in round brackets, which Sony's have, would keep a spare one out.

    Args:
        names: as pcscd gives them.

    Returns:
        Pattern by name; slots for SAMs, which no card reaches, are left out.
    """
    usable = [name for name in names if not _SAM.search(name)]
    found = {}
    for name in usable:
        match = _SLOT.fullmatch(name)
        patterns = [] if match is None else [f"{match['name']}*", f"{match['name']}* {match['slot']}"]
        if "PICC" in name:
            patterns.insert(0, "*PICC*")
        fitting = (each for each in patterns if [other for other in names if fits(each, other)] == [name])
        # Two alike: only the whole name tells them apart.
        found[name] = next(fitting, name)
    return found


def fits(pattern: str, pcsc_name: str) -> bool:
    """Whether a pattern of the configuration means a PC/SC reader."""
    return ReaderPattern(name="", match=pattern).fits(pcsc_name)

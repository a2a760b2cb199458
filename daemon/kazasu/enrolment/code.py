"""The one-time code: shown at the desk, typed at the terminal; it never travels with the bundle that it opens."""

from __future__ import annotations

import secrets
from typing import Final

_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base 32: nothing that is taken for something else
_LENGTH: Final = 12  # 60 bits
_GROUP: Final = 4
_MEANT: Final = str.maketrans({"O": "0", "I": "1", "L": "1", "-": None, " ": None})


def new_code() -> str:
    """Make a code: 60 random bits as three groups of four."""
    drawn = "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))
    return "-".join(drawn[start : start + _GROUP] for start in range(0, _LENGTH, _GROUP))


def meant(typed: str) -> str:
    """What somebody meant who typed a code: case, spaces and hyphens do not count, nor O for 0 and I or L for 1."""
    return typed.strip().upper().translate(_MEANT)

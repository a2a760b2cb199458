"""Card numbers leave this room as pseudonyms only (rule 7)."""

from __future__ import annotations

import hashlib
import hmac
from typing import Final

_KEPT_BYTES: Final = 16
_SHORTEST_PEPPER_BYTES: Final = 32


class Pseudonymizer:
    """Turns what a card says into the number under which the site knows the card.

    HMAC-SHA-256 under the site's pepper over the kind and each part, every one preceded by its length in four bytes, so
    that no two inputs have the same encoding; the first 16 bytes of it, which no site fills by chance.

    Args:
        pepper: the site's secret, the same on every terminal; 32 bytes at least.

    Raises:
        ValueError: a shorter pepper, which could be guessed.
    """

    __slots__ = ("_keyed",)

    def __init__(self, pepper: bytes) -> None:
        if len(pepper) < _SHORTEST_PEPPER_BYTES:
            raise ValueError(f"the pepper has to have {_SHORTEST_PEPPER_BYTES} bytes, and has {len(pepper)}")
        self._keyed = hmac.new(pepper, digestmod=hashlib.sha256)  # copied for each card: keying is most of the work

    def __repr__(self) -> str:
        """Without the pepper."""
        return "Pseudonymizer(…)"

    def pseudonym(self, kind: str, *parts: bytes) -> str:
        """The number of one card.

        Args:
            kind: the card kind's name: the same serial on two kinds is two cards.
            parts: what identifies the card within its kind.

        Returns:
            32 lower-case hexadecimal digits.
        """
        encoded = b"".join(len(part).to_bytes(4) + part for part in (kind.encode(), *parts))
        keyed = self._keyed.copy()
        keyed.update(encoded)
        return keyed.digest()[:_KEPT_BYTES].hex()

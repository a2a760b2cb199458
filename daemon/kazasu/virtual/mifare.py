"""MIFARE cards as a PC/SC reader shows them: a number that anybody can copy."""

from __future__ import annotations

from typing import Final

from kazasu.virtual.card import IsoCard

# PC/SC part 3, 3.1.3.2.3: the workgroup's RID, standard 03 (ISO/IEC 14443 A, part 3), the card's name in two bytes.
CLASSIC_1K_ATR: Final = bytes.fromhex("3B8F8001804F0CA000000306030001000000006A")
ULTRALIGHT_ATR: Final = bytes.fromhex("3B8F8001804F0CA0000003060300030000000068")

_UID_BYTES: Final = frozenset({4, 7, 10})  # ISO/IEC 14443-3: single, double and triple size


class MifareCard(IsoCard):
    """A MIFARE card.

    Args:
        uid: its number, 4, 7 or 10 bytes.
        atr: the model's.

    Raises:
        ValueError: the number has another length.
    """

    def __init__(self, uid: bytes, atr: bytes = CLASSIC_1K_ATR) -> None:
        if len(uid) not in _UID_BYTES:
            raise ValueError(f"a UID has 4, 7 or 10 bytes, not {len(uid)}")
        super().__init__(atr, uid)

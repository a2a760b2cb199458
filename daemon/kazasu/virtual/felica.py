"""A FeliCa card as a PC/SC reader shows it: its number, its parameters, and nothing that proves anything."""

from __future__ import annotations

from typing import Final

from kazasu.virtual.card import IsoCard

FELICA_ATR: Final = bytes.fromhex("3B8F8001804F0CA00000030611003B0000000042")  # PC/SC part 3, 3.1.3.2.3: standard 11

_NUMBER_BYTES: Final = 8


class FelicaCard(IsoCard):
    """A FeliCa card.

    Args:
        idm: its number, 8 bytes.
        pmm: its parameters, 8 bytes.

    Raises:
        ValueError: one of them has another length.
    """

    def __init__(self, idm: bytes, pmm: bytes = bytes.fromhex("0120220427674EFF")) -> None:
        if len(idm) != _NUMBER_BYTES or len(pmm) != _NUMBER_BYTES:
            raise ValueError(f"IDm and PMm have {_NUMBER_BYTES} bytes each, not {len(idm)} and {len(pmm)}")
        super().__init__(FELICA_ATR, idm)
        self._pmm = pmm

    def reader_data(self) -> dict[int, bytes]:
        """IDm and PMm."""
        return {0x00: self.uid, 0x01: self._pmm}

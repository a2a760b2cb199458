"""What a contactless card's ATR says, as the reader makes it up (PC/SC specification part 3, 3.1.3.2.3).

For a storage card it names the standard and the card, and it is decisive, since such a card knows no SELECT. For a card
with a processor it carries a few bytes of the card's own, which name no application: there only SELECT decides.
"""

from __future__ import annotations

from functools import reduce
from operator import xor
from typing import Final

import msgspec

# Initial header, T0 of 15 historical bytes, TD1, TD2; category 80, then a "4F" object with the PC/SC workgroup's RID.
_STORAGE_PREFIX: Final = bytes.fromhex("3B8F8001804F0CA000000306")
_STORAGE_BYTES: Final = 20

# The same with 8 historical bytes: application data and protocol information of the ATQB, and the MBLI.
_TYPE_B_PREFIX: Final = bytes.fromhex("3B888001")
_TYPE_B_BYTES: Final = 13
_ISO_14443_4: Final = 0x01

TYPE_A: Final = frozenset({0x01, 0x02, 0x03})  # ISO/IEC 14443 A, part 1 to 3
FELICA: Final = 0x11

# The ACR122U names standard 03 for FeliCa too, and tells it by the card: 212 and 424 kbit/s (ACS, ACR122U Application
# Programming Interface, "ATR generation" and "How to access FeliCa tags").
_FELICA_ON_ACR122U: Final = frozenset({0xF011, 0xF012})


class StorageCard(msgspec.Struct, frozen=True, kw_only=True):
    """What a storage card is.

    Attributes:
        standard: the byte SS of the specification.
        card: the two bytes NN of the specification, 0 to 65,535.
    """

    standard: int
    card: int

    @property
    def is_felica(self) -> bool:
        """Whether it answers with an IDm."""
        return self.standard == FELICA or (self.standard in TYPE_A and self.card in _FELICA_ON_ACR122U)

    @property
    def is_type_a(self) -> bool:
        """Whether it answers with the UID of an ISO/IEC 14443 type A card."""
        return self.standard in TYPE_A and not self.is_felica


def storage_card(atr: bytes) -> StorageCard | None:
    """Take a storage card's ATR apart; None for every other card."""
    if len(atr) != _STORAGE_BYTES or not atr.startswith(_STORAGE_PREFIX):
        return None
    return StorageCard(standard=atr[12], card=int.from_bytes(atr[13:15]))


def is_type_b(atr: bytes) -> bool:
    """Whether a contactless processor card is of ISO/IEC 14443 type B.

    Type A cards with eight historical bytes look alike, so the protocol information must be one that ISO/IEC 14443-3,
    7.9.4 allows: reserved bits 0, the protocol being 14443-4, a frame size and a waiting time that exist.
    """
    if len(atr) != _TYPE_B_BYTES or not atr.startswith(_TYPE_B_PREFIX) or reduce(xor, atr[1:]):
        return False
    bit_rates, frame_and_protocol, waiting_and_options, buffer = atr[8:12]
    return (
        not bit_rates & 0x08
        and frame_and_protocol & 0x09 == _ISO_14443_4
        and frame_and_protocol >> 4 <= 0x0C  # noqa: PLR2004  (4,096 bytes, the largest frame)
        and waiting_and_options >> 4 <= 0x0E  # noqa: PLR2004  (15 is reserved)
        and not buffer & 0x0F
    )

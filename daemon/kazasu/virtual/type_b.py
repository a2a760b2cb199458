"""Cards of ISO 14443 Type B, whose number is random at every activation, and a foreign one: a driving licence."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Final, NoReturn

from kazasu.virtual.card import IsoCard, StatusWord

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from kazasu.virtual.card import Command

DRIVING_LICENCE_ATR: Final = bytes.fromhex("3B888001000000009181C100D8")

_PUPI_BYTES: Final = 4  # ISO/IEC 14443-3, 7.9.2


class TypeBCard(IsoCard):
    """A Type B card: what the reader calls its number, the PUPI, is made anew each time the field comes up.

    Args:
        atr: see `VirtualCard.atr`.
        instructions: see `IsoCard`.
    """

    def __init__(
        self, atr: bytes, instructions: Mapping[tuple[int, int], Callable[[Command], bytes]] | None = None
    ) -> None:
        super().__init__(atr, secrets.token_bytes(_PUPI_BYTES), instructions)

    def power_on(self) -> None:
        """Begin anew, under a new number."""
        super().power_on()
        self.uid = secrets.token_bytes(_PUPI_BYTES)


class DrivingLicence(TypeBCard):
    """A card that looks like a My Number Card until one asks it for an application: it has none that we know."""

    def __init__(self) -> None:
        super().__init__(DRIVING_LICENCE_ATR, {(0x00, 0xA4): _not_found})


def _not_found(_: Command) -> NoReturn:
    raise StatusWord(0x6A82)

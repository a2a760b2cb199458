"""The number by which a storage card answers, as the reader keeps it (PC/SC specification part 3, 3.2.2.1.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from kazasu.cards.channel import expect
from kazasu.cards.guard import Allowance

if TYPE_CHECKING:
    from kazasu.ports.readers import CardChannel

_GET_UID: Final = bytes.fromhex("FFCA000000")

ALLOW_UID: Final = Allowance(commands=frozenset({_GET_UID}))


def read_uid(channel: CardChannel) -> bytes:
    """Ask the reader for the card's number.

    Returns:
        Whatever came; its length and form are the kind's to judge.

    Raises:
        CardError: the reader has none, or the card is gone.
    """
    return expect(channel, _GET_UID, "reading the card's number")

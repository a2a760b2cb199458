"""MIFARE Classic, Ultralight, NTAG and their like by the UID: anybody can copy it, so it proves only `serial`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from kazasu.cards.atr import storage_card
from kazasu.cards.uid import ALLOW_UID, read_uid
from kazasu.errors import CardRefused
from kazasu.model.access import Assurance, DenyReason, Identifier
from kazasu.model.table import Table

if TYPE_CHECKING:
    from kazasu.cards.kind import Tools
    from kazasu.cards.pseudonym import Pseudonymizer
    from kazasu.ports.readers import CardChannel

# ISO/IEC 14443-3:2018, 6.5.4
_UID_BYTES: Final = frozenset({4, 7, 10})
_SINGLE_BYTES: Final = 4
_RANDOM: Final = 0x08
_CASCADE_TAG: Final = 0x88


class Settings(Table, frozen=True, kw_only=True):
    """[cards.mifare]: nothing to set."""


def build(_: Settings, tools: Tools) -> Mifare:
    """See kind.KindModule."""
    return Mifare(tools.pseudonymizer)


class Mifare:
    """Implements CardKind: every storage card of ISO/IEC 14443 type A.

    Args:
        pseudonymizer: the site's.
    """

    name = "mifare"
    reach = Assurance.SERIAL
    allow = ALLOW_UID

    def __init__(self, pseudonymizer: Pseudonymizer) -> None:
        self._pseudonymizer = pseudonymizer

    def read(self, channel: CardChannel, atr: bytes) -> Identifier | None:
        """See CardKind."""
        card = storage_card(atr)
        if card is None or not card.is_type_a:
            return None
        uid = read_uid(channel)
        if len(uid) not in _UID_BYTES:
            raise CardRefused(DenyReason.CARD_UNREADABLE, f"a UID has 4, 7 or 10 bytes; {len(uid)} came")
        if len(uid) == _SINGLE_BYTES and uid[0] == _RANDOM:
            raise CardRefused(DenyReason.NO_STABLE_NUMBER, "this UID is random: a phone, or a card that hides its own")
        if not any(uid):
            raise CardRefused(DenyReason.NO_STABLE_NUMBER, "this card has no number of its own")
        if len(uid) == _SINGLE_BYTES and uid[0] == _CASCADE_TAG:
            raise CardRefused(DenyReason.CARD_UNREADABLE, "only the first part of a longer UID came")
        pseudonym = self._pseudonymizer.pseudonym(self.name, uid)
        return Identifier(
            kind=self.name,
            pseudonym=pseudonym,
            assurance=Assurance.SERIAL,
            why_not_more="its UID is all that is read of it, and can be copied",
        )

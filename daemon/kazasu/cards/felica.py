"""FeliCa by its IDm: a number that anybody can copy, so it proves only `serial`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from kazasu.cards.atr import FELICA, storage_card
from kazasu.cards.uid import ALLOW_UID, read_uid
from kazasu.errors import CardRefused
from kazasu.model.access import Assurance, DenyReason, Identifier

if TYPE_CHECKING:
    from kazasu.cards.pseudonym import Pseudonymizer
    from kazasu.ports import CardChannel

_IDM_BYTES: Final = 8  # JIS X 6319-4
_NFC_DEP: Final = (
    b"\x01\xfe"  # a phone in peer-to-peer mode: the other six bytes are random (NFC Forum Digital, NFCID2)
)


class Felica:
    """Implements CardKind.

    Args:
        pseudonymizer: the site's.
    """

    name = "felica"
    allow = ALLOW_UID

    def __init__(self, pseudonymizer: Pseudonymizer) -> None:
        self._pseudonymizer = pseudonymizer

    def read(self, channel: CardChannel, atr: bytes) -> Identifier | None:
        """See CardKind."""
        card = storage_card(atr)
        if card is None or card.standard != FELICA:
            return None
        idm = read_uid(channel)
        if len(idm) != _IDM_BYTES:
            raise CardRefused(DenyReason.CARD_UNREADABLE, f"an IDm has {_IDM_BYTES} bytes; {len(idm)} came")
        if idm.startswith(_NFC_DEP):
            raise CardRefused(DenyReason.NO_STABLE_NUMBER, "this IDm is random: a phone in peer-to-peer mode")
        pseudonym = self._pseudonymizer.pseudonym(self.name, idm)
        return Identifier(kind=self.name, pseudonym=pseudonym, assurance=Assurance.SERIAL)

"""FeliCa by its IDm: a number that anybody can copy, so it proves only `serial`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from kazasu.cards.atr import storage_card
from kazasu.cards.uid import ALLOW_UID, read_uid
from kazasu.errors import CardRefused
from kazasu.model.access import Assurance, DenyReason, Identifier
from kazasu.model.configuration import Table

if TYPE_CHECKING:
    from kazasu.cards.kind import Tools
    from kazasu.cards.pseudonym import Pseudonymizer
    from kazasu.ports import CardChannel

_IDM_BYTES: Final = 8  # JIS X 6319-4
_UNSTABLE: Final = {
    # NFC Forum Digital, NFCID2: the other six bytes are random.
    b"\x01\xfe": "this IDm is random: a phone in peer-to-peer mode",
    # Android, NfcFCardEmulation.setNfcid2ForService: an app may take any number that begins so, or have one drawn anew
    # with each installation. A phone's FeliCa chip has an IDm of its own, which begins otherwise.
    b"\x02\xfe": "this IDm was made up by an app on a phone",
    bytes(_IDM_BYTES): "this card has no number of its own",
}


class Settings(Table, frozen=True, kw_only=True):
    """[cards.felica]: nothing to set."""


def build(_: Settings, tools: Tools) -> Felica:
    """See kind.KindModule."""
    return Felica(tools.pseudonymizer)


class Felica:
    """Implements CardKind.

    Args:
        pseudonymizer: the site's.
    """

    name = "felica"
    reach = Assurance.SERIAL
    allow = ALLOW_UID

    def __init__(self, pseudonymizer: Pseudonymizer) -> None:
        self._pseudonymizer = pseudonymizer

    def read(self, channel: CardChannel, atr: bytes) -> Identifier | None:
        """See CardKind."""
        card = storage_card(atr)
        if card is None or not card.is_felica:
            return None
        idm = read_uid(channel)
        if len(idm) != _IDM_BYTES:
            raise CardRefused(DenyReason.CARD_UNREADABLE, f"an IDm has {_IDM_BYTES} bytes; {len(idm)} came")
        for beginning, detail in _UNSTABLE.items():
            if idm.startswith(beginning):
                raise CardRefused(DenyReason.NO_STABLE_NUMBER, detail)
        pseudonym = self._pseudonymizer.pseudonym(self.name, idm)
        return Identifier(kind=self.name, pseudonym=pseudonym, assurance=Assurance.SERIAL)

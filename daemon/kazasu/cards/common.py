"""The common card application (共通カードAP) of a My Number Card: its serial number, which anybody can copy.

It asks for no PIN, signs nothing that could be checked and holds no My Number; so it proves `serial`, and is read only
where the configuration names this kind. Record 1 of EF 0001 has 28 digits: the serial number (15), the municipality (5)
and the day of expiry (8). The last two may change within a card's life, and are not used.

Record and application: soltia48/myna-card, src/ap/common.rs, `CardInfo`; the record is a SIMPLE-TLV object (JICSAP IC
card specification 1.1, 4.4.1). A test card's, and to be confirmed with a real one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from kazasu.cards import status
from kazasu.cards.atr import storage_card
from kazasu.cards.channel import unexpected
from kazasu.cards.guard import Allowance, application, select_application
from kazasu.errors import CardRefused
from kazasu.model.access import Assurance, DenyReason, Identifier
from kazasu.model.table import Table

if TYPE_CHECKING:
    from kazasu.cards.kind import Tools
    from kazasu.cards.pseudonym import Pseudonymizer
    from kazasu.ports.readers import CardChannel

_AID: Final = bytes.fromhex("D3921000310001010100")
_READ_RECORD: Final = bytes.fromhex("00B2010C00")  # record 1 of the EF with the short identifier 1
_HEADER: Final = bytes.fromhex("011C")
_SERIAL_DIGITS: Final = 15
_DIGITS: Final = 28


class Settings(Table, frozen=True, kw_only=True):
    """[cards.common]: nothing to set."""


def build(_: Settings, tools: Tools) -> Common:
    """See kind.KindModule."""
    return Common(tools.pseudonymizer)


class Common:
    """Implements CardKind.

    Args:
        pseudonymizer: the site's.
    """

    name = "common"
    reach = Assurance.SERIAL
    allow = Allowance(scopes=(application(_AID, commands=frozenset({_READ_RECORD})),))

    def __init__(self, pseudonymizer: Pseudonymizer) -> None:
        self._pseudonymizer = pseudonymizer

    def read(self, channel: CardChannel, atr: bytes) -> Identifier | None:
        """See CardKind. An ATR decides only that a storage card is not asked; SELECT decides all else."""
        if storage_card(atr) is not None:
            return None
        _, sw = channel.transmit(select_application(_AID))
        if sw >> 8 in status.FAULTS:
            raise _unreadable(str(unexpected("selecting the common card application", sw)))
        if sw != status.SUCCESS:
            return None
        record, sw = channel.transmit(_READ_RECORD)
        if sw != status.SUCCESS:
            raise _unreadable(str(unexpected("reading the card's record", sw)))
        digits = record.removeprefix(_HEADER)
        if len(record) != len(_HEADER) + _DIGITS or len(digits) != _DIGITS or not digits.isdigit():
            raise _unreadable("the card's record is not 28 digits")
        serial = digits[:_SERIAL_DIGITS]
        if not serial.strip(b"0"):
            raise CardRefused(DenyReason.NO_STABLE_NUMBER, "this card has no serial number")
        return Identifier(
            kind=self.name,
            pseudonym=self._pseudonymizer.pseudonym(self.name, serial),
            assurance=Assurance.SERIAL,
            why_not_more="this application only tells the card's serial number, which can be copied",
        )


def _unreadable(detail: str) -> CardRefused:
    return CardRefused(DenyReason.CARD_UNREADABLE, detail)

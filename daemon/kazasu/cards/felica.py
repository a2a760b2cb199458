"""FeliCa: by the IDm or a readable number, which anybody can copy; a FeliCa Lite-S with the site's key proves it.

Without settings it is the IDm, as the reader has it; a key of the site's or a service block takes FeliCa commands
through the reader (felica_commands.py).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final, Literal

import msgspec

from kazasu.cards.atr import storage_card
from kazasu.cards.guard import Allowance
from kazasu.cards.staff_cut import Encoding
from kazasu.cards.uid import ALLOW_UID, read_uid
from kazasu.errors import CardRefused
from kazasu.model.access import Assurance, DenyReason, Identifier
from kazasu.model.table import Table

if TYPE_CHECKING:
    from kazasu.cards.felica_commands import FelicaCommands
    from kazasu.cards.kind import Tools
    from kazasu.cards.pseudonym import Pseudonymizer
    from kazasu.ports.readers import CardChannel

_IDM_BYTES: Final = 8  # JIS X 6319-4
_UNSTABLE: Final = {
    # NFC Forum Digital, NFCID2: the other six bytes are random.
    b"\x01\xfe": "this IDm is random: a phone in peer-to-peer mode",
    # Android, NfcFCardEmulation.setNfcid2ForService: an app may take any number that begins so, or have one drawn anew
    # with each installation. A phone's FeliCa chip has an IDm of its own, which begins otherwise.
    b"\x02\xfe": "this IDm was made up by an app on a phone",
    bytes(_IDM_BYTES): "this card has no number of its own",
}
_BLOCK_BYTES: Final = 16
_LONGEST_INTEGER_BYTES: Final = 8
_WITHOUT_KEY: Final = 0x01  # lowest bit of a service code (FeliCa Card User's Manual, Excerpted Edition, Service Code)

Code = Annotated[str, msgspec.Meta(pattern=r"^[0-9A-Fa-f]{4}\Z", description="4 hexadecimal digits")]


class ServiceBlock(Table, frozen=True, kw_only=True):
    """[cards.felica.service_block]; as it is, the number of a staff or student card in the common-use format (FCF).

    Attributes:
        system: code of the system.
        service: code of the service, one that is read without a key.
        block: the block of the service.
        offset: where in the block the number begins, in bytes.
        length: of the number, in bytes; it ends in the same block.
        encoding: as in the profile of a staff application.
    """

    system: Code = "FE00"
    service: Code = "1A8B"
    block: Annotated[int, msgspec.Meta(ge=0, le=255, description="a block number, 0 to 255")] = 0
    offset: Annotated[int, msgspec.Meta(ge=0, le=15, description="0 to 15")] = 2
    length: Annotated[int, msgspec.Meta(ge=1, le=16, description="1 to 16")] = 12
    encoding: Encoding = "ascii"

    def __post_init__(self) -> None:
        if not int(self.service, 16) & _WITHOUT_KEY:
            raise ValueError(f"the service {self.service} is read with a key, which this terminal has not")
        if "FF" in {self.system[:2].upper(), self.system[2:].upper()}:
            raise ValueError("FF in `system` stands for any: the system has to be named")
        if self.offset + self.length > _BLOCK_BYTES:
            raise ValueError(f"`offset` and `length` end behind the {_BLOCK_BYTES} bytes of a block")
        if self.encoding == "integer" and self.length > _LONGEST_INTEGER_BYTES:
            raise ValueError(f"an integer has 1 to {_LONGEST_INTEGER_BYTES} bytes")


class Settings(Table, frozen=True, kw_only=True):
    """[cards.felica].

    Attributes:
        key: the name of a key of the card key file, with which a FeliCa Lite-S proves itself.
        diversification: "sony": the key is a master key of 24 bytes, of which each card's is made with its ID block, as
            Sony's Technical Note has it; "none": the same card key of 16 bytes on all cards.
        service_block: a number that the card lets anybody read; without it the number is the IDm.
    """

    key: str | None = None
    diversification: Literal["sony", "none"] = "sony"
    service_block: ServiceBlock | None = None


def build(settings: Settings, tools: Tools) -> Felica:
    """See kind.KindModule.

    Raises:
        KeyMaterialError: there is no such key, it has the wrong length, or is the one that cards are made with.
    """
    if settings.key is None and settings.service_block is None:
        return Felica(tools.pseudonymizer)
    from kazasu.cards.felica_commands import FelicaCommands  # ciphers, and what most sites do without

    return Felica(tools.pseudonymizer, FelicaCommands.of(settings, tools))


class Felica:
    """Implements CardKind.

    Args:
        pseudonymizer: the site's.
        commands: what is asked of the card beside its IDm.
    """

    name = "felica"
    allow = ALLOW_UID

    def __init__(self, pseudonymizer: Pseudonymizer, commands: FelicaCommands | None = None) -> None:
        self._pseudonymizer = pseudonymizer
        self._commands = commands
        self.reach = Assurance.SERIAL
        if commands is not None:
            self.reach = commands.reach
            self.allow = Allowance(
                scopes=commands.allow.scopes,
                commands=ALLOW_UID.commands | commands.allow.commands,
                templates=commands.allow.templates,
            )

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
        if self._commands is None:
            return self._identifier(idm, why_not_more="its IDm is all that is asked of it here, and can be copied")
        found = self._commands.read(channel, atr, idm)
        return self._identifier(*found.number, assurance=found.assurance, why_not_more=found.why_not_more)

    def _identifier(self, *number: bytes, why_not_more: str, assurance: Assurance = Assurance.SERIAL) -> Identifier:
        return Identifier(
            kind=self.name,
            pseudonym=self._pseudonymizer.pseudonym(self.name, *number),
            assurance=assurance,
            why_not_more=why_not_more,
        )

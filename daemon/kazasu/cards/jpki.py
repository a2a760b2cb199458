"""The My Number Card by its JPKI authentication certificate, which names nobody: no PIN, no My Number (rule 6).

SELECT the application, the token information, the certificate. A certificate without a signature over a challenge can
be copied, so this proves `signed_data`: that a CA has issued it, not that this is the card.

APDUs, files and token strings: OpenSC, src/libopensc/card-jpki.c and pkcs15-jpki.c.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import msgspec

from kazasu.cards import status
from kazasu.cards.atr import storage_card
from kazasu.cards.certificates import TrustedIssuers
from kazasu.cards.channel import ExtendedReads, TransparentFile, unexpected
from kazasu.cards.guard import Allowance, application, select_application
from kazasu.cards.recognition import HEAD_BYTES, TAIL_BYTES, Known, Recognition
from kazasu.errors import CardRefused
from kazasu.model.access import Assurance, DenyReason, Identifier
from kazasu.model.configuration import Table
from kazasu.model.moment import TimeSource

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kazasu.cards.kind import Tools
    from kazasu.cards.pseudonym import Pseudonymizer
    from kazasu.ports import CardChannel, Clock

_AID: Final = bytes.fromhex("D392F000260100000001")
_TOKEN_FILE: Final = bytes.fromhex("0006")
_CERTIFICATE_FILE: Final = bytes.fromhex("000A")

_TOKEN_BYTES: Final = 32
_CARD_TOKEN: Final = b"JPKIAPICCTOKEN2"
_REFUSED_TOKENS: Final = {
    b"JPKIAPICCTOKEN": "an old Basic Resident Register card; a My Number Card is needed",
    b"JPKIAPGPSETOKEN": "an Android phone, whose certificate asks for its PIN; the plastic card is needed",
    b"JPKIAPIOSTOKEN": "an iPhone, whose certificate asks for its PIN; the plastic card is needed",
}

_SHORTEST_BYTES: Final = 256
_LONGEST_BYTES: Final = 8192
_DER_SEQUENCE: Final = b"\x30\x82"  # with its length in the two bytes that follow
_CARD_FAULTS: Final = frozenset({0x64, 0x65, 0x6F})  # execution, memory and unknown errors: the card has not answered


class Settings(Table, frozen=True, kw_only=True):
    """[cards.jpki].

    Attributes:
        ca: the CA certificates of the authentication certificates, PEM.
    """

    ca: Annotated[tuple[Path, ...], msgspec.Meta(min_length=1, description="a list of one PEM file or more")]


def build(settings: Settings, tools: Tools) -> Jpki:
    """See kind.KindModule.

    Raises:
        ConfigurationError: a CA certificate that cannot be used.
    """
    return Jpki(settings.ca, tools.pseudonymizer, tools.clock)


class Jpki:
    """Implements CardKind.

    Args:
        ca_files: the CA certificates of the authentication certificates, PEM.
        pseudonymizer: the site's.
        clock: for the certificates' dates, which count unless it is unset.

    Raises:
        ConfigurationError: a CA certificate that cannot be used.
    """

    name = "jpki"
    reach = Assurance.SIGNED_DATA
    allow = Allowance(scopes=(application(_AID, {_TOKEN_FILE, _CERTIFICATE_FILE}),))

    def __init__(self, ca_files: Iterable[Path], pseudonymizer: Pseudonymizer, clock: Clock) -> None:
        self._issuers = TrustedIssuers.load(ca_files)
        self._pseudonymizer = pseudonymizer
        self._clock = clock
        self._recognition = Recognition()
        self._extended = ExtendedReads()

    def read(self, channel: CardChannel, atr: bytes) -> Identifier | None:
        """See CardKind. An ATR decides only that a storage card is not asked; SELECT decides all else."""
        if storage_card(atr) is not None:
            return None
        _, sw = channel.transmit(select_application(_AID))
        if sw >> 8 in _CARD_FAULTS:
            raise unexpected("selecting JPKI", sw)
        if sw != status.SUCCESS:
            return None
        self._expect_card(TransparentFile(channel, _AID, _TOKEN_FILE, "token information", self._extended))
        known = self._certificate(
            TransparentFile(channel, _AID, _CERTIFICATE_FILE, "authentication certificate", self._extended)
        )
        self._expect_valid(known)
        return Identifier(kind=self.name, pseudonym=known.pseudonym, assurance=Assurance.SIGNED_DATA)

    def _expect_card(self, file: TransparentFile) -> None:
        file.select()
        token = file.read(0, _TOKEN_BYTES).rstrip(b" ")
        if token != _CARD_TOKEN:
            raise CardRefused(DenyReason.FOREIGN_CARD, _REFUSED_TOKENS.get(token, "a JPKI token of an unknown kind"))

    def _certificate(self, file: TransparentFile) -> Known:
        """The certificate, checked now or before; 128 bytes of it tell which."""
        file.select()
        head = file.read(0, HEAD_BYTES)
        length = _der_length(head)
        if self._recognition.may_know(head):
            known = self._recognition.recognise(head, file.read(length - TAIL_BYTES, TAIL_BYTES))
            if known is not None:
                return known
        der = head + file.read(HEAD_BYTES, length - HEAD_BYTES)
        checked = self._issuers.check(der)
        known = Known(
            pseudonym=self._pseudonymizer.pseudonym(self.name, checked.issuer_key, checked.serial),
            valid_from=checked.valid_from,
            valid_until=checked.valid_until,
        )
        self._recognition.remember(head, der[-TAIL_BYTES:], known)
        return known

    def _expect_valid(self, known: Known) -> None:
        moment = self._clock.now()
        if moment.source is TimeSource.NONE:
            return
        if moment.at < known.valid_from:
            raise CardRefused(
                DenyReason.CERTIFICATE_NOT_YET_VALID, "the certificate on the card, or its CA's, is not valid yet"
            )
        if moment.at > known.valid_until:
            raise CardRefused(
                DenyReason.CERTIFICATE_EXPIRED,
                "the certificate on the card, or its CA's, has expired; the municipality renews it",
            )


def _der_length(head: bytes) -> int:
    """How long the certificate is, in bytes, by its own header."""
    length = 4 + int.from_bytes(head[2:4])
    if not head.startswith(_DER_SEQUENCE) or not _SHORTEST_BYTES <= length <= _LONGEST_BYTES:
        raise CardRefused(DenyReason.CARD_UNREADABLE, "what the card gives as its certificate has no such header")
    return length

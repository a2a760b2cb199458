"""The My Number Card by its JPKI authentication certificate, which names nobody: no My Number (rule 6).

SELECT the application, the token information, the certificate. A certificate without a signature over a challenge can
be copied, so this proves `signed_data`: that a CA has issued it, not that this is the card. Where policy or enrolment
ask for more, and the terminal has a keypad, the holder's PIN and a signature make it `challenge_pin`:
jpki_authentication.py. A phone that plays the card shows nothing without its PIN.

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
from kazasu.cards.jpki_authentication import SCOPES, Authentication, can_sign, present_pin, prove_key
from kazasu.cards.recognition import HEAD_BYTES, TAIL_BYTES, Known, Recognition
from kazasu.cards.validity import expect_valid
from kazasu.errors import CardRefused
from kazasu.model.access import Assurance, DenyReason, Identifier
from kazasu.model.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kazasu.cards.kind import Tools
    from kazasu.cards.pseudonym import Pseudonymizer
    from kazasu.ports.clock import Clock
    from kazasu.ports.readers import CardChannel

_AID: Final = bytes.fromhex("D392F000260100000001")
_TOKEN_FILE: Final = bytes.fromhex("0006")
_CERTIFICATE_FILE: Final = bytes.fromhex("000A")
_FILES: Final = (_TOKEN_FILE, _CERTIFICATE_FILE)

_TOKEN_BYTES: Final = 32
_CARD_TOKEN: Final = b"JPKIAPICCTOKEN2"
_PHONE_TOKENS: Final = {b"JPKIAPGPSETOKEN": "an Android phone", b"JPKIAPIOSTOKEN": "an iPhone"}
_REFUSED_TOKENS: Final = {b"JPKIAPICCTOKEN": "an old Basic Resident Register card; a My Number Card is needed"}

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
    pins = tools.pins
    authentication = None if pins is None else Authentication(pins, tools.demand, tools.random)
    return Jpki(settings.ca, tools.pseudonymizer, tools.clock, authentication)


class Jpki:
    """Implements CardKind.

    Args:
        ca_files: the CA certificates of the authentication certificates, PEM.
        pseudonymizer: the site's.
        clock: for the certificates' dates, which count unless it is unset.
        authentication: how the PIN is entered, and when it is needed; None on a terminal without a keypad, which then
            may not even send one.

    Raises:
        ConfigurationError: a CA certificate that cannot be used.
    """

    name = "jpki"
    reach = Assurance.SIGNED_DATA
    allow = Allowance(scopes=(application(_AID, _FILES),))

    def __init__(
        self,
        ca_files: Iterable[Path],
        pseudonymizer: Pseudonymizer,
        clock: Clock,
        authentication: Authentication | None = None,
    ) -> None:
        if authentication is not None:
            self.reach = Assurance.CHALLENGE_PIN
            self.allow = Allowance(scopes=(application(_AID, _FILES, inner=SCOPES),))
        self._authentication = authentication
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
        token = self._token(TransparentFile(channel, _AID, _TOKEN_FILE, "token information", self._extended))
        if token in _PHONE_TOKENS:
            return self._phone(channel, _PHONE_TOKENS[token])
        if token != _CARD_TOKEN:
            raise CardRefused(DenyReason.FOREIGN_CARD, _REFUSED_TOKENS.get(token, "a JPKI token of an unknown kind"))
        known = self._certificate(self._certificate_file(channel, self._extended))
        self._expect_valid(known)
        why_not = self._why_no_pin(known)
        if why_not or self._authentication is None:
            return self._identifier(known, Assurance.SIGNED_DATA, why_not)
        present_pin(channel, self._authentication.pins)
        prove_key(channel, known.public_key, self._authentication.random)
        return self._identifier(known, Assurance.CHALLENGE_PIN)

    def _phone(self, channel: CardChannel, phone: str) -> Identifier:
        """A phone: its PIN before its certificate, whatever is asked for; having it, the key is proved as well."""
        if self._authentication is None:
            raise CardRefused(
                DenyReason.PIN_NEEDED,
                f"{phone}, which shows its certificate only after its PIN, and this terminal has no keypad; the plastic"
                " card is needed",
            )
        present_pin(channel, self._authentication.pins)
        # Where extended reads fail the application is selected anew, which would end what the PIN has opened.
        known = self._certificate(self._certificate_file(channel, ExtendedReads(worth_trying=False)))
        self._expect_valid(known)
        prove_key(channel, known.public_key, self._authentication.random)
        return self._identifier(known, Assurance.CHALLENGE_PIN)

    def _why_no_pin(self, known: Known) -> str:
        """Why this card is not asked for its PIN, in words; empty if it is."""
        if self._authentication is None:
            return "this terminal has no keypad for the card's PIN"
        if self._authentication.demand.of(known.pseudonym) <= Assurance.SIGNED_DATA:
            return "its PIN was not asked for, since neither the policy nor the enrolment needs more here"
        return "" if can_sign(known.public_key) else "its certificate has a key of a kind that cannot be asked to sign"

    def _identifier(self, known: Known, assurance: Assurance, why_not_more: str = "") -> Identifier:
        return Identifier(kind=self.name, pseudonym=known.pseudonym, assurance=assurance, why_not_more=why_not_more)

    def _token(self, file: TransparentFile) -> bytes:
        file.select()
        return file.read(0, _TOKEN_BYTES).rstrip(b" ")

    def _certificate_file(self, channel: CardChannel, extended: ExtendedReads) -> TransparentFile:
        return TransparentFile(channel, _AID, _CERTIFICATE_FILE, "authentication certificate", extended)

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
            public_key=checked.public_key,
            valid_from=checked.valid_from,
            valid_until=checked.valid_until,
        )
        self._recognition.remember(head, der[-TAIL_BYTES:], known)
        return known

    def _expect_valid(self, known: Known) -> None:
        expect_valid(known.valid_from, known.valid_until, self._clock.now(), "the municipality renews it")


def _der_length(head: bytes) -> int:
    """How long the certificate is, in bytes, by its own header."""
    length = 4 + int.from_bytes(head[2:4])
    if not head.startswith(_DER_SEQUENCE) or not _SHORTEST_BYTES <= length <= _LONGEST_BYTES:
        raise CardRefused(DenyReason.CARD_UNREADABLE, "what the card gives as its certificate has no such header")
    return length

"""PIV and PIV-I cards (a YubiKey too) by their card authentication key 9E: the open standard made for doors, no PIN.

SELECT the application, read the card's number (CHUID) and the card authentication certificate, have key 9E sign a
challenge. The number alone can be copied and proves `serial`; certificate and signature together prove `challenge`,
under the same pseudonym, so that an enrolment at `challenge` turns the copy away. Nothing on the card that wants a PIN
is asked for. A certificate that was checked is not read again while the process lives: its key is what counts.

NIST SP 800-73-4 (parts 1 and 2), SP 800-78-4; certificate: X.509 Certificate and CRL Extensions Profile for the Shared
Service Providers Program, Card Authentication Certificate. Nothing of it was tried on a physical card.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import msgspec

from kazasu.cards import status
from kazasu.cards.atr import storage_card
from kazasu.cards.certificates import TrustedIssuers
from kazasu.cards.channel import unexpected
from kazasu.cards.guard import Allowance, Scope
from kazasu.cards.piv_authentication import TEMPLATES, prove_key
from kazasu.cards.piv_objects import Chuid, read_certificate, read_chuid
from kazasu.cards.recognition import Known
from kazasu.cards.validity import expect_valid
from kazasu.errors import CardRefused
from kazasu.model.access import Assurance, DenyReason, Identifier
from kazasu.model.table import Table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from kazasu.cards.certificates import CheckedCertificate
    from kazasu.cards.kind import Tools
    from kazasu.cards.pseudonym import Pseudonymizer
    from kazasu.ports.clock import Clock
    from kazasu.ports.readers import CardChannel

# SELECT by the whole AID with its version, and with its answer: the standard knows P2 = 00 only (part 2, 3.1.1).
_SELECT: Final = bytes.fromhex("00A404000BA00000030800001000010000")
# GET DATA by tag (part 2, 3.1.2).
_GET_CHUID: Final = bytes.fromhex("00CB3FFF055C035FC10200")
_GET_CHUID_HEAD: Final = bytes.fromhex("00CB3FFF055C035FC10250")
_HEAD_BYTES: Final = 0x50  # all numbers that there can be before the GUID, and the GUID
_GET_CERTIFICATE: Final = bytes.fromhex("00CB3FFF055C035FC10100")

_CARD_AUTH: Final = "2.16.840.1.101.3.6.8"  # id-PIV-cardAuth
_FASC_N_NAME: Final = "2.16.840.1.101.3.6.6"  # pivFASC-N: an OCTET STRING
_OCTET_STRING_OF_25: Final = b"\x04\x19"
_UUID_URN: Final = re.compile(r"urn:uuid:([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})", re.IGNORECASE)
_EMPTY: Final = b"\x53\x00"

_KEPT: Final = 2000  # keys of certificates, at about half a kilobyte each
_REMEDY: Final = "whoever issued the card renews it"
_NO_CERTIFICATE: Final = (
    "the card holds no card authentication certificate (5FC101), so only its number was read, which can be copied"
)


class Settings(Table, frozen=True, kw_only=True):
    """[cards.piv].

    Attributes:
        ca: the CA certificates that have signed the card authentication certificates themselves, PEM.
    """

    ca: Annotated[tuple[Path, ...], msgspec.Meta(min_length=1, description="a list of one PEM file or more")]


def build(settings: Settings, tools: Tools) -> Piv:
    """See kind.KindModule.

    Raises:
        ConfigurationError: a CA certificate that cannot be used.
    """
    return Piv(settings.ca, tools.pseudonymizer, tools.clock, tools.random)


class Piv:
    """Implements CardKind.

    Args:
        ca_files: the CA certificates of the card authentication certificates, PEM.
        pseudonymizer: the site's.
        clock: for the certificates' dates, which count unless it is unset.
        random: that many bytes nobody can foresee.
        kept: of so many cards the checked key is remembered.

    Raises:
        ConfigurationError: a CA certificate that cannot be used.
    """

    name = "piv"
    reach = Assurance.CHALLENGE
    allow = Allowance(
        scopes=(
            Scope(
                opens=_SELECT, commands=frozenset({_GET_CHUID_HEAD, _GET_CHUID, _GET_CERTIFICATE}), templates=TEMPLATES
            ),
        )
    )

    def __init__(
        self,
        ca_files: Iterable[Path],
        pseudonymizer: Pseudonymizer,
        clock: Clock,
        random: Callable[[int], bytes],
        *,
        kept: int = _KEPT,
    ) -> None:
        self._issuers = TrustedIssuers.load(ca_files)
        self._pseudonymizer = pseudonymizer
        self._clock = clock
        self._random = random
        self._kept = kept
        self._known: OrderedDict[str, Known] = OrderedDict()

    def read(self, channel: CardChannel, atr: bytes) -> Identifier | None:
        """See CardKind. An ATR decides only that a storage card is not asked."""
        if storage_card(atr) is not None:
            return None
        _, sw = channel.transmit(_SELECT)
        if sw >> 8 in status.FAULTS:
            raise unexpected("selecting PIV", sw)
        if sw != status.SUCCESS:
            return None
        chuid = _chuid(channel)
        if chuid is None:
            return None  # an application that nobody has personalised
        number = chuid.guid or chuid.fasc_n
        if number is None:
            raise CardRefused(DenyReason.NO_STABLE_NUMBER, "a PIV card without a number of its own (GUID or FASC-N)")
        pseudonym = self._pseudonymizer.pseudonym(self.name, number)
        if self._proves_known(channel, pseudonym) or self._proves(channel, chuid, pseudonym):
            return Identifier(kind=self.name, pseudonym=pseudonym, assurance=Assurance.CHALLENGE)
        return Identifier(kind=self.name, pseudonym=pseudonym, assurance=Assurance.SERIAL, why_not_more=_NO_CERTIFICATE)

    def _proves_known(self, channel: CardChannel, pseudonym: str) -> bool:
        """Whether the card has the key of the certificate that was checked for this number before."""
        known = self._known.get(pseudonym)
        if known is None:
            return False
        try:
            self._expect_key(channel, known)
        except CardRefused:
            return False  # renewed, expired, or a copy: the certificate that is on it now tells
        self._known.move_to_end(pseudonym)
        return True

    def _proves(self, channel: CardChannel, chuid: Chuid, pseudonym: str) -> bool:
        """Check the certificate and have its key prove itself; False if the card has none."""
        answer = _get_data(channel, _GET_CERTIFICATE, "the card authentication certificate")
        certificate = None if answer is None else read_certificate(answer)
        if certificate is None:
            return False
        checked = self._issuers.check(certificate)
        _expect_card_authentication(checked)
        _expect_same_card(checked, chuid)
        known = Known(
            pseudonym=pseudonym,
            public_key=checked.public_key,
            valid_from=checked.valid_from,
            valid_until=checked.valid_until,
        )
        self._expect_key(channel, known)
        self._known[pseudonym] = known
        self._known.move_to_end(pseudonym)
        if len(self._known) > self._kept:
            self._known.popitem(last=False)
        return True

    def _expect_key(self, channel: CardChannel, known: Known) -> None:
        expect_valid(known.valid_from, known.valid_until, self._clock.now(), _REMEDY)
        prove_key(channel, known.public_key, self._random)


def _chuid(channel: CardChannel) -> Chuid | None:
    """The card's number; None if it has none. Most of the object is a signature that nobody needs here."""
    answer, sw = channel.transmit(_GET_CHUID_HEAD)
    if sw == status.NOT_FOUND or (answer, sw) == (_EMPTY, status.SUCCESS):
        return None
    chuid = read_chuid(answer, cut=len(answer) >= _HEAD_BYTES) if sw == status.SUCCESS else None
    if chuid is not None:
        return chuid
    whole = _get_data(channel, _GET_CHUID, "the card's number")
    return None if whole is None else read_chuid(whole, cut=False)


def _get_data(channel: CardChannel, command: bytes, name: str) -> bytes | None:
    """The answer to GET DATA; None if the card has no such object, or an empty one."""
    answer, sw = channel.transmit(command)
    if sw == status.NOT_FOUND or (answer, sw) == (_EMPTY, status.SUCCESS):
        return None
    if sw != status.SUCCESS:
        raise unexpected(f"reading {name}", sw)
    return answer


def _expect_card_authentication(checked: CheckedCertificate) -> None:
    if _CARD_AUTH not in checked.purposes:
        raise CardRefused(
            DenyReason.CERTIFICATE_UNTRUSTED,
            "the certificate on the card is not for card authentication (id-PIV-cardAuth in extendedKeyUsage)",
        )


def _expect_same_card(checked: CheckedCertificate, chuid: Chuid) -> None:
    """See that the certificate is this card's: else a card of one's own would do, with another one's number on it."""
    uuids = {uuid for uri in checked.uris if (uuid := _uuid(uri)) is not None}
    fasc_ns = {value for kind, value in checked.other_names if kind == _FASC_N_NAME}
    if not (uuids if chuid.guid is not None else fasc_ns):
        raise CardRefused(
            DenyReason.CERTIFICATE_UNTRUSTED,
            "the certificate on the card does not name the card's number (urn:uuid or FASC-N in subjectAltName)",
        )
    other_uuid = bool(uuids - {chuid.guid})
    other_fasc_n = chuid.fasc_n is not None and bool(fasc_ns - {_OCTET_STRING_OF_25 + chuid.fasc_n})
    if other_uuid or other_fasc_n:
        raise CardRefused(
            DenyReason.AUTHENTICATION_FAILED, "the certificate on the card is another card's, or its number is"
        )


def _uuid(uri: str) -> bytes | None:
    """The UUID in a URN (RFC 9562, section 4), 16 bytes; None if it is none."""
    found = _UUID_URN.fullmatch(uri)
    return None if found is None else bytes.fromhex(found[1].replace("-", ""))

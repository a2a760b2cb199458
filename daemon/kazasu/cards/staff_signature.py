"""A signature over a challenge, under the key of a certificate that a CA of the profile has issued.

The only importer of asymmetric cryptography among the staff application's modules: a profile without it costs nothing.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.x509.oid import NameOID

from kazasu.cards.certificates import TrustedIssuers
from kazasu.cards.channel import ExtendedReads, TransparentFile
from kazasu.cards.guard import Scope, Template, select_file
from kazasu.cards.staff_cut import CERTIFICATE
from kazasu.cards.staff_number import expect_number
from kazasu.cards.staff_proof import ALL, Proven, answer_to, failed
from kazasu.cards.validity import expect_valid
from kazasu.errors import CardRefused, UnexpectedStatus
from kazasu.model.access import Assurance, DenyReason

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from kazasu.cards.staff_profile import Profile, Signature
    from kazasu.ports.clock import Clock
    from kazasu.ports.readers import CardChannel

_HASHES: Final = {"sha256": hashes.SHA256(), "sha384": hashes.SHA384(), "sha512": hashes.SHA512()}

# DigestInfo up to the digest: RFC 8017, section 9.2, note 1
_DIGEST_INFO: Final = {
    "sha256": bytes.fromhex("3031300D060960864801650304020105000420"),
    "sha384": bytes.fromhex("3041300D060960864801650304020205000430"),
    "sha512": bytes.fromhex("3051300D060960864801650304020305000440"),
}
_SUBJECT: Final = {
    "common_name": NameOID.COMMON_NAME,
    "serial_number": NameOID.SERIAL_NUMBER,
    "user_id": NameOID.USER_ID,
}
_HEAD_BYTES: Final = 4
_SHORTEST_BYTES: Final = 128
_LONGEST_BYTES: Final = 8192
_DER_SEQUENCE: Final = (b"\x30\x81", b"\x30\x82")


class SignatureProof:
    """Implements Proof.

    Args:
        settings: the profile's.
        profile: the whole of it.
        clock: for the certificates' dates, which count unless it is unset.
        random: that many bytes nobody can foresee.

    Raises:
        ConfigurationError: a CA certificate that cannot be used.
    """

    assurance = Assurance.CHALLENGE
    why_not_more = ""

    def __init__(self, settings: Signature, profile: Profile, clock: Clock, random: Callable[[int], bytes]) -> None:
        self._settings = settings
        self._aid = profile.application
        self._subject = profile.number.subject
        self._clock = clock
        self._random = random
        self._issuers = TrustedIssuers.load(settings.ca)
        self._hash = _HASHES[settings.hash]
        self._file = bytes.fromhex(settings.certificate_file)
        self._extended = ExtendedReads()
        sent_bytes = len(self._sent(bytes(settings.challenge_bytes)))
        self._head = bytes.fromhex(settings.command) + bytes([sent_bytes])
        self.templates = (Template((self._head, sent_bytes, ALL)),)
        self.inner = (Scope(opens=select_file(self._file), readable=True),)

    def first(self, channel: CardChannel) -> dict[str, bytes]:
        """See Proof: the certificate."""
        return {CERTIFICATE: self._certificate(channel)}

    def of(self, channel: CardChannel, answers: Mapping[str, bytes]) -> Proven:
        """See Proof."""
        der = answers[CERTIFICATE]
        checked = self._issuers.check(der)
        expect_valid(checked.valid_from, checked.valid_until, self._clock.now(), "its issuer renews it")
        certificate = x509.load_der_x509_certificate(der)
        challenge = self._random(self._settings.challenge_bytes)
        signature = answer_to(channel, self._head + self._sent(challenge) + ALL)
        try:
            self._verify(certificate, signature, challenge)
        except (InvalidSignature, ValueError) as error:
            raise failed("its signature is not that of the certificate's key") from error
        if self._subject is None:
            return Proven(card=(checked.issuer_key, checked.serial))
        return Proven(number=_subject_of(certificate, self._subject))

    def _certificate(self, channel: CardChannel) -> bytes:
        file = TransparentFile(channel, self._aid, self._file, "certificate", self._extended)
        try:
            file.select()
            head = file.read(0, _HEAD_BYTES)
            length = _der_length(head)
            return head + file.read(_HEAD_BYTES, length - _HEAD_BYTES)
        except UnexpectedStatus as error:
            raise CardRefused(DenyReason.CARD_UNREADABLE, str(error)) from error

    def _sent(self, challenge: bytes) -> bytes:
        """What the card is to sign, in the form that it takes."""
        if self._settings.sends == "challenge":
            return challenge
        digest = hashlib.new(self._settings.hash, challenge).digest()
        return _DIGEST_INFO[self._settings.hash] + digest if self._settings.sends == "digest_info" else digest

    def _verify(self, certificate: x509.Certificate, signature: bytes, challenge: bytes) -> None:
        """Check a signature.

        Raises:
            InvalidSignature: it is another's, or over something else.
            ValueError: it has no such form.
        """
        match certificate.public_key():
            case rsa.RSAPublicKey() as key:
                pss = padding.PSS(padding.MGF1(self._hash), padding.PSS.DIGEST_LENGTH)
                key.verify(
                    signature, challenge, pss if self._settings.padding == "pss" else padding.PKCS1v15(), self._hash
                )
            case ec.EllipticCurvePublicKey() as key:
                if self._settings.ec_signature == "plain":
                    signature = _der_signature(signature, (key.key_size + 7) // 8)
                key.verify(signature, challenge, ec.ECDSA(self._hash))
            case _:
                raise ValueError("neither RSA nor EC")


def _der_signature(plain: bytes, width: int) -> bytes:
    """A signature of EC as DER (BSI TR-03111, 5.2.1: the plain format)."""
    if len(plain) != 2 * width:
        raise ValueError(f"a plain signature has {2 * width} bytes")
    return encode_dss_signature(int.from_bytes(plain[:width]), int.from_bytes(plain[width:]))


def _subject_of(certificate: x509.Certificate, attribute: str) -> str:
    found = certificate.subject.get_attributes_for_oid(_SUBJECT[attribute])
    if len(found) != 1 or not isinstance(found[0].value, str):
        raise CardRefused(DenyReason.CARD_UNREADABLE, f"the subject of the certificate has not one {attribute}")
    return expect_number(found[0].value)


def _der_length(head: bytes) -> int:
    """How long the certificate is, in bytes, by its own header."""
    count = head[1] & 0x7F
    length = 2 + count + int.from_bytes(head[2 : 2 + count])
    if not head.startswith(_DER_SEQUENCE) or not _SHORTEST_BYTES <= length <= _LONGEST_BYTES:
        raise CardRefused(DenyReason.CARD_UNREADABLE, "what the card gives as its certificate has no such header")
    return length

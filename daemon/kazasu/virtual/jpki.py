"""A virtual My Number Card. Sources and bytes: docs/cards.md; nothing here was compared with a physical card."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from kazasu.virtual.card import Command, StatusWord
from kazasu.virtual.files import File, FileCard, Pin

if TYPE_CHECKING:
    from collections.abc import Callable

ATR_CONTACTLESS = bytes.fromhex("3B888001000005E0B381A1007F")
ATR_CONTACT_OPENSC = bytes.fromhex("3BE000FF8131FE4514")  # the one ATR that OpenSC takes for this card

AID_JPKI = bytes.fromhex("D392F000260100000001")
AID_COMMON = bytes.fromhex("D3921000310001010100")
AID_RESIDENT = bytes.fromhex("D3921000310001010401")
AID_CARD_FACE = bytes.fromhex("D3921000310001010402")
AID_CARD_FACE_INPUT = bytes.fromhex("D3921000310001010408")
FORBIDDEN = frozenset({AID_RESIDENT, AID_CARD_FACE, AID_CARD_FACE_INPUT})

TOKEN_CARD = "JPKIAPICCTOKEN2"  # noqa: S105  (no secret: the card's name for itself)
TOKEN_ANDROID = "JPKIAPGPSETOKEN"  # noqa: S105
TOKEN_IPHONE = "JPKIAPIOSTOKEN"  # noqa: S105

_TOKEN_NAME_BYTES = 32
_TOKEN_BYTES = 160
_PUPI_BYTES = 4
_PIN_TRIES = 3
_PASSWORD_TRIES = 5
_FAKE = b"VIRTUAL CARD: NO PERSON'S DATA, AND NOBODY MAY READ THIS"

# DigestInfo up to the digest: RFC 8017, section 9.2, note 1
_DIGEST_INFO: tuple[tuple[bytes, hashes.HashAlgorithm], ...] = (
    (bytes.fromhex("3031300D060960864801650304020105000420"), hashes.SHA256()),
    (bytes.fromhex("3041300D060960864801650304020205000430"), hashes.SHA384()),
    (bytes.fromhex("3051300D060960864801650304020305000440"), hashes.SHA512()),
)

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


class JpkiCard(FileCard):
    """A My Number Card, or a phone that plays one.

    The three applications that hold the My Number are there, with obviously fake content and open to everyone: whoever
    selects one is found out by `touched`.

    Args:
        certificate: authentication certificate, DER; EF 000A.
        ca_certificate: its CA's, DER; EF 000B.
        key: the authentication key; EF 0017. An EC key signs a bare digest: an assumption, as the next card's
            commands are not public. None makes a copy: everything readable, and no key.
        signing_certificate: DER; EF 0001, behind the password.
        signing_ca_certificate: DER; EF 0002.
        signing_key: EF 001A, behind the password.
        pin: 4 digits, 3 tries; EF 0018.
        password: 6 to 16 characters, 5 tries; EF 001B.
        common: the common card application's 28 digits: serial (15), municipality (5), expiry (8).
        token: what it calls itself; a phone asks for its PIN before it shows the certificate.
        atr: see `VirtualCard.atr`.
        first_apdu_6f00: the first command after each power-up fails, as on some cards.
        no_extended: extended commands are refused.
    """

    def __init__(  # noqa: PLR0913  (a card has that much on it)
        self,
        *,
        certificate: bytes,
        ca_certificate: bytes,
        key: PrivateKey | None,
        signing_certificate: bytes,
        signing_ca_certificate: bytes,
        signing_key: PrivateKey,
        pin: str = "1234",
        password: str = "ABC123",  # noqa: S107  (a virtual card's)
        common: str = "0000000000000010000020301231",
        token: str = TOKEN_CARD,
        atr: bytes = ATR_CONTACTLESS,
        first_apdu_6f00: bool = False,
        no_extended: bool = False,
    ) -> None:
        self.pin = Pin(pin.encode("ascii"), _PIN_TRIES)
        self.password = Pin(password.encode("ascii"), _PASSWORD_TRIES)
        is_phone = token in {TOKEN_ANDROID, TOKEN_IPHONE}
        keys = {} if key is None else {0x0017: File(pin=self.pin, sign=signer(key))}
        super().__init__(
            atr,
            secrets.token_bytes(_PUPI_BYTES),
            {
                AID_JPKI: keys
                | {
                    0x0001: File(signing_certificate, pin=self.password),
                    0x0002: File(signing_ca_certificate),
                    0x0006: File(token.encode("ascii").ljust(_TOKEN_NAME_BYTES).ljust(_TOKEN_BYTES, b"\0")),
                    0x000A: File(certificate, pin=self.pin if is_phone else None),
                    0x000B: File(ca_certificate),
                    0x0018: File(verifies=self.pin),
                    0x001A: File(pin=self.password, sign=signer(signing_key)),
                    0x001B: File(verifies=self.password),
                },
                # A shortened AID of the common application finds the resident register: a deny-list is walked round.
                AID_RESIDENT: {0x0001: File(_FAKE)},
                AID_CARD_FACE: {0x0005: File(_FAKE)},
                AID_CARD_FACE_INPUT: {0x0001: File(b"000000000000" + _FAKE)},
                AID_COMMON: {0x0001: File(records=(b"\x01\x1c" + common.encode("ascii"),))},
            },
        )
        self._first_apdu_6f00 = first_apdu_6f00
        self._no_extended = no_extended
        self._fresh = True

    def power_on(self) -> None:
        """Begin anew, under a new PUPI: ISO/IEC 14443-3 type B gives a random one at each activation."""
        super().power_on()
        self.uid = secrets.token_bytes(_PUPI_BYTES)
        self._fresh = True

    def check(self, command: Command) -> None:
        """Play the card's or the reader's weaknesses that were asked for."""
        if command.cla == 0xFF:  # noqa: PLR2004  (the reader answers it: the card hears nothing)
            return
        fresh, self._fresh = self._fresh, False
        if fresh and self._first_apdu_6f00:
            raise StatusWord(0x6F00)
        if command.extended and self._no_extended:
            raise StatusWord(0x6700)


def signer(key: PrivateKey) -> Callable[[bytes], bytes]:
    """What a card's key does: RSA signs a DigestInfo, EC a digest of SHA-384; anything else is 6A80."""
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return lambda data: _sign_ecdsa(key, data)
    return lambda data: _sign_rsa(key, data)


def _sign_rsa(key: rsa.RSAPrivateKey, digest_info: bytes) -> bytes:
    for head, algorithm in _DIGEST_INFO:
        if digest_info.startswith(head) and len(digest_info) == len(head) + algorithm.digest_size:
            return key.sign(digest_info[len(head) :], padding.PKCS1v15(), Prehashed(algorithm))
    raise StatusWord(0x6A80)


def _sign_ecdsa(key: ec.EllipticCurvePrivateKey, digest: bytes) -> bytes:
    if len(digest) != hashes.SHA384.digest_size:
        raise StatusWord(0x6A80)
    return key.sign(digest, ec.ECDSA(Prehashed(hashes.SHA384())))

"""JPKI user authentication: the PIN, and a signature over a fresh challenge with the authentication key.

Three tries block the PIN, and only the municipality's counter opens it again. So the card is asked first how many are
left; with fewer than two none is made here; and one tap makes one try at most, never a second by itself.

The signature key and its password (EF 001A, 001B) bind their owner in law: the scopes below do not hold them.

Files and commands: OpenSC, src/libopensc/card-jpki.c and pkcs15-jpki.c; status words: ISO/IEC 7816-4:2020, 11.6.6 and
tables 5 to 8. Nothing of it was tried on a physical card.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Final, NamedTuple

from kazasu.cards import status
from kazasu.cards.channel import unexpected
from kazasu.cards.guard import Digits, Scope, Template, select_file
from kazasu.errors import CardGone, CardRefused
from kazasu.model.access import DenyReason

if TYPE_CHECKING:
    from collections.abc import Callable

    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec, rsa

    from kazasu.ports.readers import CardChannel, Demand, PinSource

_KEY_FILE: Final = bytes.fromhex("0017")
_PIN_FILE: Final = bytes.fromhex("0018")
_PIN_DIGITS: Final = 4
_FEWEST_TRIES: Final = 2  # a wrong one here must leave one for the counter, or for the holder's own reader

_TRIES_LEFT: Final = bytes.fromhex("00200080")  # VERIFY without data: a question, which costs no try
_VERIFY: Final = bytes.fromhex("0020008004")
_SIGN: Final = bytes.fromhex("802A0080")
_TRIES: Final = 0x63C0
_TRIES_MASK: Final = 0xFFF0
_BLOCKED: Final = frozenset({0x63C0, 0x6983, 0x6984})

_CHALLENGE_BYTES: Final = 32
_SHA256_BYTES: Final = 32
_SHA384_BYTES: Final = 48
_DIGEST_INFO_SHA256: Final = bytes.fromhex("3031300D060960864801650304020105000420")  # RFC 8017, 9.2, note 1
_RSA_BITS: Final = 2048  # a longer signature does not fit into a short answer
_CURVE: Final = "secp384r1"

_TO_THE_COUNTER: Final = "the municipality's counter sets the PIN anew"

# An RSA key signs a DigestInfo. An EC key is assumed to sign the bare digest: the next card is announced with P-384,
# and its commands are not public.
_SIGN_RSA: Final = (_SIGN + bytes([len(_DIGEST_INFO_SHA256) + _SHA256_BYTES]) + _DIGEST_INFO_SHA256, b"\x00")
_SIGN_EC: Final = (_SIGN + bytes([_SHA384_BYTES]), b"\x00")

SCOPES: Final = (
    Scope(
        opens=select_file(_PIN_FILE),
        commands=frozenset({_TRIES_LEFT}),
        templates=(Template((_VERIFY, Digits(_PIN_DIGITS))),),
    ),
    Scope(
        opens=select_file(_KEY_FILE),
        templates=(
            Template((_SIGN_RSA[0], _SHA256_BYTES, _SIGN_RSA[1])),
            Template((_SIGN_EC[0], _SHA384_BYTES, _SIGN_EC[1])),
        ),
    ),
)
"""Within the JPKI application: the authentication PIN and its key, and nothing else with a PIN."""


class Authentication(NamedTuple):
    """What it takes to ask for more than a certificate.

    Attributes:
        pins: where people enter their PIN.
        demand: what a card has to prove now.
        random: that many bytes nobody can foresee.
    """

    pins: PinSource
    demand: Demand
    random: Callable[[int], bytes] = secrets.token_bytes


def present_pin(channel: CardChannel, pins: PinSource) -> None:
    """Let the holder enter the PIN and show it to the card, once; the JPKI application is selected.

    Raises:
        CardRefused: CARD_BLOCKED; PIN_LAST_TRY, and none was made; PIN_NEEDED, nobody entered one; PIN_WRONG;
            AUTHENTICATION_FAILED, a card without this PIN.
        CardGone: the card was taken away meanwhile; if before the last digit, no try was made.
        CardError: any other failure.
    """
    _select(channel, _PIN_FILE, "the authentication PIN")
    left = _tries_left(channel)
    if left < _FEWEST_TRIES:
        raise CardRefused(
            DenyReason.PIN_LAST_TRY,
            f"the card allows one more try of its PIN, which is not made here: {_TO_THE_COUNTER}",
        )

    def still_there() -> None:
        # A card that left, and one that came in its place, answer otherwise: nothing is selected on them.
        if channel.transmit(_TRIES_LEFT)[1] != _TRIES | left:
            raise CardGone("the card was exchanged while the PIN was entered")

    digits = pins.ask(left, range(_PIN_DIGITS, _PIN_DIGITS + 1), still_there)
    if digits is None:
        raise CardRefused(DenyReason.PIN_NEEDED, "the PIN was not entered in time")
    if len(digits) != _PIN_DIGITS or not (digits.isascii() and digits.isdigit()):
        raise CardRefused(DenyReason.PIN_NEEDED, f"a PIN of {_PIN_DIGITS} digits is needed")  # empty asks a question
    _, sw = channel.transmit(_VERIFY + digits.encode("ascii"))
    _expect_verified(sw)


def _select(channel: CardChannel, file: bytes, name: str) -> None:
    """SELECT a file that every genuine card has."""
    _, sw = channel.transmit(select_file(file))
    if sw == status.NOT_FOUND:
        raise CardRefused(DenyReason.AUTHENTICATION_FAILED, f"the card has no file for {name}: a copy")
    if sw != status.SUCCESS:
        raise unexpected(f"selecting {name}", sw)


def _tries_left(channel: CardChannel) -> int:
    """How many tries the card allows, 1 to 15."""
    _, sw = channel.transmit(_TRIES_LEFT)
    if sw in _BLOCKED:
        raise CardRefused(DenyReason.CARD_BLOCKED, f"the card's PIN is blocked: {_TO_THE_COUNTER}")
    if sw == status.SUCCESS:
        # Some cards say so when somebody else's program has left the PIN open. That nobody entered it here.
        raise CardRefused(DenyReason.CARD_UNREADABLE, "the PIN was verified before; take the card away and tap again")
    if sw & _TRIES_MASK != _TRIES:
        raise unexpected("asking how many tries are left", sw)
    return sw & ~_TRIES_MASK


def _expect_verified(sw: int) -> None:
    if sw == status.SUCCESS:
        return
    if sw in _BLOCKED:
        raise CardRefused(
            DenyReason.CARD_BLOCKED, f"that PIN was wrong, and the card's PIN is blocked now: {_TO_THE_COUNTER}"
        )
    if sw & _TRIES_MASK == _TRIES:
        left = sw & ~_TRIES_MASK
        raise CardRefused(
            DenyReason.PIN_WRONG, f"wrong PIN; the card allows {left} more {'try' if left == 1 else 'tries'}"
        )
    raise unexpected("verifying the PIN", sw)


def can_sign(public_key: bytes) -> bool:
    """Whether a signature of this key can be asked for: RSA-2048, or EC P-384.

    Args:
        public_key: SubjectPublicKeyInfo in DER, of a checked certificate.
    """
    return _Scheme.of(public_key) is not None


def prove_key(channel: CardChannel, public_key: bytes, random: Callable[[int], bytes]) -> None:
    """Have the card sign a fresh challenge; its PIN was verified. The algorithm is the certificate's.

    Args:
        channel: to the card.
        public_key: SubjectPublicKeyInfo in DER, of a checked certificate; `can_sign` holds.
        random: for the challenge.

    Raises:
        CardRefused: AUTHENTICATION_FAILED, the card does not hold the certificate's key.
        CardError: the card is gone, or answers nonsense.
    """
    scheme = _Scheme.of(public_key)
    if scheme is None:
        raise CardRefused(DenyReason.CERTIFICATE_UNTRUSTED, "the certificate's key is of a kind that is not known here")
    _select(channel, _KEY_FILE, "the authentication key")
    digest = scheme.digest(random(_CHALLENGE_BYTES))
    head, le = scheme.command
    signature, sw = channel.transmit(head + digest + le)
    if sw >> 8 in status.FAULTS:
        raise unexpected("signing the challenge", sw)
    if sw != status.SUCCESS or not scheme.holds(signature, digest):
        raise CardRefused(
            DenyReason.AUTHENTICATION_FAILED, "the card could not sign with the key of its certificate: a copy"
        )


class _Scheme(NamedTuple):
    """How a kind of key signs.

    Attributes:
        key: the public key.
        command: COMPUTE DIGITAL SIGNATURE, up to the digest and after it.
        algorithm: makes the digest.
    """

    key: rsa.RSAPublicKey | ec.EllipticCurvePublicKey
    command: tuple[bytes, bytes]
    algorithm: hashes.HashAlgorithm

    @classmethod
    def of(cls, public_key: bytes) -> _Scheme | None:
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import ec, rsa
        from cryptography.hazmat.primitives.serialization import load_der_public_key

        match load_der_public_key(public_key):
            case rsa.RSAPublicKey(key_size=bits) as key if bits == _RSA_BITS:
                return cls(key, _SIGN_RSA, hashes.SHA256())
            case ec.EllipticCurvePublicKey(curve=curve) as key if curve.name == _CURVE:
                return cls(key, _SIGN_EC, hashes.SHA384())
            case _:
                return None

    def digest(self, challenge: bytes) -> bytes:
        from cryptography.hazmat.primitives import hashes

        hashed = hashes.Hash(self.algorithm)
        hashed.update(challenge)
        return hashed.finalize()

    def holds(self, signature: bytes, digest: bytes) -> bool:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
        from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

        made_of = Prehashed(self.algorithm)
        try:
            if isinstance(self.key, rsa.RSAPublicKey):
                self.key.verify(signature, digest, padding.PKCS1v15(), made_of)
            else:
                self.key.verify(signature, digest, ec.ECDSA(made_of))
        except (InvalidSignature, ValueError):
            return False
        return True

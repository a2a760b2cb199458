"""PIV card authentication: a signature over a fresh challenge under key 9E, which needs no PIN.

GENERAL AUTHENTICATE as internal authentication (NIST SP 800-73-4 part 2, section 3.2.4 and appendix A): the card signs
what it is given, an encoded message (RSA) or a digest (EC). So what may be sent is exact but for the digest: 9E cannot
be made to sign or decrypt anything else, and no other key can be named. The encoding is PKCS #1 v1.5 with SHA-256;
curves have the digest of their size (SP 800-78-4, sections 3 and 6).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import load_der_public_key

from kazasu.cards import status
from kazasu.cards.channel import unexpected
from kazasu.cards.guard import Template
from kazasu.cards.piv_objects import elements, value_of
from kazasu.errors import CardRefused
from kazasu.model.access import DenyReason

if TYPE_CHECKING:
    from collections.abc import Callable

    from kazasu.ports.readers import CardChannel

_KEY: Final = 0x9E
_GENERAL_AUTHENTICATE: Final = 0x87
_LAST: Final = 0x00
_NOT_LAST: Final = 0x10  # command chaining: ISO/IEC 7816-4:2020, 5.3.3
_MOST_DATA_BYTES: Final = 255
_DYNAMIC_AUTHENTICATION: Final = 0x7C
_CHALLENGE: Final = 0x81
_RESPONSE: Final = 0x82
_LONG_LENGTH: Final = 0x80

_CHALLENGE_BYTES: Final = 32
_DIGEST_INFO_SHA256: Final = bytes.fromhex("3031300D060960864801650304020105000420")  # RFC 8017, 9.2, note 1


class Scheme(NamedTuple):
    """How a kind of key signs.

    Attributes:
        algorithm: its identifier (SP 800-78-4, section 6.2).
        digest: made of the challenge.
        before: what stands before the digest in what is signed.
    """

    algorithm: int
    digest: hashes.SHA256 | hashes.SHA384
    before: bytes = b""

    @property
    def templates(self) -> tuple[Template, ...]:
        """What is sent, with the digest, at the end, as the part that is made up."""
        size = self.digest.digest_size
        head = self._head
        pieces = _pieces(len(head) + size)
        return tuple(
            Template(
                tuple(
                    filter(None, (self._header(piece, last=last) + head[piece], _beyond(piece, head), _le(last=last)))
                )
            )
            for piece, last in pieces
        )

    def commands(self, challenge: bytes) -> tuple[bytes, ...]:
        """GENERAL AUTHENTICATE, as many commands as it takes.

        Args:
            challenge: of any length.
        """
        hashed = hashes.Hash(self.digest)
        hashed.update(challenge)
        data = self._head + hashed.finalize()
        return tuple(
            self._header(piece, last=last) + data[piece] + _le(last=last) for piece, last in _pieces(len(data))
        )

    def holds(self, key: rsa.RSAPublicKey | ec.EllipticCurvePublicKey, signature: bytes, challenge: bytes) -> bool:
        """Whether a signature over the challenge is the key's."""
        try:
            if isinstance(key, rsa.RSAPublicKey):
                key.verify(signature, challenge, padding.PKCS1v15(), self.digest)
            else:
                key.verify(signature, challenge, ec.ECDSA(self.digest))
        except (InvalidSignature, ValueError):
            return False
        return True

    @property
    def _head(self) -> bytes:
        """The data field up to the digest: the dynamic authentication template, an empty response, the challenge."""
        size = self.digest.digest_size
        inner = bytes([_RESPONSE, 0, _CHALLENGE]) + _length(len(self.before) + size) + self.before
        return bytes([_DYNAMIC_AUTHENTICATION]) + _length(len(inner) + size) + inner

    def _header(self, piece: slice, *, last: bool) -> bytes:
        command_class = _LAST if last else _NOT_LAST
        return bytes([command_class, _GENERAL_AUTHENTICATE, self.algorithm, _KEY, piece.stop - piece.start])


def _pieces(count: int) -> list[tuple[slice, bool]]:
    """Where to cut a data field for command chaining; and whether it is the last piece."""
    starts = range(0, count, _MOST_DATA_BYTES)
    return [(slice(at, min(at + _MOST_DATA_BYTES, count)), at == starts[-1]) for at in starts]


def _beyond(piece: slice, head: bytes) -> int:
    """How many bytes of a piece lie after the head."""
    return len(range(piece.start, piece.stop)) - len(head[piece])


def _le(*, last: bool) -> bytes:
    return b"\x00" if last else b""


def _length(count: int) -> bytes:
    """A BER length, in the fewest bytes."""
    if count < _LONG_LENGTH:
        return bytes([count])
    return b"\x81" + bytes([count]) if count <= 0xFF else b"\x82" + count.to_bytes(2)  # noqa: PLR2004  (a byte)


def _encoded(modulus_bytes: int) -> bytes:
    """What EMSA-PKCS1-v1_5 puts before a SHA-256 digest (RFC 8017, section 9.2)."""
    padding_bytes = modulus_bytes - 3 - len(_DIGEST_INFO_SHA256) - hashes.SHA256.digest_size
    return b"\x00\x01" + b"\xff" * padding_bytes + b"\x00" + _DIGEST_INFO_SHA256


_RSA: Final = {
    2048: Scheme(0x07, hashes.SHA256(), _encoded(256)),
    3072: Scheme(0x05, hashes.SHA256(), _encoded(384)),
}
_EC: Final = {
    "secp256r1": Scheme(0x11, hashes.SHA256()),
    "secp384r1": Scheme(0x14, hashes.SHA384()),
}

TEMPLATES: Final = tuple(template for scheme in (*_RSA.values(), *_EC.values()) for template in scheme.templates)
"""Everything that `prove_key` may send."""


def prove_key(channel: CardChannel, public_key: bytes, random: Callable[[int], bytes]) -> None:
    """Have the card sign a fresh challenge with key 9E; the PIV application is selected.

    Args:
        channel: to the card.
        public_key: SubjectPublicKeyInfo in DER, of a checked certificate, which also says which algorithm.
        random: for the challenge.

    Raises:
        CardRefused: AUTHENTICATION_FAILED, the card does not hold the certificate's key; CERTIFICATE_UNTRUSTED, a key
            of a kind that the standard does not have.
        CardError: the card is gone, or answers nonsense.
    """
    key = load_der_public_key(public_key)
    match key:
        case rsa.RSAPublicKey(key_size=bits) if bits in _RSA:
            scheme = _RSA[bits]
        case ec.EllipticCurvePublicKey(curve=curve) if curve.name in _EC:
            scheme = _EC[curve.name]
        case _:
            raise CardRefused(
                DenyReason.CERTIFICATE_UNTRUSTED,
                "the certificate's key is of a kind that a PIV card does not have: RSA-2048 or 3072, EC P-256 or P-384",
            )
    challenge = random(_CHALLENGE_BYTES)
    answer = b""
    for command in scheme.commands(challenge):
        answer, sw = channel.transmit(command)
        if sw >> 8 in status.FAULTS:
            raise unexpected("card authentication", sw)
        if sw != status.SUCCESS:
            raise _failed(f"it answered {sw:04X} to the challenge: {status.meaning(sw)}")
    if not scheme.holds(key, _signature(answer), challenge):
        raise _failed("it could not sign with the key of its certificate: a copy")


def _signature(answer: bytes) -> bytes:
    """What the card gives as its signature."""
    try:
        objects = elements(value_of(answer, _DYNAMIC_AUTHENTICATION))
    except CardRefused as error:
        raise _failed("its answer to the challenge has no such form") from error
    if objects.keys() != {_RESPONSE}:
        raise _failed("its answer to the challenge is not a response and nothing else")
    return objects[_RESPONSE]


def _failed(detail: str) -> CardRefused:
    return CardRefused(DenyReason.AUTHENTICATION_FAILED, f"a PIV card, but {detail}")

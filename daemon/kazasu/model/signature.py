"""Ed25519 keys: sign and verify (RFC 8032). Pure computation; the files they come from are store/keys.py's."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidSignature

from kazasu.errors import SignatureInvalid

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey


def keyid(public: Ed25519PublicKey) -> str:
    """Name a key: the first 16 hexadecimal digits of the SHA-256 of its 32 raw bytes."""
    return hashlib.sha256(public.public_bytes_raw()).hexdigest()[:16]


class Ed25519Signer:
    """Signs with one private key, which its repr does not show."""

    def __init__(self, private: Ed25519PrivateKey) -> None:
        self.public = private.public_key()
        self.keyid = keyid(self.public)
        self._private = private

    def sign(self, data: bytes) -> bytes:
        """Sign: 64 bytes."""
        return self._private.sign(data)

    def __repr__(self) -> str:
        return f"<Ed25519Signer {self.keyid}>"


class Ed25519Verifier:
    """Verifies with one public key."""

    def __init__(self, public: Ed25519PublicKey) -> None:
        self.keyid = keyid(public)
        self.public = public

    def verify(self, signature: bytes, data: bytes) -> None:
        """Return if the signature holds.

        Raises:
            SignatureInvalid: it does not.
        """
        try:
            self.public.verify(signature, data)
        except InvalidSignature:
            raise SignatureInvalid(f"the signature was not made by the key {self.keyid} over these bytes") from None

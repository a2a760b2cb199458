"""Keys and certificates as text (PEM), and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID

from kazasu.errors import KeyMaterialError
from kazasu.site.plain_text import plain

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from typing import TypeAlias

    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

    PrivateKey: TypeAlias = ec.EllipticCurvePrivateKey | Ed25519PrivateKey
    PublicKey: TypeAlias = ec.EllipticCurvePublicKey | Ed25519PublicKey

UNREADABLE = (ValueError, UnsupportedAlgorithm, x509.InvalidVersion)
"""What reading a certificate, a request or a key raises that somebody else has put together wrongly."""


def key_pem(key: PrivateKey, passphrase: str | None = None) -> bytes:
    """Write a private key as PKCS#8, encrypted under a passphrase if there is one."""
    encryption = NoEncryption() if passphrase is None else BestAvailableEncryption(passphrase.encode())
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)


def public_pem(key: PublicKey) -> bytes:
    """Write a public key as SubjectPublicKeyInfo."""
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def certificate_pem(certificate: x509.Certificate) -> bytes:
    """Write a certificate."""
    return certificate.public_bytes(Encoding.PEM)


def unlocked(pem: bytes, passphrase: str, path: Path) -> object:
    """Open a private key that is under a passphrase; `path` names it in errors.

    Raises:
        KeyMaterialError: the passphrase is wrong, or this is no such key.
    """
    try:
        return load_pem_private_key(pem, passphrase.encode())
    except TypeError as error:
        if not passphrase:
            raise KeyMaterialError(f"{path} cannot be opened: the passphrase is empty") from error
        raise KeyMaterialError(f"{path} is under no passphrase: `openssl pkey -aes256` puts it under one") from error
    except ValueError as error:
        raise KeyMaterialError(f"{path} cannot be opened: the passphrase is wrong, or the file is damaged") from error


def certificate_in(pem: bytes, path: Path) -> x509.Certificate:
    """Take a certificate from a file's content; `path` names it in errors.

    Raises:
        KeyMaterialError: no certificate in PEM.
    """
    try:
        return x509.load_pem_x509_certificate(pem)
    except UNREADABLE as error:
        raise KeyMaterialError(f"{path} holds no certificate in PEM") from error


class Certified(NamedTuple):
    """What a certificate is about.

    Attributes:
        names: its subject's common names.
        key: the key that it certifies.
    """

    names: list[str]
    key: object


def certified_in(certificate: x509.Certificate) -> Certified:
    """Read what a certificate is about; what is in it is read only now.

    Raises:
        UNREADABLE: that cannot be read, or is of a kind that nobody here knows.
    """
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return Certified([str(name.value) for name in names], certificate.public_key())


def said_of(names: Sequence[str]) -> str:
    """Names that somebody else wrote, as they can be shown."""
    return plain(", ".join(names)) or "nobody"

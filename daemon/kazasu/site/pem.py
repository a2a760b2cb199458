"""Keys and certificates as text (PEM), and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from kazasu.errors import KeyMaterialError

if TYPE_CHECKING:
    from pathlib import Path
    from typing import TypeAlias

    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

    PrivateKey: TypeAlias = ec.EllipticCurvePrivateKey | Ed25519PrivateKey
    PublicKey: TypeAlias = ec.EllipticCurvePublicKey | Ed25519PublicKey


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
    except ValueError as error:
        raise KeyMaterialError(f"{path} holds no certificate in PEM") from error

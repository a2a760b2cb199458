"""The files that hold keys: made once, never overwritten, refused when others can read them (design, rule 3)."""

from __future__ import annotations

import os
import re
import secrets
import stat
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from kazasu.errors import KeyMaterialError
from kazasu.model.pepper import MOST_LAYERS, PEPPER_BYTES, Pepper
from kazasu.model.signature import Ed25519Signer, Ed25519Verifier
from kazasu.store.durable import sync_directory, write_durable

_MAX_BYTES = 64 * 1024
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH
_REMEDIES = {
    "public key": "copy it from its owner",
    "passphrase": "is its path right?",
    "collector key": "bring it back, or make one as docs/collector.md says",
}
_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_LAYER = re.compile(rb"[0-9A-Fa-f]{%d}" % (2 * PEPPER_BYTES))
_PUBLIC_KEY = re.compile(rb"-----BEGIN PUBLIC KEY-----.*?-----END PUBLIC KEY-----", re.DOTALL)


def generate_signer(path: Path) -> Ed25519Signer:
    """Make an event key: PKCS#8 PEM, Ed25519 (RFC 8410), mode 0600, durable.

    Raises:
        KeyMaterialError: the file is there already, or cannot be written.
    """
    private = Ed25519PrivateKey.generate()
    write_new(path, private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), 0o600)
    return Ed25519Signer(private)


def generate_pepper(path: Path) -> Pepper:
    """Make the site's pepper, of one layer: 64 hexadecimal digits, mode 0600, durable.

    Raises:
        KeyMaterialError: the file is there already, or cannot be written.
    """
    pepper = new_pepper()
    write_new(path, pepper_text(pepper), 0o600)
    return pepper


def new_pepper(before: Pepper | None = None) -> Pepper:
    """A pepper of one layer, or one with another layer over those of before."""
    return Pepper((*(() if before is None else before.layers), secrets.token_bytes(PEPPER_BYTES)))


def pepper_text(pepper: Pepper) -> bytes:
    """A pepper as a file holds it: a layer a line, the oldest first."""
    return b"".join(layer.hex().encode() + b"\n" for layer in pepper.layers)


def write_public(path: Path, signer: Ed25519Signer) -> None:
    """Write a signer's public key for those who check: SubjectPublicKeyInfo PEM, mode 0644, durable.

    Raises:
        KeyMaterialError: the file is there already, or cannot be written.
    """
    write_new(path, signer.public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo), 0o644)


def load_signer(path: Path, what: str = "event key") -> Ed25519Signer:
    """Read a key that signs.

    Args:
        path: where.
        what: it is, in words.

    Raises:
        KeyMaterialError: missing, readable by others, or not an unencrypted Ed25519 key.
    """
    pem = read_checked(path, what, secret=True)
    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError) as error:
        raise KeyMaterialError(f"{path} holds no private key in PEM without a password; {_remedy(what)}") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyMaterialError(f"{path} holds a key that is not Ed25519; {_remedy(what)}")
    return Ed25519Signer(key)


def load_pepper(path: Path) -> Pepper:
    """Read the pepper.

    Raises:
        KeyMaterialError: missing, readable by others, or not 64 hexadecimal digits a layer.
    """
    return pepper_in(read_checked(path, "pepper", secret=True), path)


def pepper_in(content: bytes, path: Path) -> Pepper:
    """Take the pepper from a file's content; `path` names it in errors.

    Raises:
        KeyMaterialError: not 64 hexadecimal digits a line, or a line twice.
    """
    lines = content.split()
    if not all(map(_LAYER.fullmatch, lines)) or not 1 <= len(set(lines)) == len(lines) <= MOST_LAYERS:
        # Not a word of what it holds: half a pepper in a log is half a pepper less.
        raise KeyMaterialError(
            f"{path} does not hold exactly {2 * PEPPER_BYTES} hexadecimal digits a line, each line once: bring the"
            " site's pepper back; a new one from `kazasu keygen` makes every enrolled card unknown"
        )
    return Pepper([bytes.fromhex(line.decode()) for line in lines])


def load_verifier(path: Path) -> Ed25519Verifier:
    """Read a public key, such as the collector's.

    Raises:
        KeyMaterialError: missing, writable by others, or not an Ed25519 public key in PEM.
    """
    return verifier_in(read_checked(path, "public key", secret=False), path)


def load_verifiers(path: Path) -> tuple[Ed25519Verifier, ...]:
    """Read one public key or more, one after the other in a file: while a new key takes over, both count.

    Raises:
        KeyMaterialError: missing, writable by others, or not Ed25519 public keys in PEM.
    """
    content = read_checked(path, "public key", secret=False)
    # Of a file without any, `verifier_in` says what is wrong.
    return tuple(verifier_in(pem, path) for pem in _PUBLIC_KEY.findall(content) or [content])


def verifier_in(pem: bytes, path: Path) -> Ed25519Verifier:
    """Take a public key from a file's content; `path` names it in errors.

    Raises:
        KeyMaterialError: not an Ed25519 public key in PEM.
    """
    try:
        key = load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise KeyMaterialError(f"{path} holds no public key in PEM: copy the one that its owner published") from error
    if not isinstance(key, Ed25519PublicKey):
        raise KeyMaterialError(f"{path} holds a key that is not Ed25519: copy the one that its owner published")
    return Ed25519Verifier(key)


def read_checked(path: Path, what: str, *, secret: bool) -> bytes:
    """Read a file that only its owner may have changed, and a secret that only its owner may have read.

    Args:
        path: where.
        what: it is, in words.
        secret: whether others must not read it.

    Raises:
        KeyMaterialError: missing, open to others, or unreadable.
    """
    try:
        with path.open("rb") as file:
            _check_mode(path, os.fstat(file.fileno()), secret=secret)
            return file.read(_MAX_BYTES)
    except FileNotFoundError as error:
        raise KeyMaterialError(f"the {what} {path} is missing; {_remedy(what)}") from error
    except OSError as error:
        raise KeyMaterialError(
            f"the {what} {path} cannot be read: {error.strerror}; check its owner and mode"
        ) from error


def _remedy(what: str) -> str:
    return _REMEDIES.get(what, "bring it back, or make one with `kazasu keygen`")


def _check_mode(path: Path, status: os.stat_result, *, secret: bool) -> None:
    """Refuse what others can change, and a secret that others can read.

    Allowed for a secret: its owner alone; or root's, readable by one group (0640), as packages install them; or
    whatever systemd has put into this unit's credential directory (systemd.exec(5), LoadCredential), which others
    cannot enter.
    """
    mode = stat.S_IMODE(status.st_mode)
    credentials = os.environ.get("CREDENTIALS_DIRECTORY")
    if credentials and Path(credentials).resolve() in path.resolve().parents:
        return
    forbidden = _OTHERS if secret else _OTHERS_WRITE
    if secret and status.st_uid == 0:
        forbidden &= ~stat.S_IRGRP
    if mode & forbidden:
        raise KeyMaterialError(
            f"{path} is open to others (mode {mode:04o}): run `chmod {'600' if secret else '644'} {path}`"
            + (", and make a new one if somebody may have read it" if secret else "")
        )


def write_new(path: Path, content: bytes, mode: int) -> None:
    """Write a file that is not there yet, durable, with this mode.

    Raises:
        KeyMaterialError: the file is there already, or cannot be written.
    """
    try:
        write_durable(path, content, mode)
        sync_directory(path.parent)
    except FileExistsError as error:
        raise KeyMaterialError(
            f"{path} is there already and is not overwritten: move it away if it is to be replaced"
        ) from error
    except OSError as error:
        raise KeyMaterialError(f"{path} cannot be written: {error.strerror}") from error

"""The file of symmetric card keys: `[name]`, and under it `version = "hexadecimal digits"`."""

from __future__ import annotations

import re
import secrets
from typing import TYPE_CHECKING, Final

import tomli

from kazasu.cards.keyring import VERSIONS, KeyRing, SecretKey, VersionedKey
from kazasu.errors import KeyMaterialError
from kazasu.store.durable import sync_directory
from kazasu.store.keys import read_checked, write_new

if TYPE_CHECKING:
    from pathlib import Path

LENGTHS: Final = (16, 24, 32)
"""Of a key, in bytes: AES-128 and two-key triple DES, AES-192 and three-key triple DES, AES-256."""

NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")


def load_card_keys(path: Path) -> KeyRing:
    """Read the card keys; a file that is not there holds none.

    Raises:
        KeyMaterialError: readable by others, or not as this module says: which key, and never what stands there.
    """
    if not _is_there(path):
        return KeyRing({}, str(path))
    try:
        document = tomli.loads(read_checked(path, "card key file", secret=True).decode())
    except (ValueError, RecursionError) as error:
        # tomli's message names line and column, and at most one character.
        raise KeyMaterialError(f"{path}: not TOML: {error}") from error
    return KeyRing({name: _key(path, name, versions) for name, versions in document.items()}, str(path))


def _is_there(path: Path) -> bool:
    """Whether there is one for this process: the daemon is handed what is there, and may not look into the folder."""
    try:
        return path.exists()
    except PermissionError:
        return False


def generate_card_key(path: Path, name: str, length_bytes: int) -> int:
    """Make a key, or the next version of one that is there, durable; returns its version.

    The file is written anew, with mode 0600 and without comments that somebody put into it.

    Args:
        path: the file; made if it is missing.
        name: 1 to 32 of a-z, 0-9, - and _.
        length_bytes: one of `LENGTHS`.

    Raises:
        KeyMaterialError: the file cannot be used or written, or no version is left.
    """
    if NAME.fullmatch(name) is None:
        raise KeyMaterialError(f"{name!r} is no name for a card key: 1 to 32 of a-z, 0-9, - and _")
    ring = load_card_keys(path)
    versions = {each: dict(ring.get(each).versions) for each in ring.names}
    mine = versions.setdefault(name, {})
    version = max(mine, default=0) + 1
    if version not in VERSIONS:
        raise KeyMaterialError(f"{path}: {name}: has version {version - 1}, and there is none after that")
    mine[version] = SecretKey(secrets.token_bytes(length_bytes))
    lines = [
        line
        for each, keys in versions.items()
        for line in (f"[{each}]", *(f'{number} = "{key.bytes.hex().upper()}"' for number, key in keys.items()), "")
    ]
    beside = path.with_name(f"{path.name}.new")
    beside.unlink(missing_ok=True)
    write_new(beside, "\n".join(lines).encode(), 0o600)
    beside.replace(path)
    sync_directory(path.parent)
    return version


def _key(path: Path, name: str, versions: object) -> VersionedKey:
    if NAME.fullmatch(name) is None:
        raise KeyMaterialError(f"{path}: {name!r} is no name for a card key: 1 to 32 of a-z, 0-9, - and _")
    if not isinstance(versions, dict) or not versions:
        raise KeyMaterialError(f'{path}: {name}: write [{name}], and under it for each version a line: 1 = "0A1B…"')
    return VersionedKey(name, dict(_version(path, name, *item) for item in versions.items()))


def _version(path: Path, name: str, number: str, digits: object) -> tuple[int, SecretKey]:
    if not number.isascii() or not number.isdigit() or int(number) not in VERSIONS:
        raise KeyMaterialError(f"{path}: {name}: {number!r} is no version: 0 to {VERSIONS[-1]}")
    try:
        key = bytes.fromhex(digits) if isinstance(digits, str) else b""
    except ValueError:
        key = b""
    if len(key) not in LENGTHS:
        # Not a word of what it holds.
        allowed = ", ".join(str(2 * length) for length in LENGTHS)
        raise KeyMaterialError(f"{path}: {name}, version {number}: not {allowed} hexadecimal digits in quotation marks")
    return int(number), SecretKey(key)

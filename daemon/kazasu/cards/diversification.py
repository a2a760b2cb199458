"""A key for each card, made of one master key and what names the card (NXP, AN10922, rev. 2.2).

So a key that is taken out of one card opens no other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers.algorithms import AES

from kazasu.cards.cmac import cmac

if TYPE_CHECKING:
    from collections.abc import Callable

    from cryptography.hazmat.primitives.ciphers import BlockCipherAlgorithm


class _Method(NamedTuple):
    cipher: Callable[[bytes], BlockCipherAlgorithm]
    constants: bytes
    message_bytes: int


# Sections 2.2, 2.3, 2.4 and 2.5: the constant before each part of the new key, and to what length all is padded.
_AES: Final = {16: _Method(AES, b"\x01", 32), 32: _Method(AES, b"\x41\x42", 32)}
_TRIPLE_DES: Final = {
    16: _Method(lambda key: TripleDES(key + key[:8]), b"\x21\x22", 16),
    24: _Method(TripleDES, b"\x31\x32\x33", 16),
}

AES_INPUT: Final = range(1, 32)
TRIPLE_DES_INPUT: Final = range(1, 16)
"""How many bytes of input there may be."""


def aes_key(master: bytes, diversifier: bytes) -> bytes:
    """The key of one card, for AES-128 or AES-256 (2.2, 2.3).

    Args:
        master: 16 or 32 bytes.
        diversifier: 1 to 31 bytes, of which NXP recommends UID, AID and a system identifier, in this order.

    Returns:
        As many bytes as the master key has.

    Raises:
        ValueError: one of them has another length.
    """
    return _derived(_AES, AES_INPUT, master, diversifier)


def triple_des_key(master: bytes, diversifier: bytes) -> bytes:
    """The key of one card, for triple DES with two keys or three (2.4, 2.5); parity bits are as they come.

    Args:
        master: 16 or 24 bytes.
        diversifier: 1 to 15 bytes.

    Returns:
        As many bytes as the master key has.

    Raises:
        ValueError: one of them has another length.
    """
    return _derived(_TRIPLE_DES, TRIPLE_DES_INPUT, master, diversifier)


def _derived(methods: dict[int, _Method], lengths: range, master: bytes, diversifier: bytes) -> bytes:
    if len(master) not in methods or len(diversifier) not in lengths:
        raise ValueError(f"no derivation for a key of {len(master)} bytes and an input of {len(diversifier)}")
    cipher, constants, message_bytes = methods[len(master)]
    algorithm = cipher(master)
    parts = (cmac(algorithm, bytes([constant]) + diversifier, least_bytes=message_bytes) for constant in constants)
    return b"".join(parts)

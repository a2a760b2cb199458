"""What a virtual DESFire card and a terminal say under a session, the card's side; sources: desfire.py."""

from __future__ import annotations

import binascii
from typing import TYPE_CHECKING, Final

from kazasu.cards.cmac import cmac, encrypt

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.algorithms import AES

_BLOCK: Final = 16
_ZEROS: Final = bytes(_BLOCK)
_MAC_BYTES: Final = 8


class Ev2:
    """EV2 secure messaging, the card's side.

    Args:
        cipher: with the session key for encryption.
        mac_cipher: with the one for MACs.
        transaction: the identifier, 4 bytes.
    """

    command_mac_bytes = _MAC_BYTES

    def __init__(self, cipher: AES, mac_cipher: AES, transaction: bytes) -> None:
        self._cipher, self._mac_cipher, self._transaction = cipher, mac_cipher, transaction
        self._counter = 0

    def _mac(self, code: int, data: bytes) -> bytes:
        message = bytes([code]) + self._counter.to_bytes(2, "little") + self._transaction + data
        return cmac(self._mac_cipher, message)[1::2]

    def take(self, instruction: int, data: bytes) -> bool:
        """Whether a command is authentic; it counts."""
        ours = self._mac(instruction, data[:-_MAC_BYTES])
        self._counter += 1
        return data[-_MAC_BYTES:] == ours

    def give(self, data: bytes, *, full: bool) -> bytes:
        """An answer as it goes over the air."""
        if full:
            seed = b"\x5a\xa5" + self._transaction + self._counter.to_bytes(2, "little") + bytes(8)
            padded = (data + b"\x80").ljust(len(data) // _BLOCK * _BLOCK + _BLOCK, b"\0")
            data = encrypt(self._cipher, encrypt(self._cipher, _ZEROS, seed), padded)
        return data + self._mac(0, data)


class Ev1:
    """EV1 secure messaging, the card's side.

    Args:
        cipher: with the session key.
    """

    command_mac_bytes = 0

    def __init__(self, cipher: AES) -> None:
        self._cipher = cipher
        self._vector = _ZEROS

    def take(self, instruction: int, data: bytes) -> bool:
        """Carry the chain on; a read has no MAC of its own."""
        self._vector = cmac(self._cipher, bytes([instruction]) + data, self._vector)
        return True

    def give(self, data: bytes, *, full: bool) -> bytes:
        """An answer as it goes over the air."""
        if not full:
            self._vector = cmac(self._cipher, data + b"\x00", self._vector)
            return data + self._vector[:_MAC_BYTES]
        crc = binascii.crc32(data + b"\x00") ^ 0xFFFF_FFFF
        padded = data + crc.to_bytes(4, "little")
        padded = padded.ljust(-len(padded) // _BLOCK * -_BLOCK, b"\0")
        data = encrypt(self._cipher, self._vector, padded)
        self._vector = data[-_BLOCK:]
        return data

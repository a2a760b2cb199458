"""CMAC (NIST SP 800-38B) as smart cards use it: begun with another vector than zeros, or over a message padded further.

cryptography's own CMAC has neither; for the plain form the tests compare the two.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.modes import CBC

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers import BlockCipherAlgorithm

_REDUCTION: Final = {8: 0x1B, 16: 0x87}  # SP 800-38B, 5.3
_PAD: Final = b"\x80"


def encrypt(algorithm: BlockCipherAlgorithm, vector: bytes, plain: bytes) -> bytes:
    """CBC over whole blocks, without padding."""
    encryptor = Cipher(algorithm, CBC(vector)).encryptor()
    return encryptor.update(plain) + encryptor.finalize()


def decrypt(algorithm: BlockCipherAlgorithm, vector: bytes, enciphered: bytes) -> bytes:
    """CBC over whole blocks, without padding."""
    decryptor = Cipher(algorithm, CBC(vector)).decryptor()
    return decryptor.update(enciphered) + decryptor.finalize()


def cmac(algorithm: BlockCipherAlgorithm, message: bytes, vector: bytes = b"", least_bytes: int = 0) -> bytes:
    """CMAC of a message.

    Args:
        algorithm: a block cipher with its key.
        message: any length.
        vector: what the chain begins with, one block; empty for zeros, as the standard has it.
        least_bytes: whole blocks to which a shorter message is padded.

    Returns:
        One block: 16 bytes with AES, 8 with triple DES.
    """
    block = algorithm.block_size // 8
    zeros = bytes(block)
    subkey = _doubled(encrypt(algorithm, zeros, zeros))
    wanted = max(-len(message) // block * -block, least_bytes, block)
    if len(message) < wanted:
        subkey = _doubled(subkey)
        message = (message + _PAD).ljust(wanted, b"\0")
    last = bytes(a ^ b for a, b in zip(message[-block:], subkey, strict=True))
    return encrypt(algorithm, vector or zeros, message[:-block] + last)[-block:]


def _doubled(block: bytes) -> bytes:
    """Multiply by x in the field of the block's size."""
    bits = 8 * len(block)
    shifted = int.from_bytes(block) << 1
    if shifted >> bits:
        shifted ^= 1 << bits | _REDUCTION[len(block)]
    return shifted.to_bytes(len(block))

"""How a card's own key comes of the site's: the derivations that a profile may name."""

from __future__ import annotations

from typing import Final

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.kdf.kbkdf import KBKDFCMAC, CounterLocation, Mode

from kazasu.cards.diversification import aes_key, triple_des_key

_COUNTER_BYTES: Final = 4
_TWO_KEYS_BYTES: Final = 16


def derive(derivation: str, algorithm: str, key: bytes, diversifier: bytes) -> bytes:
    """The card's own key.

    Args:
        derivation: as in the profile.
        algorithm: likewise.
        key: the site's.
        diversifier: the whole diversification input.

    Returns:
        As many bytes as the site's key has.
    """
    return _DERIVATIONS[derivation](algorithm, key, diversifier)


def cipher_of(algorithm: str, key: bytes) -> AES | TripleDES:
    """A profile's `algorithm` with a key; two keys of triple DES are three, of which the first comes again."""
    return TripleDES(three_keys(key)) if algorithm == "3des" else AES(key)


def three_keys(key: bytes) -> bytes:
    """A key of triple DES with all its three parts, 24 bytes (NIST SP 800-67, 3.1: keying option 2)."""
    return key + key[:8] if len(key) == _TWO_KEYS_BYTES else key


def an10922(algorithm: str, key: bytes, diversifier: bytes) -> bytes:
    """NXP, AN10922; see diversification.py.

    Args:
        algorithm: as in the profile.
        key: the site's.
        diversifier: as long as diversification.py allows.
    """
    return triple_des_key(key, diversifier) if algorithm == "3des" else aes_key(key, diversifier)


def sp800_108_cmac(algorithm: str, key: bytes, diversifier: bytes) -> bytes:
    """NIST SP 800-108r1, 4.1: counter mode over CMAC, the counter of 32 bits before the fixed input data.

    Args:
        algorithm: as in the profile.
        key: the site's.
        diversifier: the whole fixed input data: label, 00, context and length where the issuer has them.

    Returns:
        As many bytes as the site's key has.
    """
    cipher = TripleDES if algorithm == "3des" else AES
    kdf = KBKDFCMAC(
        cipher, Mode.CounterMode, len(key), _COUNTER_BYTES, None, CounterLocation.BeforeFixed, None, None, diversifier
    )
    return kdf.derive(three_keys(key) if algorithm == "3des" else key)


_DERIVATIONS: Final = {"an10922": an10922, "sp800-108-cmac": sp800_108_cmac}

"""FeliCa Lite-S with a card key of the site's: the card proves its key with the MAC of a read.

The terminal writes a random challenge (block RC), and reads the ID block and the key's version with MAC_A: a MAC over
both and their block numbers, under a session key made of challenge and card key. Writing RC, which is no memory, is the
only write there is.

After Sony, FeliCa Lite-S User's Manual (blocks, authentication, MAC_A) and FeliCa Lite-S Software Development Technical
Note (the card key made of a master key), as public programs have them: nfcpy (src/nfc/tag/tt3_sony.py), the Flipper
firmware (lib/nfc/protocols/felica/felica.c) and creacorporation/library (Crypto/mSCFelicaMac.cpp). The card reckons in
numbers of eight bytes, the least significant byte first; only the derivation has them as they stand.
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Final

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES

from kazasu.cards.cmac import cmac, encrypt
from kazasu.cards.felica_frames import (
    NO_SUCH_BLOCK,
    NO_SUCH_SERVICE,
    CardStatus,
    block_written,
    blocks_read,
    reading,
    unreadable,
    writing,
)
from kazasu.errors import CardRefused, KeyMaterialError
from kazasu.model.access import DenyReason

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kazasu.cards.felica_transport import Exchange
    from kazasu.cards.keyring import VersionedKey

READ_ONLY: Final = bytes.fromhex("000B")
READ_WRITE: Final = bytes.fromhex("0009")
RC, ID, CKV, MAC_A = 0x80, 0x82, 0x86, 0x91
MAC_BYTES: Final = 8

_IC_CODES: Final = frozenset({0xF1, 0xF2})  # second byte of the PMm: Lite-S, and FeliCa Link in the mode of a Lite-S
_HALF: Final = 8
_KEY_BYTES: Final = 16
_MASTER_KEY_BYTES: Final = 24
_RC_BYTES: Final = 16
_MAC_BLOCKS: Final = 4
_ZEROS: Final = bytes(_HALF)

_PROVE: Final = (ID, CKV, MAC_A)
WRITE_CHALLENGE: Final = writing(READ_WRITE, RC)
READ_WITH_MAC: Final = reading(READ_ONLY, _PROVE)


class NotOurs(Exception):
    """The card has no key of this site's; the words say why it proves no more than its number."""


class CardKey:
    """The site's card key, or the master key of which each card's is made.

    Args:
        keys: its versions; a card names its own in the block CKV.
        diversified: whether each card has a key of its own.

    Raises:
        KeyMaterialError: a key has the wrong length, or is the one that every card is made with.
    """

    def __init__(self, keys: VersionedKey, *, diversified: bool) -> None:
        self._keys = keys.of_length(_MASTER_KEY_BYTES if diversified else _KEY_BYTES)
        self._diversified = diversified
        for number, key in keys.versions.items():
            if not any(key.bytes):
                raise KeyMaterialError(
                    f"card key {keys.name!r}, version {number}: zeros are what a card leaves the factory with"
                )

    def prove(self, exchange: Exchange, idm: bytes, random: Callable[[int], bytes]) -> None:
        """Have the card prove its key.

        Args:
            exchange: to the card.
            idm: the card's.
            random: for the challenge.

        Raises:
            NotOurs: it is no FeliCa Lite-S, or its key has a version that is not here.
            CardRefused: the MAC is wrong (AUTHENTICATION_FAILED), or answers do not fit.
            CardError: the card is gone, or says no.
        """
        challenge = random(_RC_BYTES)
        step = "writing the challenge"
        try:
            block_written(exchange(WRITE_CHALLENGE.filled(idm, challenge)), idm, step)
        except CardStatus as error:
            if error.flag_2 in {NO_SUCH_SERVICE, NO_SUCH_BLOCK}:
                raise NotOurs("this is no FeliCa Lite-S") from error
            raise
        answer = exchange(READ_WITH_MAC.filled(idm))
        id_block, key_version, mac_block = blocks_read(answer, idm, len(_PROVE), "reading the ID block")
        version = int.from_bytes(key_version[:2], "little")
        key = self._keys.version(version)
        if key is None:
            versions = ", ".join(map(str, sorted(self._keys.versions)))
            raise NotOurs(f"this card's key has version {version}; of {self._keys.name!r} this terminal has {versions}")
        card_key = made_for(key.bytes, id_block) if self._diversified else key.bytes
        expected = mac_of_read(card_key, challenge, _PROVE, id_block + key_version)
        if not hmac.compare_digest(expected, mac_block[:MAC_BYTES]):
            raise CardRefused(
                DenyReason.AUTHENTICATION_FAILED, f"the card could not prove version {version} of {self._keys.name!r}"
            )
        if id_block[: len(idm)] != idm:
            raise unreadable("the ID block is another card's")


def is_lite_s(pmm: bytes) -> bool:
    """Whether a card's parameters, 8 bytes, are those of a FeliCa Lite-S."""
    return len(pmm) == _HALF and pmm[1] in _IC_CODES


def session_key(card_key: bytes, challenge: bytes) -> bytes:
    """What the card reckons of its key once RC is written.

    Args:
        card_key: as it stands in the block CK, 16 bytes.
        challenge: as it was written to RC, 16 bytes.

    Returns:
        The key of triple DES for MACs, 16 bytes, in the cipher's own order.
    """
    return encrypt(_cipher(_turned(card_key)), _ZEROS, _turned(challenge))


def mac_of_read(card_key: bytes, challenge: bytes, blocks: Sequence[int], content: bytes) -> bytes:
    """MAC_A of a read.

    Args:
        card_key: as for `session_key`.
        challenge: likewise.
        blocks: all numbers of the block list, MAC_A's own last; 2 to 4.
        content: of the blocks before MAC_A, 16 bytes each.

    Returns:
        The first 8 bytes of the block MAC_A.
    """
    numbers = b"".join(number.to_bytes(2, "little") for number in blocks)
    return mac(session_key(card_key, challenge), challenge[:_HALF], numbers.ljust(2 * _MAC_BLOCKS, b"\xff") + content)


def mac(key: bytes, first: bytes, plain: bytes) -> bytes:
    """The MAC that both MAC_A and the older block MAC hold.

    Args:
        key: from `session_key`, or its halves exchanged for a write.
        first: RC1, the first 8 bytes of the challenge.
        plain: whole groups of 8 bytes.
    """
    return encrypt(_cipher(key), _turned(first), _turned(plain))[-MAC_BYTES:][::-1]


def made_for(master: bytes, id_block: bytes) -> bytes:
    """The key of one card, its "individualized card key".

    Twice the CMAC of the ID block: as it is, and with its highest bit turned.

    Args:
        master: 24 bytes.
        id_block: 16 bytes.

    Returns:
        As it stands in the block CK, 16 bytes.
    """
    turned = bytes([id_block[0] ^ 0x80]) + id_block[1:]
    cipher = TripleDES(master)
    return cmac(cipher, id_block) + cmac(cipher, turned)


def _cipher(key: bytes) -> TripleDES:
    return TripleDES(key + key[:_HALF])


def _turned(content: bytes) -> bytes:
    """Each eight bytes in reverse."""
    return b"".join(content[at : at + _HALF][::-1] for at in range(0, len(content), _HALF))

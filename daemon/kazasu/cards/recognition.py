"""A certificate that was read and checked before is recognised by 128 of its bytes: a byte costs 94 µs on the air.

Its head holds its length and its serial number, and its end the last 64 bytes of the CA's signature over all of it.
Whoever can show both has the certificate, or a copy of it; so recognition proves what reading the whole would.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections import OrderedDict
from datetime import datetime
from typing import Final

import msgspec

HEAD_BYTES: Final = 64
TAIL_BYTES: Final = 64
_KEPT: Final = 2000  # certificates, at about a kilobyte each


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """What a checked certificate has come to.

    Attributes:
        pseudonym: as in `Identifier`.
        public_key: the certified key, SubjectPublicKeyInfo in DER.
        valid_from: first second of validity, aware UTC.
        valid_until: last second of validity, aware UTC.
    """

    pseudonym: str
    public_key: bytes
    valid_from: datetime
    valid_until: datetime

    def __repr__(self) -> str:
        """Without the key, which is as much a number of the card as its serial."""
        return f"Known(pseudonym={self.pseudonym!r}, valid_from={self.valid_from}, valid_until={self.valid_until})"


class Recognition:
    """The certificates checked most recently, in memory only and under a key that ends with the process.

    Args:
        kept: how many; the one that was shown longest ago makes room.
    """

    def __init__(self, kept: int = _KEPT) -> None:
        self._kept = kept
        self._key = secrets.token_bytes(32)
        self._by_head: OrderedDict[bytes, tuple[bytes, Known]] = OrderedDict()

    def may_know(self, head: bytes) -> bool:
        """Whether a certificate with this head was checked: whether reading the tail is worth its bytes."""
        return self._digest(head) in self._by_head

    def recognise(self, head: bytes, tail: bytes) -> Known | None:
        """Find the certificate with this head and this tail.

        Args:
            head: its first 64 bytes.
            tail: its last 64 bytes.
        """
        digest = self._digest(head)
        entry = self._by_head.get(digest)
        if entry is None or not hmac.compare_digest(entry[0], self._digest(tail)):
            return None
        self._by_head.move_to_end(digest)
        return entry[1]

    def remember(self, head: bytes, tail: bytes, known: Known) -> None:
        """Keep a certificate that has been checked."""
        digest = self._digest(head)
        self._by_head[digest] = self._digest(tail), known
        self._by_head.move_to_end(digest)
        if len(self._by_head) > self._kept:
            self._by_head.popitem(last=False)

    def _digest(self, part: bytes) -> bytes:
        return hashlib.blake2b(part, key=self._key).digest()

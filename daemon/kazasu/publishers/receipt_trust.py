"""Which receipts a terminal believes: the collector's, signed and cumulative (design, rule 5; docs/wire.md)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from kazasu.errors import SignatureInvalid
from kazasu.model.document import verified
from kazasu.model.event import WIRE_VERSION
from kazasu.model.receipt import Receipt

if TYPE_CHECKING:
    from kazasu.model.document import Verifier

_EPOCH = re.compile(r"[0-9a-f]{16}")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_FIELDS = {"v", "site", "terminal", "epoch", "seq", "hash", "keyid", "sig"}


class ReceiptReader:
    """Reads receipts that are meant for one terminal and signed by its site's collector.

    A receipt is cumulative, so an old one that is played again vouches for nothing that it did not vouch for before.
    """

    def __init__(self, site: str, terminal: str, collector: Verifier) -> None:
        self._site = site
        self._terminal = terminal
        self._collector = collector

    def read(self, payload: bytes) -> Receipt:
        """Parse and verify.

        Raises:
            SignatureInvalid: whatever is wrong with it.
        """
        fields = verified(payload, self._collector).fields
        if fields.keys() != _FIELDS:
            # An event signed by a key that also signs receipts must never pass for one.
            raise SignatureInvalid(f"not a receipt: its fields are {sorted(fields)}")
        if fields["v"] != WIRE_VERSION:
            raise SignatureInvalid(f"receipt of wire version {fields['v']}, not {WIRE_VERSION}")
        if (fields["site"], fields["terminal"]) != (self._site, self._terminal):
            raise SignatureInvalid(f"receipt for {fields['site']}/{fields['terminal']}, not for this terminal")
        epoch, seq, digest = fields["epoch"], fields["seq"], fields["hash"]
        if not (isinstance(epoch, str) and _EPOCH.fullmatch(epoch)):
            raise SignatureInvalid(f"receipt with the epoch {epoch!r}")
        if not (isinstance(digest, str) and _DIGEST.fullmatch(digest)):
            raise SignatureInvalid(f"receipt with the hash {digest!r}")
        if not (type(seq) is int and seq >= 1):
            raise SignatureInvalid(f"receipt with the seq {seq!r}")
        return Receipt(epoch=epoch, seq=seq, digest=digest)

"""The collector's cumulative receipt (design, rule 5)."""

from __future__ import annotations

import msgspec


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """Every event of `epoch` up to and including `seq` is kept by the collector.

    Attributes:
        epoch: the journal's epoch.
        seq: the last event vouched for.
        digest: the SHA-256 that the event after `seq` names as `prev`, 64 hexadecimal digits.
    """

    epoch: str
    seq: int
    digest: str

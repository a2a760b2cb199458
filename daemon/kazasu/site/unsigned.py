"""Reads what terminals and collectors say without a signature: flat JSON, made fit to be shown.

Untrusted bytes in, never an exception out.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TypeAlias

import msgspec

from kazasu.site.plain_text import plain

Fields: TypeAlias = dict[str, int | str]

FIELD = re.compile(r"[a-z][a-z0-9_]{0,63}")

_MAX_PAYLOAD_BYTES = 16 * 1024  # an event has less than 2 kB
_MAX_FIELDS = 100
_MAX_INTEGER = 2**53 - 1
_FLAT = msgspec.json.Decoder(dict[str, int | str])


def flat(payload: bytes) -> Fields | None:
    """Flat JSON with field names and plain text only; None for everything else."""
    if len(payload) > _MAX_PAYLOAD_BYTES:
        return None
    try:
        fields = _FLAT.decode(payload)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    if len(fields) > _MAX_FIELDS or not all(map(FIELD.fullmatch, fields)):
        return None
    if any(isinstance(value, int) and abs(value) > _MAX_INTEGER for value in fields.values()):
        return None
    return {name: plain(value) if isinstance(value, str) else value for name, value in fields.items()}


def time_in(value: int | str | None) -> datetime | None:
    """RFC 3339 with offset; None for everything else."""
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else None
        # Near the ends of the calendar no other time zone can be told.
        return at.astimezone(UTC) if at is not None and at.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None

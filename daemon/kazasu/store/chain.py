"""The chain as it is stored: what must hold from one row to the next (design, rule 3)."""

from __future__ import annotations

import hashlib
import re
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from kazasu.errors import JournalCorrupt, SignatureInvalid
from kazasu.model.event import Event, opened

if TYPE_CHECKING:
    from kazasu.model.access import EventFields
    from kazasu.model.document import Verifier

# 64 bytes are 88 characters of Base64. Within a JSON string a quotation mark is escaped, so this is never part of one.
_SIGNATURE = re.compile(rb',"sig":"[A-Za-z0-9+/]{86}=="')
_FIELDS = msgspec.json.Decoder(dict[str, int | str])


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """Where a chain stands.

    Attributes:
        seq: the last event's number; 0 in an empty epoch.
        digest: what the next event names as `prev`.
    """

    seq: int
    digest: str


class Chain(msgspec.Struct, frozen=True, kw_only=True):
    """Whose chain it is.

    Attributes:
        path: of the journal, for messages.
        site: the organisation's name.
        terminal: the device's name.
        epoch: 16 hexadecimal digits.
    """

    path: Path
    site: str
    terminal: str
    epoch: str

    def verified(self, head: Head, row: tuple[int, int, bytes], verifier: Verifier) -> Event:
        """Check the row that follows `head`, its signature included.

        Raises:
            JournalCorrupt: naming the event and what is wrong with it.
        """
        seq, at_s, body = row
        self._follows(head, seq)
        try:
            event = opened(body, verifier)
        except SignatureInvalid as error:
            raise self._corrupt(seq, str(error)) from error
        self._belongs(head, seq, event.fields)
        if at_s != unix_s(str(event.fields["time"])):
            raise self._corrupt(seq, f"it is filed under second {at_s}, and its time is {event.fields['time']}")
        return event

    def linked(self, head: Head, seq: int, body: bytes) -> Event:
        """Check by the chain alone that a row follows `head`: enough below an event whose signature was verified.

        Raises:
            JournalCorrupt: naming the event and what is wrong with it.
        """
        self._follows(head, seq)
        try:
            fields = _FIELDS.decode(body)
        except msgspec.DecodeError as error:
            raise self._corrupt(seq, f"it is no event: {error}") from error
        self._belongs(head, seq, fields)
        return Event(seq=seq, fields=fields, body=body, digest=digest_of(body))

    def _follows(self, head: Head, seq: int) -> None:
        if seq != head.seq + 1:
            raise self._corrupt(head.seq + 1, f"it is missing: after {head.seq} comes {seq}")

    def _belongs(self, head: Head, seq: int, fields: EventFields) -> None:
        expected = (
            ("site", self.site),
            ("terminal", self.terminal),
            ("epoch", self.epoch),
            ("seq", seq),
            ("prev", head.digest),
        )
        for name, value in expected:
            if fields.get(name) != value:
                raise self._corrupt(seq, f"its {name} is {fields.get(name)!r}, and the chain says {value!r}")

    def _corrupt(self, seq: int, what: str) -> JournalCorrupt:
        return JournalCorrupt(f"{self.path}: event {seq} of epoch {self.epoch}: {what}")


def digest_of(body: bytes) -> str:
    """Hash stored bytes without their signature: what the next event names as `prev`; 64 hexadecimal digits."""
    return hashlib.sha256(_SIGNATURE.sub(b"", body, count=1)).hexdigest()


def unix_s(time: str) -> int:
    """Read an RFC 3339 time as whole Unix seconds.

    Raises:
        ValueError: it is none.
    """
    return int(datetime.fromisoformat(time).timestamp())

"""An event: flat JSON, signed, chained. The wire's version 1 (docs/wire.md)."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from kazasu.errors import SignatureInvalid
from kazasu.model.access import EventFields
from kazasu.model.document import signed, verified
from kazasu.model.moment import Moment, TimeSource

if TYPE_CHECKING:
    from kazasu.model.document import Document, Signer, Verifier

WIRE_VERSION = 1
GENESIS = "0" * 64
"""`prev` of an epoch's first event."""

_STEP_MS = 2000  # NTP slews smaller errors away, and nobody need hear of it


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """What happened, before the journal gives it a place in the chain.

    Attributes:
        event_type: `attendance.in`, `terminal.started`, …
        moment: when.
        fields: everything else; flat, integers and strings.
    """

    event_type: str
    moment: Moment
    fields: EventFields


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """A signed event in its place in the chain.

    Attributes:
        seq: place within the epoch, from 1 without a gap.
        fields: the whole object, `sig` included.
        body: its canonical bytes, `sig` included: what is stored and sent.
        digest: SHA-256 of the canonical bytes without `sig`, 64 hexadecimal digits: the next event's `prev`.
    """

    seq: int
    fields: EventFields
    body: bytes
    digest: str

    @property
    def moment(self) -> Moment:
        """When it happened, as it was signed."""
        return moment_of(self.fields)


def moment_of(fields: EventFields) -> Moment:
    """When an event happened, by its own fields."""
    return Moment(
        at=datetime.fromisoformat(str(fields["time"])),
        source=TimeSource(str(fields["time_source"])),
        error_ms=int(fields["time_error_ms"]),
        boot=str(fields["boot"]),
        mono_ms=int(fields["mono_ms"]),
    )


def clock_change(before: Moment, moment: Moment) -> EventFields | None:
    """Fields of `clock.changed`; None if there is nothing to tell: the same source, and no step worth a word.

    That a boot begins with another source than the last one ended with is no change: `terminal.started` has its own.
    """
    step_ms = moment.step_ms(before)
    if abs(step_ms) < _STEP_MS and (moment.source is before.source or moment.boot != before.boot):
        return None
    previous_at = (moment.at.astimezone(UTC) - timedelta(milliseconds=step_ms)).astimezone(moment.at.tzinfo)
    return {
        "previous_source": before.source.value,
        "previous_time": msgspec.structs.replace(moment, at=previous_at).time,
        "step_ms": step_ms,
    }


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where in which chain the next event stands."""

    site: str
    terminal: str
    epoch: str
    seq: int
    prev: str


def sealed(draft: Draft, place: Place, signer: Signer) -> Event:
    """Give a draft its place in the chain and sign it.

    Raises:
        ValueError: a field outside the wire's subset, or one that the chain itself writes.
    """
    chain: EventFields = {
        "v": WIRE_VERSION,
        "id": f"{place.epoch}.{place.seq}",
        "site": place.site,
        "terminal": place.terminal,
        "epoch": place.epoch,
        "seq": place.seq,
        "prev": place.prev,
        "keyid": signer.keyid,
        "event_type": draft.event_type,
        "time": draft.moment.time,
        "time_source": draft.moment.source.value,
        "time_error_ms": draft.moment.error_ms,
        "boot": draft.moment.boot,
        "mono_ms": draft.moment.mono_ms,
    }
    if not chain.keys().isdisjoint(draft.fields):
        raise ValueError(f"fields of the chain cannot be given: {sorted(chain.keys() & draft.fields.keys())}")
    document = signed(chain | draft.fields, signer)
    return Event(seq=place.seq, fields=document.fields, body=document.body, digest=_digest(document))


def opened(body: bytes, verifier: Verifier) -> Event:
    """Parse and verify one event's bytes; they may have been re-serialised on their way.

    Raises:
        SignatureInvalid: no document signed by that key, or no event.
    """
    document = verified(body, verifier)
    seq = document.fields.get("seq")
    if not isinstance(seq, int):
        raise SignatureInvalid(f"not an event: seq is {seq!r}")
    return Event(seq=seq, fields=document.fields, body=body, digest=_digest(document))


def _digest(document: Document) -> str:
    return hashlib.sha256(document.covered).hexdigest()

"""An event: flat JSON, signed, chained. The wire's version 1 (docs/wire.md)."""

from __future__ import annotations

import base64
import functools
import hashlib
import json
import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Protocol

import msgspec

from kazasu.errors import SignatureInvalid
from kazasu.model.access import EventFields
from kazasu.model.moment import Moment, TimeSource

if TYPE_CHECKING:
    from collections.abc import Mapping


WIRE_VERSION = 1
GENESIS = "0" * 64
"""`prev` of an epoch's first event."""

_MAX_INTEGER = 2**53 - 1  # RFC 8785, 3.2.2.3: beyond it numbers do not survive other JSON readers
_STEP_MS = 2000  # NTP slews smaller errors away, and nobody need hear of it
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_ENCODER = msgspec.json.Encoder(order="sorted")


class Signer(Protocol):
    """Signs with the terminal's event key."""

    @property
    def keyid(self) -> str:
        """First 16 hexadecimal digits of the public key's SHA-256."""
        ...

    def sign(self, data: bytes) -> bytes:
        """Sign with Ed25519: 64 bytes."""
        ...


class Verifier(Protocol):
    """Checks against one public key."""

    @property
    def keyid(self) -> str:
        """First 16 hexadecimal digits of the public key's SHA-256."""
        ...

    def verify(self, signature: bytes, data: bytes) -> None:
        """Return if the signature holds.

        Raises:
            SignatureInvalid: it does not.
        """
        ...


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
    return {
        "previous_source": before.source.value,
        "previous_time": msgspec.structs.replace(moment, at=moment.at - timedelta(milliseconds=step_ms)).time,
        "step_ms": step_ms,
    }


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where in which chain the next event stands."""

    site: str
    terminal: str
    epoch: str
    seq: int
    prev: str


def canonical(fields: Mapping[str, int | str]) -> bytes:
    """Serialise as RFC 8785 does, on the wire's subset.

    On flat objects with ASCII names, integers below 2^53 and strings without lone surrogates, sorted compact JSON
    *is* RFC 8785; a property test holds this against the `rfc8785` library, which takes twenty times as long.

    Raises:
        ValueError: a name or value outside the subset.
    """
    for name, value in fields.items():
        if not _is_name(name):
            raise ValueError(f"{name!r} is no field name: lower-case ASCII letters, digits and _ only")
        if type(value) is int:
            if not -_MAX_INTEGER <= value <= _MAX_INTEGER:
                raise ValueError(f"{name}: {value} is beyond 2^53")
        elif not isinstance(value, str):
            raise ValueError(f"{name}: {type(value).__name__} is neither an integer nor a string")
    # A lone surrogate is no Unicode text: UnicodeEncodeError, which is a ValueError.
    return _ENCODER.encode(fields)


@functools.lru_cache(maxsize=256)
def _is_name(name: str) -> bool:
    return _NAME.fullmatch(name) is not None


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
    fields = chain | draft.fields
    covered = canonical(fields)
    fields["sig"] = base64.b64encode(signer.sign(covered)).decode()
    return Event(seq=place.seq, fields=fields, body=_ENCODER.encode(fields), digest=hashlib.sha256(covered).hexdigest())


def opened(body: bytes, verifier: Verifier) -> Event:
    """Parse and verify one event's bytes; they may have been re-serialised on their way.

    Raises:
        SignatureInvalid: not JSON, not flat, a duplicate name, a foreign key, or a signature that does not hold.
    """
    try:
        fields: EventFields = json.loads(body, object_pairs_hook=_unique)
        signature = base64.b64decode(str(fields["sig"]), validate=True)
        covered = canonical({name: value for name, value in fields.items() if name != "sig"})
        seq = fields["seq"]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise SignatureInvalid(f"not an event: {error}") from error
    if fields.get("keyid") != verifier.keyid:
        raise SignatureInvalid(f"event {fields.get('id')} names the key {fields.get('keyid')}, not {verifier.keyid}")
    verifier.verify(signature, covered)
    if not isinstance(seq, int):
        raise SignatureInvalid(f"not an event: seq is {seq!r}")
    return Event(seq=seq, fields=fields, body=body, digest=hashlib.sha256(covered).hexdigest())


def _unique(pairs: list[tuple[str, int | str]]) -> EventFields:
    """Refuse duplicate names: two readers of one message must not see two different events."""
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise ValueError("a name stands twice")
    return fields

"""From a message to an event that may be kept, or to the reason why not. Untrusted bytes in, never an exception out."""

from __future__ import annotations

import hashlib
import re
from datetime import date, datetime
from typing import TYPE_CHECKING

import msgspec

from kazasu.collector.records import Checked, Reason, Refused
from kazasu.errors import SignatureInvalid
from kazasu.model.document import verified
from kazasu.model.event import GENESIS, WIRE_VERSION
from kazasu.model.moment import TimeSource

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kazasu.collector.terminals import Registered
    from kazasu.model.access import EventFields
    from kazasu.model.document import Document

MAX_EVENT_BYTES = 16 * 1024
"""One event has less than 2 kB."""

MAX_KEPT_BYTES = 64 * 1024
"""So much of a refused message is kept."""

_MOST_STRANGERS = 100
_EPOCH = re.compile(r"[0-9a-f]{16}")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_BOOT = re.compile(r"[0-9a-f]{32}")
_TYPE = re.compile(r"[a-z][a-z_]*\.[a-z][a-z_]*")
_YEARS = range(1970, 9000)
_LONGEST_RUN_MS = 100 * 366 * 86_400_000
_SOURCES = frozenset(source.value for source in TimeSource)
_EVENT_LEVELS = 6  # kazasu / v1 / site / up / terminal / event


class _NamedKey(msgspec.Struct, frozen=True):
    keyid: str


_NAMED_KEY = msgspec.json.Decoder(_NamedKey)


class Intake:
    """Checks messages on event topics.

    Args:
        site: the site's name.
        terminals: who may say what; replaced whole when the directory changes.
        revocations: for a terminal's revoked key, the last number of each epoch that still counts.
        most_strangers: of so many that are not registered, refusals are told under the names that they give themselves.
    """

    def __init__(
        self,
        site: str,
        terminals: Mapping[str, Registered],
        revocations: Mapping[tuple[str, str], Mapping[str, int]],
        most_strangers: int = _MOST_STRANGERS,
    ) -> None:
        self._most_strangers = most_strangers
        self.site = site
        self.terminals = terminals
        self.revocations = revocations
        self._strangers: set[str] = set()

    def check(self, topic: str, payload: bytes) -> Checked | Refused:
        """Say what a message is worth."""
        terminal = terminal_of(topic)
        try:
            return self._checked(terminal, payload)
        except _RefusedError as refusal:
            return Refused(
                terminal=self._known_as(terminal),
                reason=refusal.reason,
                detail=str(refusal)[:500],
                signed=refusal.signed,
                body=payload[:MAX_KEPT_BYTES],
            )

    def _known_as(self, terminal: str) -> str:
        """Under which name a refusal is kept: names that are made up, one after the other, are all one."""
        if terminal in self.terminals or terminal in self._strangers:
            return terminal
        if len(self._strangers) >= self._most_strangers:
            return ""
        self._strangers.add(terminal)
        return terminal

    def _checked(self, terminal: str, payload: bytes) -> Checked:
        if len(payload) > MAX_EVENT_BYTES:
            raise _RefusedError(Reason.TOO_LARGE, f"{len(payload)} bytes, and an event has at most {MAX_EVENT_BYTES}")
        registered = self.terminals.get(terminal)
        if registered is None:
            raise _RefusedError(Reason.UNKNOWN_TERMINAL, "no such terminal is registered at this site")
        try:
            document = verified(payload, *registered.keys.values())
        except SignatureInvalid as error:
            raise self._unproved(terminal, registered, payload, error) from error
        event = _event_in(document)
        fields = document.fields
        if (fields["site"], fields["terminal"]) != (self.site, terminal):
            whose = f"{fields['site']}/{fields['terminal']}"
            raise _RefusedError(Reason.WRONG_TOPIC, f"it is {whose}'s event, on {terminal}'s topic", signed=True)
        self._refuse_revoked(event)
        return event

    def _unproved(
        self, terminal: str, registered: Registered, payload: bytes, error: SignatureInvalid
    ) -> _RefusedError:
        """Say why nobody here signed it, as far as it can be read."""
        try:
            named = _NAMED_KEY.decode(payload).keyid
        except (msgspec.MsgspecError, ValueError, RecursionError):
            return _RefusedError(Reason.NO_EVENT, str(error))
        if named in registered.keys:
            return _RefusedError(Reason.BAD_SIGNATURE, str(error))
        owner = next((name for name, other in self.terminals.items() if named in other.keys), None)
        whose = f"which is {owner}'s" if owner else f"which {terminal} has not"
        return _RefusedError(Reason.UNKNOWN_KEY, f"it names the key {named!r:.80}, {whose}")

    def _refuse_revoked(self, event: Checked) -> None:
        boundaries = self.revocations.get((event.terminal, event.keyid))
        if boundaries is not None and event.seq > boundaries.get(event.epoch, 0):
            raise _RefusedError(
                Reason.REVOKED_KEY,
                f"event {event.seq} of epoch {event.epoch} is signed with the revoked key {event.keyid}, of which"
                f" {boundaries.get(event.epoch, 0)} is the last that counts",
                signed=True,
            )


class _RefusedError(Exception):
    def __init__(self, reason: Reason, words: str, *, signed: bool = False) -> None:
        super().__init__(words)
        self.reason = reason
        self.signed = signed


def terminal_of(topic: str) -> str:
    """Whose event topic it is; empty if it is none."""
    levels = topic.split("/")
    return levels[-2] if len(levels) == _EVENT_LEVELS and levels[-1] == "event" else ""


def _event_in(document: Document) -> Checked:
    """Read an event whose signature holds.

    Raises:
        _RefusedError: its own terminal signed what is no event: a field is missing or of the wrong form.
    """
    fields = document.fields
    wrong = next((name for name, is_right in _FORM.items() if not is_right(fields.get(name))), None)
    if wrong is None and fields.get("id") != f"{fields['epoch']}.{fields['seq']}":
        wrong = "id"
    if wrong is None and (fields["seq"] == 1) != (fields["prev"] == GENESIS):
        wrong = "prev"
    if wrong is not None:
        raise _RefusedError(Reason.NO_EVENT, f"its {wrong} is {fields.get(wrong)!r:.80}", signed=True)
    return Checked(
        terminal=str(fields["terminal"]),
        epoch=str(fields["epoch"]),
        seq=int(fields["seq"]),
        digest=hashlib.sha256(document.covered).hexdigest(),
        prev=str(fields["prev"]),
        keyid=str(fields["keyid"]),
        event_type=str(fields["event_type"]),
        time=str(fields["time"]),
        boot=str(fields["boot"]),
        mono_ms=int(fields["mono_ms"]),
        cardholder=_text(fields, "cardholder"),
        day=_text(fields, "day"),
        body=document.body,
    )


def _text(fields: EventFields, name: str) -> str:
    value = fields.get(name, "")
    return value if isinstance(value, str) else ""


def _matches(pattern: re.Pattern[str], value: object) -> bool:
    return isinstance(value, str) and pattern.fullmatch(value) is not None


def _is_time(value: object) -> bool:
    """RFC 3339 with offset, without which nobody knows when it was, in years that can be reckoned with."""
    if not isinstance(value, str):
        return False
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        return False
    return at.tzinfo is not None and at.year in _YEARS


def _is_day_or_none(value: object) -> bool:
    if value is None:
        return True
    try:
        return isinstance(value, str) and date.fromisoformat(value).isoformat() == value
    except ValueError:
        return False


def _is_clean_text_or_none(value: object) -> bool:
    # PostgreSQL keeps no NUL in text, and neither does anybody's number have one.
    return value is None or (isinstance(value, str) and "\0" not in value)


_FORM = {
    "v": lambda value: value == WIRE_VERSION and type(value) is int,
    "site": lambda value: isinstance(value, str),
    "terminal": lambda value: isinstance(value, str),
    "epoch": lambda value: _matches(_EPOCH, value),
    "seq": lambda value: type(value) is int and value >= 1,
    "prev": lambda value: _matches(_DIGEST, value),
    "event_type": lambda value: _matches(_TYPE, value),
    "time": _is_time,
    "time_source": lambda value: value in _SOURCES,
    "time_error_ms": lambda value: type(value) is int,
    "boot": lambda value: _matches(_BOOT, value),
    "mono_ms": lambda value: type(value) is int and 0 <= value <= _LONGEST_RUN_MS,
    "day": _is_day_or_none,
    "punched_at": lambda value: value is None or _is_time(value),
    "cardholder": _is_clean_text_or_none,
}
"""What each field that this program itself uses has to look like."""

"""What is kept, and what is known of it: the words between the collector's parts and its store."""

from __future__ import annotations

import enum

import msgspec


class Reason(enum.StrEnum):
    """Why a message is in quarantine and not among the events."""

    TOO_LARGE = "too_large"
    NO_EVENT = "no_event"  # no JSON, not flat, a field missing or of the wrong form
    WRONG_TOPIC = "wrong_topic"  # its site or terminal is not the topic's
    UNKNOWN_TERMINAL = "unknown_terminal"
    UNKNOWN_KEY = "unknown_key"
    BAD_SIGNATURE = "bad_signature"
    REVOKED_KEY = "revoked_key"  # signed with a key that was revoked, and not vouched for before
    FORK = "fork"  # the terminal signed another event of this number before
    REWRITTEN = "rewritten"  # it does not name the hash of the event before it


class Kind(enum.StrEnum):
    """What operations have to hear of."""

    GAP = "gap"
    FORK = "fork"
    REWRITTEN = "rewritten"
    CLOCK = "clock"  # its clock jumped, and no `clock.changed` says so
    EPOCH = "epoch"  # it began a journal anew
    TWO_DEVICES = "two_devices"  # two journals of one terminal go on at the same time
    SHARED_KEY = "shared_key"  # two terminals are registered with one key
    REFUSED = "refused"  # messages went into quarantine


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """An event whose signature holds.

    Attributes:
        terminal, epoch, seq: its identity.
        digest: what the next event names as `prev`.
        prev: the digest of the event before it, as it says.
        keyid: of the key that signed it.
        event_type, time, boot, mono_ms: as they are in it.
        cardholder, day: likewise; empty if they are not.
        body: its bytes as they came.
    """

    terminal: str
    epoch: str
    seq: int
    digest: str
    prev: str
    keyid: str
    event_type: str
    time: str
    boot: str
    mono_ms: int
    cardholder: str
    day: str
    body: bytes


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """A message that is no event of this site's, or none that can be in its chain.

    Attributes:
        terminal: whose topic it came on.
        reason: why.
        detail: in words.
        signed: a key of the terminal's has signed it: evidence, which is never dropped.
        body: its bytes, cut at a limit.
    """

    terminal: str
    reason: Reason
    detail: str
    signed: bool
    body: bytes


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """Something that operations have to hear of.

    Attributes:
        terminal: whose.
        kind: what.
        epoch: of which journal; empty if it is not one's.
        detail: in words.
    """

    terminal: str
    kind: Kind
    epoch: str = ""
    detail: str


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """All open findings of one kind at one terminal.

    Attributes:
        terminal: whose.
        kind: what.
        count: how many.
        detail: the newest in words.
        raised: when the newest was found, RFC 3339.
    """

    terminal: str
    kind: Kind
    count: int
    detail: str
    raised: str


class Chain(msgspec.Struct, frozen=True, kw_only=True):
    """How far the store has one epoch of one terminal.

    Attributes:
        terminal, epoch: whose.
        number: which of the terminal's epochs this is, from 1 in the order in which they were first heard of.
        seq: the last event that follows all before it.
        digest: its digest.
        top: the highest number that is kept; above `seq` if something is missing.
        began: the time of the first event that arrived, RFC 3339.
        arrived_s: when the newest one arrived, Unix time.
    """

    terminal: str
    epoch: str
    number: int
    seq: int
    digest: str
    top: int
    began: str
    arrived_s: int


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a batch.

    Attributes:
        chains: where each chain stands that the batch has touched, but for epochs that have ended.
        stored: how many events were new.
        duplicates: how many were there already.
        refused: how many messages went into quarantine.
    """

    chains: tuple[Chain, ...]
    stored: int
    duplicates: int
    refused: int


class KeptReceipt(msgspec.Struct, frozen=True, kw_only=True):
    """A signed receipt as it is on the wire."""

    terminal: str
    epoch: str
    seq: int
    body: bytes


class KeptEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event as the store gives it back.

    Attributes:
        terminal, epoch, seq: its identity.
        body: its bytes as they came.
        arrived_s: when, Unix time.
        linked: everything before it is there, and the chain holds up to it.
    """

    terminal: str
    epoch: str
    seq: int
    body: bytes
    arrived_s: int
    linked: bool

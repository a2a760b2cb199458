"""What people see and hear, as values. The patterns themselves are data: config/cues.toml."""

from __future__ import annotations

import enum

import msgspec


class CueName(enum.StrEnum):
    """Every cue; each is defined in cues.toml and told from the others without colour and without sound."""

    READY = "ready"  # at rest, in order
    READING = "reading"  # hold the card still
    PIN = "pin"  # enter the PIN, and leave the card where it is; also at rest while it is waited for
    KEY = "key"  # a key of a PIN or a code was taken
    GRANTED = "granted"  # recorded
    ALREADY_DONE = "already_done"  # recorded a moment ago; nothing more to do
    DENIED = "denied"  # not accepted here; ask
    RETRY = "retry"  # once more, please
    BLOCKED = "blocked"  # the card's PIN is blocked, or one try before that: only the issuer's counter helps
    FAULT = "fault"  # the terminal cannot record; also at rest while out of order
    HELD = "held"  # at rest: the door has been open for long; close it
    HELD_OPEN = "held_open"  # at rest: the door is held open, or was forced; sounds until it is closed
    FIND_ME = "find_me"  # the site's desk looks for this terminal


OF_THE_KEYPAD = frozenset({CueName.PIN, CueName.KEY, CueName.BLOCKED})
"""Cues that only a terminal with a keypad plays."""

OF_DOORS = frozenset({CueName.HELD, CueName.HELD_OPEN})
"""Cues that only a terminal with doors plays; at rest they keep their sound, because they ask for somebody."""


OF_THE_DESK = frozenset({CueName.FIND_ME})
"""Cues that only a terminal with a site's key plays."""


class Channel(enum.StrEnum):
    """What a frame can switch on."""

    GREEN = "green"
    RED = "red"
    BUZZER = "buzzer"
    RELAY = "relay"


class Frame(msgspec.Struct, frozen=True, kw_only=True):
    """A state of the outputs that is held for a time.

    Attributes:
        ms: how long, 1 to 60,000.
        on: the channels that are on; all others are off.
    """

    ms: int
    on: frozenset[Channel]


class Cue(msgspec.Struct, frozen=True, kw_only=True):
    """A sequence of frames.

    Attributes:
        name: which cue it is.
        frames: at least one; played in order.
        repeat: start again after the last frame, until another cue comes; a cue at rest always does.
    """

    name: CueName
    frames: tuple[Frame, ...]
    repeat: bool = False

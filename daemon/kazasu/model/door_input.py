"""What a door can be told. Each says what happened and nothing of what follows from it: that is door_table.py's."""

from __future__ import annotations

import enum
from typing import TypeAlias

import msgspec


class RexKind(enum.StrEnum):
    """What asks for the way out; the values are on the wire."""

    BUTTON = "button"  # somebody wants to leave: recorded at once
    MOTION = "motion"  # somebody is near: recorded with the door's opening, since most of them walk on


class Unlocker(enum.StrEnum):
    """By whom a door stays unlocked; the values are on the wire."""

    SCHEDULE = "schedule"
    OPERATOR = "operator"


class DoorFault(enum.StrEnum):
    """Why a door cannot be worked; the values are on the wire."""

    LOCK = "lock"  # the second limit had to cut it, or its output does not work
    JOURNAL = "journal"  # an opening could not be recorded, so there is none (rule 1)


class Granted(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody may pass; their `door.granted` is durable already.

    Attributes:
        extended: they need longer.
        in_lockdown: they may pass in a lockdown too.
        seq: of their event, so that the door's events can name it; 0 if there is none to name.
    """

    extended: bool = False
    in_lockdown: bool = False
    seq: int = 0


class ContactChanged(msgspec.Struct, frozen=True):
    """The door leaf moved, or its contact was looked at for the first time; a repetition is no change."""

    open: bool


class RexPressed(msgspec.Struct, frozen=True):
    """Request to exit: the lock's own circuit has opened it already, and waits for nobody here."""

    by: RexKind = RexKind.BUTTON


class RexReleased(msgspec.Struct, frozen=True):
    """The button was let go, or nobody is near any more."""

    by: RexKind = RexKind.BUTTON


class TamperChanged(msgspec.Struct, frozen=True):
    """A housing was opened or closed."""

    active: bool


class FireChanged(msgspec.Struct, frozen=True):
    """The fire alarm system asks for the door to be free, or does so no longer."""

    active: bool


class LockdownChanged(msgspec.Struct, frozen=True):
    """A lockdown began or ended; its own event is durable already."""

    active: bool


class UnlockChanged(msgspec.Struct, frozen=True):
    """The door is to stay unlocked, or no longer; with two of them it stays so until both have ended."""

    active: bool
    by: Unlocker = Unlocker.SCHEDULE


class FaultChanged(msgspec.Struct, frozen=True):
    """The door cannot be worked, or can again."""

    active: bool
    fault: DoorFault = DoorFault.LOCK


class Tick(msgspec.Struct, frozen=True):
    """Nothing happened but time; due at `Outcome.wake_at_s`, and harmless at any other time."""


DoorInput: TypeAlias = (
    Granted
    | ContactChanged
    | RexPressed
    | RexReleased
    | TamperChanged
    | FireChanged
    | LockdownChanged
    | UnlockChanged
    | FaultChanged
    | Tick
)

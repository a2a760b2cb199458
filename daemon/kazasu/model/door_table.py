"""The door as one table: states by signals, to the next state and its events; what is on in each state; what cannot be.

docs/doors.md shows it, drawn from here. A state alone says whether the lock is released and which alarm stands, so
there is one place to look for what can open a door: the column `released` of `STATES`.
"""

from __future__ import annotations

import enum
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from kazasu.model.alarm import Alarm

if TYPE_CHECKING:
    from collections.abc import Mapping


class DoorState(enum.StrEnum):
    """How a door is."""

    STARTING = "starting"  # locked; nobody has looked at the contact yet
    LOCKED = "locked"
    UNLOCKED = "unlocked"  # released for somebody, who has not opened it yet
    OPENING = "opening"  # just opened; still released, so that a magnet does not pull it shut again
    OPEN = "open"
    HELD = "held"  # open for long: the warning before the alarm
    HELD_OPEN = "held_open"
    RELOCKING = "relocking"  # locked again; a leaf that has not latched yet is no break-in
    EXITING = "exiting"  # somebody leaves: the lock's own circuit opens it, and opening it is no break-in
    FORCED_OPEN = "forced_open"
    PROPPED = "propped"  # unlocked by schedule or operator
    LOCKED_DOWN = "locked_down"
    FIRE_RELEASE = "fire_release"
    FAULT = "fault"  # locked, since it cannot be worked


class DoorEventType(enum.StrEnum):
    """What a door records; the values are on the wire."""

    OPENED = "door.opened"
    CLOSED = "door.closed"
    NOT_OPENED = "door.not_opened"  # granted, released, and nobody went through
    NOT_RELEASED = "door.not_released"  # granted, and meanwhile it is locked down or out of order
    REX = "door.rex"
    HELD_OPEN = "door.held_open"
    HELD_OPEN_ENDED = "door.held_open_ended"
    FORCED_OPEN = "door.forced_open"
    FORCED_OPEN_ENDED = "door.forced_open_ended"
    UNLOCKED = "door.unlocked"
    UNLOCKED_ENDED = "door.unlocked_ended"
    FIRE_RELEASE = "door.fire_release"
    FIRE_RELEASE_ENDED = "door.fire_release_ended"
    FAULT = "door.fault"
    FAULT_ENDED = "door.fault_ended"
    TAMPER = "door.tamper"
    TAMPER_ENDED = "door.tamper_ended"


class Signal(enum.StrEnum):
    """What an input means. Something that does not change (a second fire alarm, a closed door that closes) is none."""

    GRANTED = "granted"
    BARRED = "granted, but barred"  # in a lockdown that the person may not pass, or while there is a fault
    OPENED = "opened"
    CLOSED = "closed"
    REX = "REX"
    MOTION = "REX by motion"
    REX_ENDED = "REX over"
    TIMEOUT = "time is up"
    UNLOCK = "unlock"
    UNLOCK_ENDED = "unlock over"
    LOCKDOWN = "lockdown"
    LOCKDOWN_ENDED = "lockdown over"
    FAULT = "fault"
    FAULT_ENDED = "fault over"
    FIRE = "fire"
    FIRE_ENDED = "fire over"
    TAMPER = "tamper"
    TAMPER_ENDED = "tamper over"


class Choice(enum.StrEnum):
    """A next state that depends on what stands: the first line that holds."""

    STAY = "stay"
    LOCK = "lock"  # unlock stands and nothing bars it: propped; open: open; else relocking
    REST = "rest"  # somebody leaves or just asked: exiting; fault: fault; lockdown: locked_down; else locked or propped
    PROP = "prop"  # unlock stands and nothing bars it: propped; else stay


class Row(NamedTuple):
    """What follows. Naming the state itself begins its time anew; `STAY` does not."""

    to: DoorState | Choice
    events: tuple[DoorEventType, ...] = ()


class Impossible(enum.StrEnum):
    """Why a signal cannot reach a state."""

    CLOSED_ALREADY = "the door is closed in this state"
    OPEN_ALREADY = "the door is open in this state"
    NO_TIME = "no time runs in this state"
    NOTHING_BARS = "neither lockdown nor fault stands in this state"
    FAULT_BARS = "a fault bars everybody"
    STANDS_ALREADY = "it is what this state is"
    STANDS_NOT = "it would have led to another state"


class Shape(NamedTuple):
    """What is on in a state.

    Attributes:
        released: the lock is.
        lasting: and not for a moment, but until told otherwise.
        alarm: that the state itself is.
        begins: recorded when it is entered.
        ends: recorded when it is left.
    """

    released: bool = False
    lasting: bool = False
    alarm: Alarm | None = None
    begins: DoorEventType | None = None
    ends: DoorEventType | None = None


_S, _E, _X = DoorState, DoorEventType, Impossible
Cell: TypeAlias = Row | Impossible
Cells: TypeAlias = dict[Signal, Cell]

STATES: Mapping[DoorState, Shape] = MappingProxyType(
    dict.fromkeys(DoorState, Shape())
    | {
        _S.UNLOCKED: Shape(released=True),
        _S.OPENING: Shape(released=True),
        _S.HELD: Shape(alarm=Alarm.HELD),
        _S.HELD_OPEN: Shape(alarm=Alarm.HELD_OPEN, begins=_E.HELD_OPEN, ends=_E.HELD_OPEN_ENDED),
        _S.FORCED_OPEN: Shape(alarm=Alarm.FORCED_OPEN, begins=_E.FORCED_OPEN, ends=_E.FORCED_OPEN_ENDED),
        _S.PROPPED: Shape(released=True, lasting=True, begins=_E.UNLOCKED, ends=_E.UNLOCKED_ENDED),
        _S.FIRE_RELEASE: Shape(
            released=True, lasting=True, alarm=Alarm.FIRE, begins=_E.FIRE_RELEASE, ends=_E.FIRE_RELEASE_ENDED
        ),
    }
)

_STAY, _LOCK, _REST, _PROP = Row(Choice.STAY), Row(Choice.LOCK), Row(Choice.REST), Row(Choice.PROP)

# What follows wherever nothing else is said below.
_EVERYWHERE: Cells = {
    Signal.GRANTED: _STAY,
    Signal.BARRED: Row(Choice.STAY, (_E.NOT_RELEASED,)),
    Signal.OPENED: _X.OPEN_ALREADY,
    Signal.CLOSED: _X.CLOSED_ALREADY,
    Signal.REX: Row(Choice.STAY, (_E.REX,)),
    Signal.MOTION: _STAY,
    Signal.REX_ENDED: _STAY,
    Signal.TIMEOUT: _X.NO_TIME,
    Signal.UNLOCK: _PROP,
    Signal.UNLOCK_ENDED: _STAY,
    Signal.LOCKDOWN: _STAY,
    Signal.LOCKDOWN_ENDED: _PROP,
    Signal.FAULT: Row(Choice.STAY, (_E.FAULT,)),
    Signal.FAULT_ENDED: Row(Choice.PROP, (_E.FAULT_ENDED,)),
    Signal.FIRE: Row(_S.FIRE_RELEASE),
    Signal.FIRE_ENDED: _X.STANDS_NOT,
    Signal.TAMPER: Row(Choice.STAY, (_E.TAMPER,)),
    Signal.TAMPER_ENDED: Row(Choice.STAY, (_E.TAMPER_ENDED,)),
}

_GRANT: Cells = {Signal.GRANTED: Row(_S.UNLOCKED)}
_EXIT: Cells = {Signal.REX: Row(_S.EXITING, (_E.REX,)), Signal.MOTION: Row(_S.EXITING)}
_CUT: Cells = {Signal.LOCKDOWN: _LOCK, Signal.FAULT: Row(Choice.LOCK, (_E.FAULT,))}
_NO_FAULT: Cells = {Signal.FAULT_ENDED: _X.NOTHING_BARS}
_NO_BAR: Cells = {**_NO_FAULT, Signal.BARRED: _X.NOTHING_BARS, Signal.LOCKDOWN_ENDED: _X.NOTHING_BARS}
# At rest: whoever opens it now without the way out forces it.
_GUARDED: Cells = {**_EXIT, Signal.OPENED: Row(_S.FORCED_OPEN), Signal.REX_ENDED: _X.STANDS_NOT}
# Nobody's alarm as long as it is closed in time.
_STANDING_OPEN: Cells = {Signal.GRANTED: Row(_S.OPEN), Signal.CLOSED: Row(_S.RELOCKING, (_E.CLOSED,))}
_CONDITIONS_WAIT: Cells = {
    Signal.UNLOCK: _STAY,
    Signal.LOCKDOWN_ENDED: _STAY,
    Signal.FAULT_ENDED: Row(Choice.STAY, (_E.FAULT_ENDED,)),
}

_ROWS: dict[DoorState, Cells] = {
    _S.STARTING: {
        **_GRANT,
        Signal.OPENED: Row(_S.OPEN, (_E.OPENED,)),
        Signal.CLOSED: _REST,
        Signal.TIMEOUT: _REST,
    },
    _S.LOCKED: {
        **_GRANT,
        **_GUARDED,
        **_NO_BAR,
        Signal.UNLOCK: Row(_S.PROPPED),
        Signal.UNLOCK_ENDED: _X.STANDS_NOT,
        Signal.LOCKDOWN: Row(_S.LOCKED_DOWN),
        Signal.FAULT: Row(_S.FAULT, (_E.FAULT,)),
    },
    _S.UNLOCKED: {
        **_GRANT,
        **_CUT,
        **_NO_FAULT,
        Signal.OPENED: Row(_S.OPENING, (_E.OPENED,)),
        Signal.TIMEOUT: _LOCK,
    },
    _S.OPENING: {
        **_CUT,
        **_NO_FAULT,
        Signal.CLOSED: Row(Choice.LOCK, (_E.CLOSED,)),
        Signal.TIMEOUT: Row(_S.OPEN),
    },
    _S.OPEN: {**_STANDING_OPEN, Signal.TIMEOUT: Row(_S.HELD)},
    _S.HELD: {**_STANDING_OPEN, Signal.TIMEOUT: Row(_S.HELD_OPEN)},
    _S.HELD_OPEN: _STANDING_OPEN,
    _S.RELOCKING: {
        Signal.GRANTED: Row(_S.UNLOCKED, (_E.NOT_OPENED,)),
        Signal.OPENED: Row(_S.OPEN, (_E.OPENED,)),
        Signal.REX: Row(_S.EXITING, (_E.NOT_OPENED, _E.REX)),
        Signal.MOTION: Row(_S.EXITING, (_E.NOT_OPENED,)),
        Signal.TIMEOUT: Row(Choice.REST, (_E.NOT_OPENED,)),
    },
    _S.EXITING: {
        **_GRANT,
        **_EXIT,
        Signal.OPENED: Row(_S.OPEN, (_E.OPENED,)),
        Signal.REX_ENDED: Row(_S.EXITING),
        Signal.TIMEOUT: _REST,
    },
    _S.FORCED_OPEN: {
        **_CONDITIONS_WAIT,
        Signal.CLOSED: Row(Choice.LOCK, (_E.CLOSED,)),
    },
    _S.PROPPED: {
        **_NO_BAR,
        **_CUT,
        Signal.OPENED: _STAY,
        Signal.CLOSED: _STAY,
        Signal.UNLOCK: _X.STANDS_ALREADY,
        Signal.UNLOCK_ENDED: _LOCK,
    },
    _S.LOCKED_DOWN: {
        **_GRANT,
        **_GUARDED,
        **_NO_FAULT,
        Signal.UNLOCK: _STAY,
        Signal.LOCKDOWN: _X.STANDS_ALREADY,
        Signal.LOCKDOWN_ENDED: _REST,
        Signal.FAULT: Row(_S.FAULT, (_E.FAULT,)),
    },
    _S.FIRE_RELEASE: {
        **_CONDITIONS_WAIT,
        Signal.BARRED: _STAY,
        Signal.OPENED: Row(Choice.STAY, (_E.OPENED,)),
        Signal.CLOSED: Row(Choice.STAY, (_E.CLOSED,)),
        Signal.FIRE: _X.STANDS_ALREADY,
        Signal.FIRE_ENDED: _LOCK,
    },
    _S.FAULT: {
        **_GUARDED,
        Signal.GRANTED: _X.FAULT_BARS,
        Signal.UNLOCK: _STAY,
        Signal.LOCKDOWN_ENDED: _STAY,
        Signal.FAULT: _X.STANDS_ALREADY,
        Signal.FAULT_ENDED: Row(Choice.REST, (_E.FAULT_ENDED,)),
    },
}

TABLE: Mapping[tuple[DoorState, Signal], Cell] = MappingProxyType(
    {(state, signal): _ROWS[state].get(signal, _EVERYWHERE[signal]) for state in DoorState for signal in Signal}
)
"""Every state with every signal."""

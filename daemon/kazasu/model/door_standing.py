"""What stands at a door whatever its state: contact, fire, lockdown, unlocks, faults, who is leaving, tamper."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kazasu.model.door_input import (
    ContactChanged,
    FaultChanged,
    FireChanged,
    Granted,
    LockdownChanged,
    RexKind,
    RexPressed,
    RexReleased,
    TamperChanged,
    Tick,
    UnlockChanged,
)
from kazasu.model.door_table import Choice, DoorState, Signal

if TYPE_CHECKING:
    from kazasu.model.access import EventFields
    from kazasu.model.door_input import DoorFault, DoorInput, Unlocker


class Standing:
    """Turns inputs into signals of the table, and the table's choices into states.

    Attributes:
        open: whether the leaf is, as far as anybody has looked.
        unlockers: by whom the door is to stay unlocked.
        faults: why it cannot be worked.
        leaving: what asks for the way out now.
        tamper: whether a housing is open.
    """

    def __init__(self) -> None:
        self.open = self.tamper = False
        self.unlockers: frozenset[Unlocker] = frozenset()
        self.faults: frozenset[DoorFault] = frozenset()
        self.leaving: frozenset[RexKind] = frozenset()
        self._fire = False
        self._lockdown = False

    def take(self, item: DoorInput, *, starting: bool) -> tuple[Signal | None, EventFields]:
        """Say what an input means, and what its own event tells beside the door; from here on it stands.

        Args:
            item: what happened.
            starting: nobody has looked at the contact yet, so its first word counts though it may be no change.

        Returns:
            None if it changes nothing.
        """
        match item:
            case Granted():
                return self._grant(item)
            case ContactChanged(open=is_open):
                changed, self.open = starting or is_open != self.open, is_open
                return (Signal.OPENED if is_open else Signal.CLOSED) if changed else None, {}
            case RexPressed(by=by):
                again, self.leaving = by in self.leaving, self.leaving | {by}
                return None if again else Signal.REX if by is RexKind.BUTTON else Signal.MOTION, {"rex": by.value}
            case RexReleased(by=by):
                left, self.leaving = self.leaving, self.leaving - {by}
                return Signal.REX_ENDED if left and not self.leaving else None, {}
            case FaultChanged(active=active, fault=fault):
                before, self.faults = self.faults, self.faults | {fault} if active else self.faults - {fault}
                return _edge(bool(before), bool(self.faults), Signal.FAULT, Signal.FAULT_ENDED), {"fault": fault.value}
        return self._condition(item), {}

    def chosen(self, choice: Choice, *, excused: bool) -> DoorState | None:
        """The state that a choice comes to; None to stay.

        Args:
            choice: the table's.
            excused: somebody asked for the way out a moment ago, and the door has not been opened since.
        """
        unlocked = self.unlockers and not self._lockdown and not self.faults
        if choice is Choice.REST and (self.leaving or excused):
            return DoorState.EXITING
        if choice is not Choice.STAY and unlocked:
            return DoorState.PROPPED
        match choice:
            case Choice.LOCK:
                return DoorState.OPEN if self.open else DoorState.RELOCKING
            case Choice.REST:
                locked = DoorState.LOCKED_DOWN if self._lockdown else DoorState.LOCKED
                return DoorState.FAULT if self.faults else locked
        return None

    @property
    def bar(self) -> str:
        """What keeps everybody out who may not pass all the same: `fault`, `lockdown`, or empty."""
        return "fault" if self.faults else "lockdown" if self._lockdown else ""

    def _grant(self, item: Granted) -> tuple[Signal, EventFields]:
        bar = self.bar
        if bar == "fault" or (bar == "lockdown" and not item.in_lockdown):
            return Signal.BARRED, {"reason": bar} | naming(item.seq)
        return Signal.GRANTED, {}

    def _condition(self, item: DoorInput) -> Signal | None:
        match item:
            case FireChanged(active=active):
                was, self._fire = self._fire, active
                return _edge(was, active, Signal.FIRE, Signal.FIRE_ENDED)
            case TamperChanged(active=active):
                was, self.tamper = self.tamper, active
                return _edge(was, active, Signal.TAMPER, Signal.TAMPER_ENDED)
            case LockdownChanged(active=active):
                was, self._lockdown = self._lockdown, active
                return _edge(was, active, Signal.LOCKDOWN, Signal.LOCKDOWN_ENDED)
            case UnlockChanged(active=active, by=by):
                before, self.unlockers = self.unlockers, self.unlockers | {by} if active else self.unlockers - {by}
                return _edge(bool(before), bool(self.unlockers), Signal.UNLOCK, Signal.UNLOCK_ENDED)
            case Tick():
                return None
        raise TypeError(f"{item!r} is no input of a door")


def naming(seq: int) -> EventFields:
    """The field that names a grant's event; none if there is none to name."""
    return {"granted_seq": seq} if seq else {}


def _edge(was: bool, now: bool, began: Signal, ended: Signal) -> Signal | None:  # noqa: FBT001  (one value's, twice)
    return None if was == now else began if now else ended

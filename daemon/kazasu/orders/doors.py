"""Orders about doors; see orders/__init__.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kazasu.errors import OrderRefused
from kazasu.model.door_input import (
    ContactChanged,
    DoorFault,
    FaultChanged,
    FireChanged,
    RexKind,
    RexPressed,
    RexReleased,
    TamperChanged,
)
from kazasu.model.order import (
    EVERY_DOOR,
    Lockdown,
    Look,
    Release,
    Relock,
    ResetPassback,
    Simulate,
    Unlock,
)
from kazasu.orders.no_doors import UNRECORDED

if TYPE_CHECKING:
    from kazasu.doors import Doors
    from kazasu.model.access import EventFields
    from kazasu.model.door_input import DoorInput
    from kazasu.model.order import DoorOrder, Order
    from kazasu.orders import Record


class DoorOrders:
    """Does what it is told, or says why not. The terminal's thread only.

    Args:
        doors: the terminal's.
        record: makes an event durable.
        simulated: doors have no wires, and `Simulate` stands for them.
    """

    def __init__(self, doors: Doors, record: Record, *, simulated: bool) -> None:
        self._doors = doors
        self._record = record
        self._simulated = simulated

    def done(self, order: DoorOrder) -> str:
        """Do it, and say what is so now.

        Raises:
            OrderRefused: it was not done.
        """
        match order:
            case Release(door=door):
                said = self._release(door, order.by)
            case Unlock(door=door, for_s=for_s):
                said = self._unlock(door, order.by, for_s)
            case Relock(door=door):
                said = self._relock(door, order.by)
            case Lockdown(door=door, active=active):
                said = self._lockdown(door, order.by, active=active)
            case ResetPassback(cardholder=cardholder):
                said = self._reset_passback(order.by, cardholder)
            case Simulate():
                said = self._simulate(order)
            case Look():
                said = self._states(*self._doors.names)
        return said

    def unrecorded(self, order: Order) -> str:
        """Do what waits for no journal, and say what was not done, of an order that cannot be recorded.

        A lockdown locks all the same: nobody is let in while nothing can be recorded, and that it was ordered has to
        be said again once it can be.

        Raises:
            OrderRefused: there is no such door.
        """
        if not isinstance(order, Lockdown) or not order.active:
            return UNRECORDED
        names = self._named(order.door)
        for name in names:
            self._doors.take(name, FaultChanged(True, DoorFault.JOURNAL))
        return f"{self._states(*names)}\nit cannot be recorded, and ends when it can be: order it again then"

    def _unlock(self, door: str, by: str, for_s: float | None) -> str:
        self._expect(door)
        fields: EventFields = {"door": door, "by": by}
        if for_s is not None:
            fields["for_s"] = round(for_s)
        self._record("operator.unlocked", fields)
        self._doors.hold(door, for_s)
        return self._states(door)

    def _relock(self, door: str, by: str) -> str:
        self._expect(door)
        try:
            self._record("operator.relocked", {"door": door, "by": by})
        except OrderRefused as error:
            self._doors.let_go(door)
            raise OrderRefused(f"{self._states(door)}; it could not be recorded: see `kazasu doctor`") from error
        self._doors.let_go(door)
        return self._states(door)

    def _reset_passback(self, by: str, cardholder: str | None) -> str:
        fields: EventFields = {"by": by}
        if cardholder is not None:
            fields["cardholder"] = cardholder
        self._record("passback.reset", fields)
        return f"whereabouts forgotten: {cardholder or 'everybody'}"

    def _simulate(self, order: Simulate) -> str:
        self._expect(order.door)
        if not self._simulated:
            raise OrderRefused("only where [outputs] driver is terminal; this terminal has wires of its own")
        self._doors.take(order.door, _given(order))
        return self._states(order.door)

    def _release(self, door: str, by: str) -> str:
        self._expect(door)
        if self._doors.bar(door):
            raise OrderRefused(f"door {self._states(door)}: nobody is let through")
        event = self._record("operator.released", {"door": door, "by": by})
        self._doors.released(door, event)
        return self._states(door)

    def _lockdown(self, door: str, by: str, *, active: bool) -> str:
        names = self._named(door)
        try:
            self._record(f"lockdown.{'begun' if active else 'ended'}", {"door": door, "by": by})
        except OrderRefused:
            raise OrderRefused(self.unrecorded(Lockdown(by=by, door=door, active=active))) from None
        self._doors.pass_time()
        return self._states(*names)

    def _named(self, door: str) -> tuple[str, ...]:
        """The doors that an order means.

        Raises:
            OrderRefused: there is none of that name.
        """
        if door != EVERY_DOOR:
            self._expect(door)
            return (door,)
        return self._doors.names

    def _expect(self, door: str) -> None:
        if door not in self._doors.names:
            known = ", ".join(self._doors.names)
            raise OrderRefused(f"there is no door {door!r} here; there is: {known}")

    def _states(self, *doors: str) -> str:
        return "\n".join(f"{door}: {self._doors.state(door)}" for door in doors)


def _given(order: Simulate) -> DoorInput:
    match order.input:
        case "contact":
            return ContactChanged(order.active)
        case "fire":
            return FireChanged(order.active)
        case "tamper":
            return TamperChanged(order.active)
        case "rex":
            kind = RexKind.BUTTON
        case "motion":
            kind = RexKind.MOTION
    return RexPressed(kind) if order.active else RexReleased(kind)

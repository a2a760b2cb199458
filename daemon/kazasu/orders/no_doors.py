"""Orders about doors, to a terminal that has none; see orders/__init__.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kazasu.errors import OrderRefused
from kazasu.model.order import Lockdown, Look, ResetPassback

if TYPE_CHECKING:
    from kazasu.model.order import DoorOrder, Order

UNRECORDED = "nothing can be recorded, so nothing is done: see `kazasu doctor`"
"""What is said of an order that waits for the journal."""

_NONE = "this terminal has no doors"


class NoDoors:
    """Stands for doors.DoorOrders, and says so."""

    def done(self, order: DoorOrder) -> str:
        """Say that there are none.

        Raises:
            OrderRefused: it was about one.
        """
        match order:
            case Look():
                return _NONE
            case ResetPassback():
                raise OrderRefused(_NONE)
        raise OrderRefused(f"there is no door {order.door!r} here")

    def unrecorded(self, order: Order) -> str:
        """Say what was not done.

        Raises:
            OrderRefused: it waits for no journal, and there is no such door.
        """
        return self.done(order) if isinstance(order, Lockdown) and order.active else UNRECORDED

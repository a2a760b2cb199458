"""Orders about a muster; see orders/__init__.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kazasu.errors import OrderRefused
from kazasu.model.order import BeginMuster, EndMuster, TellMuster

if TYPE_CHECKING:
    from kazasu.meeting_point import MeetingPoint
    from kazasu.model.order import MusterOrder
    from kazasu.orders import Record
    from kazasu.ports.clock import Clock


class MusterOrders:
    """Does what it is told, or says why not. The terminal's thread only.

    Args:
        meeting_point: what there is.
        clock: the terminal's.
        record: makes an event durable.
    """

    def __init__(self, meeting_point: MeetingPoint, clock: Clock, record: Record) -> None:
        self._muster = meeting_point.muster
        self._board = meeting_point.board
        self._clock = clock
        self._record = record

    def done(self, order: MusterOrder) -> str:
        """Do it, and say what is so now.

        Raises:
            OrderRefused: it was not done.
        """
        match order:
            case BeginMuster():
                if self._stands():
                    raise OrderRefused("a muster stands already; `kazasu muster end` ends it")
                self._record("muster.begun", {"by": order.by})
                return "the muster has begun: whoever taps at the meeting point now is accounted for"
            case EndMuster():
                if not self._stands():
                    raise OrderRefused("no muster stands")
                self._record("muster.ended", {"by": order.by})
                return "the muster has ended"
            case TellMuster():
                if self._board is None:
                    raise OrderRefused("this terminal sees nobody enter anything: no door of it has an `area`")
                _, documents = self._board.documents()
                return "\n".join(document.decode() for document in documents)

    def _stands(self) -> bool:
        if self._muster is None:
            raise OrderRefused("no meeting point is here, there is no [services.muster]: order it where there is one")
        return self._muster.stands(self._clock.now())

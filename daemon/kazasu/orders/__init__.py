"""Orders of an operator, at this machine or at the site's desk: each is recorded with who gave it, and only then done.

Who may give any is decided where they come in: runtime/control.py, and commands.py for what the site signed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from kazasu.errors import OrderRefused
from kazasu.model.order import (
    SHOWN_ON_ORDER,
    Answer,
    BeginMuster,
    DayCardsOut,
    EndMuster,
    EnterPaper,
    IssueDayCard,
    Order,
    PlayCue,
    PressKeys,
    ReturnDayCard,
    TellMuster,
    Vouch,
)
from kazasu.orders.muster import MusterOrders
from kazasu.orders.no_doors import NoDoors
from kazasu.orders.people import PeopleOrders

if TYPE_CHECKING:
    from collections.abc import Callable

    from kazasu.doors import Doors
    from kazasu.meeting_point import MeetingPoint
    from kazasu.model.access import EventFields
    from kazasu.model.cue import CueName
    from kazasu.model.event import Event
    from kazasu.orders.doors import DoorOrders
    from kazasu.ports.clock import Clock
    from kazasu.ports.store import Roster
    from kazasu.presenting import Presenter
    from kazasu.reception import Reception
    from kazasu.recorder import Recorder


class Record(Protocol):
    """Makes an event durable, and lets everybody know."""

    def __call__(self, event_type: str, fields: EventFields) -> Event:
        """Record.

        Raises:
            OrderRefused: it could not be recorded.
        """
        ...


class Orders:
    """All of them. The terminal's thread only.

    Args:
        recorder: the terminal's.
        clock: the terminal's.
        doors: the terminal's; None if it has none.
        roster: who is known.
        presenter: is told of guests.
        reception: what there is for people without a card.
        meeting_point: what there is for a muster.
        show: plays a cue.
        simulated: doors have no wires, and orders stand for them.
    """

    def __init__(  # noqa: PLR0913  (all that anybody may order something of)
        self,
        recorder: Recorder,
        clock: Clock,
        doors: Doors | None,
        roster: Roster,
        presenter: Presenter,
        reception: Reception,
        meeting_point: MeetingPoint,
        *,
        show: Callable[[CueName], None],
        simulated: bool,
    ) -> None:
        self._recorder = recorder
        self._all_doors = doors
        self._show = show
        self._doors = NoDoors() if doors is None else _door_orders(doors, self._record, simulated=simulated)
        self._people = PeopleOrders(reception, roster, presenter, clock, self._record)
        self._muster = MusterOrders(meeting_point, clock, self._record)

    def answer(self, order: Order) -> Answer:
        """Do it, and say what is so now."""
        try:
            if order.must_be_recorded and not self.can_be_recorded():
                return Answer(ok=False, said=self._doors.unrecorded(order))
            return Answer(ok=True, said=self._done(order))
        except OrderRefused as error:
            return Answer(ok=False, said=str(error))

    def can_be_recorded(self) -> bool:
        """Whether an order can be recorded now; a journal that could not be written is tried again."""
        if not self._recorder.able:
            if not self._recorder.resume():
                return False
            if self._all_doors is not None:
                self._all_doors.pass_time()  # what was recorded before, a lockdown above all, is known to them first
        return True

    def _done(self, order: Order) -> str:
        match order:
            case IssueDayCard() | ReturnDayCard() | DayCardsOut() | Vouch() | EnterPaper() | PressKeys():
                return self._people.done(order)
            case BeginMuster() | EndMuster() | TellMuster():
                return self._muster.done(order)
            case PlayCue(cue=cue):
                return self._shown(cue)
            case _:
                return self._doors.done(order)

    def _shown(self, cue: CueName) -> str:
        if cue not in SHOWN_ON_ORDER:
            raise OrderRefused(f"{cue.value} is none that may be tried; there are: {', '.join(sorted(SHOWN_ON_ORDER))}")
        self._show(cue)
        return f"{cue.value} was shown"

    def _record(self, event_type: str, fields: EventFields) -> Event:
        event = self._recorder.record(event_type, fields)
        if event is None:
            raise OrderRefused("it cannot be recorded, so it was not done: see `kazasu doctor`")
        return event


def _door_orders(doors: Doors, record: Record, *, simulated: bool) -> DoorOrders:
    from kazasu.orders.doors import DoorOrders

    return DoorOrders(doors, record, simulated=simulated)

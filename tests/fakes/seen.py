"""Events as a terminal's journal has them, for what is rebuilt from them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fakes.clock import FakeClock
from fakes.journal import SIGNER
from kazasu.model.event import GENESIS, Draft, Event, Place, sealed

if TYPE_CHECKING:
    from kazasu.model.access import EventFields


class Happenings:
    """Makes events of one epoch, in order, at a clock's time."""

    def __init__(self, clock: FakeClock | None = None) -> None:
        self.clock = clock or FakeClock()
        self.events: list[Event] = []

    def event(self, event_type: str, **fields: int | str) -> Event:
        place = Place(site="s", terminal="t", epoch="e" * 16, seq=len(self.events) + 1, prev=GENESIS)
        given: EventFields = fields
        event = sealed(Draft(event_type=event_type, moment=self.clock.now(), fields=given), place, SIGNER)
        self.events.append(event)
        return event

    def entered(self, number: str, area: str, **more: str) -> Event:
        """Somebody passed a door that leads into an area."""
        return self.event("door.granted", cardholder=number, area=area, door="d", way="in", **more)

"""What terminals tell: signed, chained events, also the ones that no honest terminal would send."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from fakes.clock import FakeClock
from kazasu.collector.intake import Intake
from kazasu.collector.records import Checked
from kazasu.collector.terminals import Registered
from kazasu.model.event import GENESIS, Draft, Place, sealed
from kazasu.model.signature import Ed25519Signer, Ed25519Verifier

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kazasu.model.event import Event
    from kazasu.model.moment import Moment

SITE = "city-hall"
EPOCH = "0123456789abcdef"


class Teller:
    """One terminal's journal, in a test's hand.

    Args:
        terminal: its name.
        epoch: its journal's.
        signer: its key; a new one by default.

    Attributes:
        clock: moves only when told.
        told: every event, in order.
    """

    def __init__(self, terminal: str = "front", epoch: str = EPOCH, signer: Ed25519Signer | None = None) -> None:
        self.terminal = terminal
        self.epoch = epoch
        self.signer = signer or Ed25519Signer(Ed25519PrivateKey.generate())
        self.clock = FakeClock()
        self.told: list[Event] = []

    @property
    def topic(self) -> str:
        return f"kazasu/v1/{SITE}/up/{self.terminal}/event"

    @property
    def registered(self) -> Registered:
        verifier = Ed25519Verifier(self.signer.public)
        return Registered(keys={verifier.keyid: verifier})

    def tell(self, count: int = 1, event_type: str = "attendance.in", **fields: int | str) -> list[Event]:
        """So many events happen, a second apart."""
        events = []
        for _ in range(count):
            self.clock.advance(1)
            events.append(self.tell_at(self.clock.now(), event_type, **fields))
        return events

    def tell_at(self, moment: Moment, event_type: str = "attendance.in", **fields: int | str) -> Event:
        """One event happens, and the terminal says that it was then."""
        prev = self.told[-1].digest if self.told else GENESIS
        place = Place(site=SITE, terminal=self.terminal, epoch=self.epoch, seq=len(self.told) + 1, prev=prev)
        event = sealed(Draft(event_type=event_type, moment=moment, fields=fields), place, self.signer)
        self.told.append(event)
        return event

    def forget(self, count: int) -> None:
        """Somebody set the disk back by so many events."""
        del self.told[-count:]

    def checked(self, events: Sequence[Event]) -> list[Checked]:
        """What the intake makes of them."""
        intake = Intake(SITE, {self.terminal: self.registered}, {})
        checked = [intake.check(self.topic, event.body) for event in events]
        assert all(isinstance(item, Checked) for item in checked), checked
        return [item for item in checked if isinstance(item, Checked)]

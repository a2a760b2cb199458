"""What a terminal has for people without a card; orders/people.py is how an operator works with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from kazasu.model.access import Direction, EventFields
    from kazasu.model.day_card import DayCards
    from kazasu.model.event import Event
    from kazasu.model.try_limit import TryLimit
    from kazasu.presenting import Vouching


class Paper(Protocol):
    """What is asked of the attendance service."""

    def on_paper(self, direction: Direction, at: datetime) -> tuple[str, EventFields]:
        """The event type of a punch on paper, and what it says of its working day."""
        ...


class Pressed(Protocol):
    """A keypad that is not there: keypads/simulated.py."""

    def press(self, keys: str) -> None:
        """Press keys by their labels."""
        ...


class Reception(NamedTuple):
    """What a terminal has for people without a card.

    Attributes:
        day_cards: the pool.
        vouching: who may vouch.
        paper: takes punches from paper lists.
        readers: the names of the terminal's readers.
        tries: how often codes may be tried.
        keypad: takes keys from orders; None where people press them.
    """

    day_cards: DayCards | None = None
    vouching: Vouching | None = None
    paper: Paper | None = None
    readers: Sequence[str] = ()
    tries: TryLimit | None = None
    keypad: Pressed | None = None

    def recorded(self, event: Event) -> None:
        """Let everything that lives by the journal know of an event that is durable."""
        for part in (self.day_cards, self.tries):
            if part is not None:
                part.recorded(event)

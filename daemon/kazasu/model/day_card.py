"""Day cards: cards of a pool at the desk, each bound to one person until midnight.

The journal is the only memory: `recorded` rebuilds who has which. A start reads two days, and none is lent for longer
than one.
"""

from __future__ import annotations

from datetime import datetime, time, timedelta
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, NamedTuple

from kazasu.model.moment import TimeSource

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kazasu.model.event import Event
    from kazasu.model.moment import Moment


class Loan(NamedTuple):
    """A card that is out.

    Attributes:
        cardholder: whose it is today.
        until: from then on it is nobody's.
    """

    cardholder: str
    until: datetime


class DayCards:
    """Which card of the pool is whose.

    Args:
        pool: the numbers in the roster that are no people but cards of the pool: `day-*`.
    """

    def __init__(self, pool: str) -> None:
        self._pool = pool
        self._out: dict[str, Loan] = {}

    def pooled(self, number: str) -> bool:
        """Whether a number in the roster is a card of the pool."""
        return fnmatchcase(number, self._pool)

    def out(self, moment: Moment) -> Mapping[str, Loan]:
        """The cards that are out, by number.

        While nobody knows the time none is: a card of yesterday would open doors again after a clock went back.
        """
        if moment.source is TimeSource.NONE:
            return {}
        return {card: loan for card, loan in self._out.items() if moment.at < loan.until}

    def recorded(self, event: Event) -> None:
        """Take over that a card went out or came back. Has to be told of every event, in order."""
        fields = event.fields
        match fields["event_type"]:
            case "day_card.issued":
                until = datetime.fromisoformat(str(fields["until"]))
                self._out[str(fields["day_card"])] = Loan(str(fields["cardholder"]), until)
            case "day_card.returned":
                self._out.pop(str(fields["day_card"]), None)


def midnight_after(at: datetime) -> datetime:
    """The end of a local day, in its own zone: on days with a time change, too."""
    return datetime.combine(at.date() + timedelta(days=1), time(), at.tzinfo)

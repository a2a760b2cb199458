"""Day cards: cards of a pool, each bound to one person until an hour that was said when it was lent.

Of a card that the site's roster lends, the roster has the word (`PoolCard`), whatever was said at the terminal. Of the
others, which are lent at the terminal until midnight (`DayCards`), the journal is the only memory: `recorded` rebuilds
who has which. A start reads two days, and none of these is lent for longer than one.
"""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, NamedTuple

from kazasu.model.moment import TimeSource

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kazasu.model.access import Cardholder
    from kazasu.model.event import Event
    from kazasu.model.moment import Moment

MAX_POOL = 10_000
"""The most cards that a site's pool has: of these a terminal may have to list all at once."""


class Loan(NamedTuple):
    """A card that is out.

    Attributes:
        cardholder: whose it is today.
        until: from then on it is nobody's.
    """

    cardholder: str
    until: datetime

    def counts(self, moment: Moment) -> bool:
        """Whether it is the person's now.

        While nobody knows the time it is not: a card of yesterday would open doors again after a clock went back.
        """
        return moment.source is not TimeSource.NONE and moment.at < self.until


class PoolCard(NamedTuple):
    """A card of the site's pool, as the site's roster has it.

    Attributes:
        loan: whose it is, if it is lent.
        holder: who that is; None if it is lent to nobody, or to somebody who is not in the roster.
    """

    loan: Loan | None = None
    holder: Cardholder | None = None

    def holder_at(self, moment: Moment) -> Cardholder | None:
        """Whose it is now."""
        return self.holder if self.loan is not None and self.loan.counts(moment) else None


class DayCards:
    """Which card of the terminal's own pool is whose.

    Args:
        pool: the numbers in the roster that are no people but cards of the pool: `day-*`.
    """

    def __init__(self, pool: str) -> None:
        self._pool = pool
        self._out: dict[str, Loan] = {}

    def pooled(self, number: str) -> bool:
        """Whether a number in the roster is a card of the pool."""
        return in_pool(number, self._pool)

    def out(self, moment: Moment) -> Mapping[str, Loan]:
        """The cards that are out, by number."""
        return {card: loan for card, loan in self._out.items() if loan.counts(moment)}

    def recorded(self, event: Event) -> None:
        """Take over that a card went out or came back. Has to be told of every event, in order."""
        fields = event.fields
        match fields["event_type"]:
            case "day_card.issued":
                until = datetime.fromisoformat(str(fields["until"]))
                self._out[str(fields["day_card"])] = Loan(str(fields["cardholder"]), until)
            case "day_card.returned":
                self._out.pop(str(fields["day_card"]), None)


def loan_of(cardholder: str | None, until_s: int | None) -> Loan | None:
    """A loan as rosters keep it; None: the card is nobody's."""
    if cardholder is None or until_s is None:
        return None
    return Loan(cardholder, datetime.fromtimestamp(until_s, UTC))


def in_pool(number: str, pool: str) -> bool:
    """Whether a number in the roster is a card of a pool such as `day-*`."""
    return fnmatchcase(number, pool)


def midnight_after(at: datetime) -> datetime:
    """The end of a local day, in its own zone: on days with a time change, too."""
    return datetime.combine(at.date() + timedelta(days=1), time(), at.tzinfo)

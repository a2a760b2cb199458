"""Orders of the reception, for people without a card; see orders/__init__.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kazasu.errors import OrderRefused, RosterError
from kazasu.model.day_card import midnight_after
from kazasu.model.moment import TimeSource
from kazasu.model.order import DayCardsOut, EnterPaper, IssueDayCard, PressKeys, ReturnDayCard, Vouch

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kazasu.model.access import Cardholder
    from kazasu.model.day_card import DayCards, Loan
    from kazasu.model.moment import Moment
    from kazasu.model.order import PeopleOrder
    from kazasu.orders import Record
    from kazasu.ports.clock import Clock
    from kazasu.ports.store import Roster
    from kazasu.presenting import Presenter
    from kazasu.reception import Reception


class PeopleOrders:
    """Does what it is told, or says why not. The terminal's thread only.

    Args:
        reception: what there is.
        roster: who is known.
        presenter: is told of guests.
        clock: the terminal's.
        record: makes an event durable.
    """

    def __init__(
        self, reception: Reception, roster: Roster, presenter: Presenter, clock: Clock, record: Record
    ) -> None:
        self._reception = reception
        self._roster = roster
        self._presenter = presenter
        self._clock = clock
        self._record = record

    def done(self, order: PeopleOrder) -> str:
        """Do it, and say what is so now.

        Raises:
            OrderRefused: it was not done.
        """
        match order:
            case IssueDayCard():
                return self._issue(order)
            case ReturnDayCard():
                return self._take_back(order)
            case DayCardsOut():
                return self._list()
            case Vouch():
                return self._vouch(order)
            case EnterPaper():
                return self._enter(order)
            case PressKeys():
                return self._press(order)

    def _issue(self, order: IssueDayCard) -> str:
        moment, card, sites = self._clock.now(), order.day_card, self._sites_pool()
        if card in sites:
            raise OrderRefused(_lent_at_the_desk(f"issue {card} {order.cardholder}"))
        pool = self._pool()
        if moment.source is TimeSource.NONE:
            raise OrderRefused("nobody knows what time it is, and a day card ends at midnight: see `kazasu doctor`")
        if not pool.pooled(card):
            raise OrderRefused(f"{card} is no card of the pool: see [day_cards]")
        self._known(card)
        if pool.pooled(order.cardholder) or order.cardholder in sites:
            raise OrderRefused(f"{order.cardholder} is a card of the pool, and no person")
        person = self._known(order.cardholder)
        for other, loan in self._out(sites, moment).items():
            if other == card and loan.cardholder != person.number:
                raise OrderRefused(f"{card} is {loan.cardholder}'s today: take it back first")
            if loan.cardholder == person.number and other != card:
                raise OrderRefused(f"{person.number} has {other} today: take it back first")
        until = midnight_after(moment.at)
        self._record(
            "day_card.issued",
            {"day_card": card, "cardholder": person.number, "until": until.isoformat(), "by": order.by},
        )
        return f"{card} is {person.number}'s until {until:%Y-%m-%d %H:%M}"

    def _take_back(self, order: ReturnDayCard) -> str:
        if order.day_card in self._sites_pool():
            raise OrderRefused(_lent_at_the_desk(f"return {order.day_card}"))
        if order.day_card not in self._pool().out(self._clock.now()):
            raise OrderRefused(f"{order.day_card} is not out")
        self._record("day_card.returned", {"day_card": order.day_card, "by": order.by})
        return f"{order.day_card} is back"

    def _list(self) -> str:
        sites = self._sites_pool()
        if not sites:
            self._pool()
        out = self._out(sites, self._clock.now())
        lines = (
            f"{card}: {loan.cardholder}{', lent at the desk' if card in sites else ''}"
            for card, loan in sorted(out.items())
        )
        return "\n".join(lines) or "none is out"

    def _out(self, sites: Mapping[str, Loan | None], moment: Moment) -> dict[str, Loan]:
        """The cards that are out: of the site's pool by the site's word, and of the others by the journal's."""
        own = {} if self._reception.day_cards is None else self._reception.day_cards.out(moment)
        lent = {card: loan for card, loan in sites.items() if loan is not None and loan.counts(moment)}
        return lent | {card: loan for card, loan in own.items() if card not in sites}

    def _vouch(self, order: Vouch) -> str:
        readers = self._reception.readers
        reader = order.reader if order.reader is not None else readers[0] if len(readers) == 1 else ""
        if reader not in readers:
            raise OrderRefused(f"which reader? There are: {', '.join(readers)}")
        if self._reception.vouching is None:
            raise OrderRefused("nobody may vouch here: there is no [vouching]")
        person = self._known(order.cardholder)
        wait_s = self._presenter.expect_guest(reader, person.number, self._clock.mono_s())
        return f"the next card on reader {reader} within {wait_s:.0f} s vouches for {person.number}"

    def _enter(self, order: EnterPaper) -> str:
        paper = self._reception.paper
        if paper is None:
            raise OrderRefused("this terminal takes no punches: there is no [services.attendance]")
        moment = self._clock.now()
        if order.punched_at.tzinfo is None:
            raise OrderRefused(f"{order.punched_at.isoformat()} has no offset from UTC")
        at = order.punched_at.astimezone(moment.at.tzinfo)
        if at > moment.at:
            raise OrderRefused(
                f"{at:%Y-%m-%d %H:%M} is still to come; this terminal's clock says {moment.at:%Y-%m-%d %H:%M}"
            )
        person = self._known(order.cardholder)
        event_type, fields = paper.on_paper(order.direction, at)
        self._record(
            event_type,
            {
                "cardholder": person.number,
                "assurance": "paper",
                "decision": "granted",
                "punched_at": at.isoformat(timespec="seconds"),
                "line": order.line,
                "by": order.by,
                **fields,
            },
        )
        return f"{person.number} {order.direction} {at:%Y-%m-%d %H:%M}"

    def _press(self, order: PressKeys) -> str:
        if self._reception.keypad is None:
            raise OrderRefused('no keypad is simulated: it takes [codes], outputs.driver = "terminal" and no [keypad]')
        self._reception.keypad.press(order.keys)
        return "pressed"

    def _pool(self) -> DayCards:
        if self._reception.day_cards is None:
            raise OrderRefused("there are no day cards here: there is no [day_cards]")
        return self._reception.day_cards

    def _sites_pool(self) -> Mapping[str, Loan | None]:
        try:
            return self._roster.pool()
        except RosterError as error:
            raise OrderRefused(str(error)) from error

    def _known(self, number: str) -> Cardholder:
        try:
            found = self._roster.find(number)
        except RosterError as error:
            raise OrderRefused(str(error)) from error
        if found is None:
            raise OrderRefused(f"{number} is not in the roster")
        return found


def _lent_at_the_desk(words: str) -> str:
    """A card of which the site has the word is not lent here, where the other terminals would not hear of it."""
    return f"the site lends this card, at all its terminals: at the desk `kazasu site day-card {words}`"

"""Whatever is lent and taken back, at the desk and at a terminal, a day card is one person's or nobody's."""

from __future__ import annotations

import tempfile
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fakes.health import FakeHealth
from fakes.journal import FakeJournal
from fakes.roster_rig import RosterRig
from kazasu.errors import OrderRefused, RosterError
from kazasu.model.access import Assurance, Identifier
from kazasu.model.day_card import DayCards, Loan
from kazasu.model.event import Draft
from kazasu.model.input import CardRead
from kazasu.model.moment import TimeSource
from kazasu.model.order import IssueDayCard, ReturnDayCard
from kazasu.orders.people import PeopleOrders
from kazasu.presenting import Presenter
from kazasu.reception import Reception
from kazasu.store.roster import Roster

if TYPE_CHECKING:
    from kazasu.model.access import EventFields
    from kazasu.model.event import Event
    from kazasu.model.moment import Moment

PEOPLE, SITES, OWN = ("1", "2", "3"), ("day-site-71", "day-site-72"), ("day-own-73", "day-own-74")
CARDS = (*SITES, *OWN)


class Both:
    """A desk that lends two cards, and a terminal that lends two more; what should be so beside what is."""

    def __init__(self, directory: Path) -> None:
        self.rig = RosterRig(directory, pool="day-site-*")
        self._now = self.rig.clock.now().at
        self._journal = FakeJournal()
        self._start()
        self.book: dict[str, Loan] = {}
        self.known: dict[str, Loan] = {}
        self.own: dict[str, Loan] = {}
        self.publishes(PEOPLE)
        self.hears()

    def publishes(self, people: tuple[str, ...]) -> None:
        """The desk publishes a roster of these people, and the cards."""
        self.people = people
        cards = {card: self.rig.desk.card(int(card[-2:])) for card in CARDS}
        holders = {number: self.rig.desk.card(int(number)) for number in people}
        self.rig.desk.write(*(f"{number},A,{card},serial,,," for number, card in (holders | cards).items()))
        self.rig.desk.publish()

    def lend(self, card: str, number: str, hours: int) -> None:
        loan = Loan(number, self._now + timedelta(hours=hours))
        counting = {other: each for other, each in self.book.items() if each.until > self._now}
        taken = any((other == card) != (each.cardholder == number) for other, each in counting.items())
        if card in SITES and number in self.people and not taken:
            self.rig.desk.lend(card, number, loan.until)
            self.book = counting | {card: loan}
        else:
            with pytest.raises(RosterError):
                self.rig.desk.lend(card, number, loan.until)

    def take_back(self, card: str) -> None:
        before = self.book.pop(card, None)
        if before is not None and before.until > self._now:
            self.rig.desk.take_back(card)

    def orders(self, card: str, number: str) -> None:
        """Lend it at the terminal, where that is for the terminal to say."""
        out = self.known | self.own
        counting = {other: each for other, each in out.items() if each.until > self._now}
        taken = any((other == card) != (each.cardholder == number) for other, each in counting.items())
        order = IssueDayCard(by="t", day_card=card, cardholder=number)
        if card in OWN and number in self.here and not taken:
            self._orders.done(order)
            self.own[card] = Loan(number, self._terminals.out(self.rig.clock.now())[card].until)
        else:
            with pytest.raises(OrderRefused):
                self._orders.done(order)

    def returns(self, card: str) -> None:
        """Take it back at the terminal."""
        loan = self.own.pop(card, None)
        order = ReturnDayCard(by="t", day_card=card)
        if loan is not None and loan.until > self._now:
            self._orders.done(order)
        else:
            with pytest.raises(OrderRefused):
                self._orders.done(order)

    def hears(self) -> None:
        """The terminal is connected."""
        self.rig.settle()
        self.known, self.here = dict(self.book), self.people

    def restarts(self) -> None:
        self.rig.restart()
        self._roster.close()
        self._start()

    def passes(self, hours: int) -> None:
        self.rig.clock.advance(hours * 3600)
        self._now = self.rig.desk.now = self.rig.clock.now().at

    def check(self) -> None:
        moment = self.rig.clock.now()
        for card in CARDS:
            loan = (self.known | self.own).get(card)
            counts = loan is not None and loan.until > self._now and loan.cardholder in self.here
            assert self._holder(card) == (loan.cardholder if loan is not None and counts else None), card
        unset = msgspec.structs.replace(moment, source=TimeSource.NONE)
        assert {self._holder(card, unset) for card in CARDS} == {None}

    def _start(self) -> None:
        self._roster = Roster(self.rig.roster_path)
        self._terminals = DayCards("day-*")
        for event in self._journal.events:
            self._terminals.recorded(event)
        self._presenter = Presenter(self._roster, FakeHealth(), day_cards=self._terminals)
        self._orders = PeopleOrders(
            Reception(day_cards=self._terminals), self._roster, self._presenter, self.rig.clock, self._record
        )

    def _record(self, event_type: str, fields: EventFields) -> Event:
        draft = Draft(event_type=event_type, moment=self.rig.clock.now(), fields=fields)
        event = self._journal.append(draft)
        self._terminals.recorded(event)
        return event

    def _holder(self, card: str, moment: Moment | None = None) -> str | None:
        pseudonym = self.rig.desk.card(int(card[-2:]))
        identifier = Identifier(kind="felica", pseudonym=pseudonym, assurance=Assurance.SERIAL)
        found = self._presenter.present(
            CardRead(reader="desk", identifier=identifier),
            None,
            moment or self.rig.clock.now(),
            0.0,
            Assurance.SERIAL,
        )
        assert found.details == {"day_card": card}
        if found.enrolment is None:
            assert found.refusal == "day_card_not_issued"
            return None
        assert found.enrolment.credential.pseudonym == pseudonym
        return found.enrolment.cardholder.number


cards, numbers = st.sampled_from(CARDS), st.sampled_from(PEOPLE)
steps = st.one_of(
    st.tuples(st.just("lend"), cards, numbers, st.integers(1, 40)),
    st.tuples(st.just("take_back"), cards),
    st.tuples(st.just("orders"), cards, numbers),
    st.tuples(st.just("returns"), cards),
    st.tuples(st.just("publishes"), st.sampled_from([PEOPLE, ("1", "2")])),
    st.tuples(st.just("passes"), st.integers(1, 15)),
    st.tuples(st.sampled_from(["hears", "restarts"])),
)


@settings(max_examples=30, deadline=None)
@given(st.lists(steps, min_size=3, max_size=12))
def test_the_sites_word_where_it_has_one_and_the_terminals_elsewhere(plan: list[tuple[str, ...]]) -> None:
    with tempfile.TemporaryDirectory() as name:
        both = Both(Path(name))
        for what, *arguments in plan:
            getattr(both, what)(*arguments)
            both.check()

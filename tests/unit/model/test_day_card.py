"""Day cards: lent until midnight, and nobody's after that, whatever the clock does."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import msgspec
import pytest

from fakes.clock import FakeClock
from fakes.journal import SIGNER
from fakes.roster import person
from kazasu.model.day_card import DayCards, Loan, PoolCard, loan_of, midnight_after
from kazasu.model.event import GENESIS, Draft, Event, Place, sealed
from kazasu.model.moment import TimeSource

if TYPE_CHECKING:
    from kazasu.model.access import EventFields

TOKYO = ZoneInfo("Asia/Tokyo")
MORNING = datetime(2026, 11, 24, 9, tzinfo=TOKYO)
MIDNIGHT = datetime(2026, 11, 25, tzinfo=TOKYO)


def event(event_type: str, fields: EventFields) -> Event:
    place = Place(site="s", terminal="t", epoch="e", seq=1, prev=GENESIS)
    return sealed(Draft(event_type=event_type, moment=FakeClock(MORNING).now(), fields=fields), place, SIGNER)


def issued(card: str, number: str) -> Event:
    return event("day_card.issued", {"day_card": card, "cardholder": number, "until": MIDNIGHT.isoformat(), "by": "t"})


@pytest.fixture
def pool() -> DayCards:
    return DayCards("day-*")


def test_a_card_is_its_holders_until_midnight(pool: DayCards) -> None:
    clock = FakeClock(MORNING)
    pool.recorded(issued("day-07", "1001"))
    assert pool.out(clock.now()) == {"day-07": Loan("1001", MIDNIGHT)}
    clock.advance((MIDNIGHT - MORNING - timedelta(seconds=1)).total_seconds())
    assert "day-07" in pool.out(clock.now())
    clock.advance(1)
    assert pool.out(clock.now()) == {}


def test_a_card_that_came_back_is_nobodys_and_another_is_still_out(pool: DayCards) -> None:
    pool.recorded(issued("day-07", "1001"))
    pool.recorded(issued("day-08", "1002"))
    pool.recorded(event("day_card.returned", {"day_card": "day-07", "by": "t"}))
    assert set(pool.out(FakeClock(MORNING).now())) == {"day-08"}


def test_the_last_word_on_a_card_counts(pool: DayCards) -> None:
    for number in ("1001", "1002"):
        pool.recorded(issued("day-07", number))
    assert pool.out(FakeClock(MORNING).now())["day-07"].cardholder == "1002"


def test_while_nobody_knows_the_time_no_card_is_anybodys(pool: DayCards) -> None:
    pool.recorded(issued("day-07", "1001"))
    unset = msgspec.structs.replace(FakeClock(MORNING).now(), source=TimeSource.NONE)
    assert pool.out(unset) == {}


def test_the_pool_is_what_the_configuration_names(pool: DayCards) -> None:
    assert pool.pooled("day-07")
    assert not pool.pooled("1001")
    assert not pool.pooled("today-07")


def test_a_card_of_the_sites_is_its_holders_while_the_time_is_known_and_not_over() -> None:
    holder = person("1001", "a" * 32).cardholder
    clock = FakeClock(MORNING)
    lent = PoolCard(loan_of("1001", int(MIDNIGHT.timestamp())), holder)
    assert lent.holder_at(clock.now()) == holder
    assert lent.holder_at(msgspec.structs.replace(clock.now(), source=TimeSource.NONE)) is None
    clock.advance((MIDNIGHT - MORNING).total_seconds())
    assert lent.holder_at(clock.now()) is None
    assert PoolCard(loan_of(None, None)).holder_at(clock.now()) is None
    assert PoolCard(loan_of("1001", int(MIDNIGHT.timestamp()) + 9)).holder_at(clock.now()) is None


@pytest.mark.parametrize(
    ("at", "hours"),
    [
        (datetime(2026, 3, 29, 0, tzinfo=ZoneInfo("Europe/Berlin")), 23),
        (datetime(2026, 10, 25, 0, tzinfo=ZoneInfo("Europe/Berlin")), 25),
        (datetime(2028, 2, 29, 0, tzinfo=TOKYO), 24),
        (datetime(2026, 12, 31, 0, tzinfo=TOKYO), 24),
    ],
)
def test_midnight_is_the_one_on_the_wall(at: datetime, hours: int) -> None:
    midnight = midnight_after(at)
    assert (midnight.hour, midnight.minute) == (0, 0)
    assert midnight.timestamp() - at.timestamp() == hours * 3600

"""A certificate's dates, by the terminal's clock."""

from __future__ import annotations

import datetime as dt

import pytest

from fakes.clock import FakeClock
from kazasu.cards.validity import expect_valid
from kazasu.errors import CardRefused
from kazasu.model.access import DenyReason
from kazasu.model.moment import TimeSource

FIRST = dt.datetime(2026, 4, 1, tzinfo=dt.UTC)
LAST = dt.datetime(2031, 4, 1, tzinfo=dt.UTC)
SECOND = dt.timedelta(seconds=1)


@pytest.mark.parametrize("at", [FIRST, LAST])
def test_the_first_and_the_last_second_count(at: dt.datetime) -> None:
    expect_valid(FIRST, LAST, FakeClock(at).now(), "ask")


@pytest.mark.parametrize(
    ("at", "reason", "words"),
    [
        (FIRST - SECOND, DenyReason.CERTIFICATE_NOT_YET_VALID, "not valid yet"),
        (LAST + SECOND, DenyReason.CERTIFICATE_EXPIRED, "has expired; ask the issuer"),
    ],
)
def test_the_seconds_around_do_not(at: dt.datetime, reason: DenyReason, words: str) -> None:
    with pytest.raises(CardRefused, match=words) as caught:
        expect_valid(FIRST, LAST, FakeClock(at).now(), "ask the issuer")
    assert caught.value.reason is reason


def test_an_unset_clock_judges_nothing() -> None:
    expect_valid(FIRST, LAST, FakeClock(FIRST - SECOND, TimeSource.NONE).now(), "ask")

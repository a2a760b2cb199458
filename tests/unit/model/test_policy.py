from __future__ import annotations

from datetime import UTC, datetime, time

import pytest

from fakes.clock import FakeClock
from kazasu.model.access import Assurance, Cardholder, Credential, DenyReason, Enrolment, Identifier, Presentation
from kazasu.model.cue import CueName
from kazasu.model.moment import TimeSource
from kazasu.model.policy import CUE_OF_REASON, AssurancePolicy, Stricter, refusal
from kazasu.model.schedule import TimeRange, WeeklyHours

NOW = datetime(2026, 4, 1, 12, tzinfo=UTC)
NOW_S = int(NOW.timestamp())


def presented(
    read: Assurance = Assurance.SIGNED_DATA,
    enrolled_at: Assurance = Assurance.SERIAL,
    valid_from_s: int | None = None,
    valid_until_s: int | None = None,
) -> Presentation:
    return Presentation(
        reader="desk",
        identifier=Identifier(kind="jpki", pseudonym="a" * 32, assurance=read),
        enrolment=Enrolment(
            credential=Credential(
                pseudonym="a" * 32,
                cardholder="1001",
                min_assurance=enrolled_at,
                valid_from_s=valid_from_s,
                valid_until_s=valid_until_s,
            ),
            cardholder=Cardholder(number="1001", name="Hanako"),
        ),
    )


def refused(presentation: Presentation, policy: Assurance = Assurance.SERIAL, at: FakeClock | None = None) -> object:
    return refusal(presentation, (at or FakeClock(NOW)).now(), policy)


def test_a_known_card_in_time_is_admitted() -> None:
    assert refused(presented(valid_from_s=NOW_S, valid_until_s=NOW_S + 1)) is None


def test_what_could_not_be_read_keeps_its_reason() -> None:
    failed = Presentation(reader="desk", refusal=DenyReason.FOREIGN_CARD)
    assert refused(failed) is DenyReason.FOREIGN_CARD


def test_a_presentation_with_neither_identifier_nor_reason_is_not_admitted() -> None:
    assert refused(Presentation(reader="desk")) is DenyReason.CARD_UNREADABLE


def test_a_card_in_no_roster_is_unknown() -> None:
    identifier = Identifier(kind="jpki", pseudonym="a" * 32, assurance=Assurance.CHALLENGE_PIN)
    assert refused(Presentation(reader="desk", identifier=identifier)) is DenyReason.UNKNOWN_CARD


@pytest.mark.parametrize("read", Assurance)
@pytest.mark.parametrize("enrolled_at", Assurance)
@pytest.mark.parametrize("policy", Assurance)
def test_the_read_must_prove_what_both_enrolment_and_policy_ask_for(
    read: Assurance, enrolled_at: Assurance, policy: Assurance
) -> None:
    expected = None if read >= enrolled_at and read >= policy else DenyReason.ASSURANCE_TOO_LOW
    assert refused(presented(read, enrolled_at), policy) is expected


def test_validity_includes_its_first_second_and_not_its_last() -> None:
    assert refused(presented(valid_from_s=NOW_S + 1)) is DenyReason.CREDENTIAL_NOT_YET_VALID
    assert refused(presented(valid_until_s=NOW_S)) is DenyReason.CREDENTIAL_EXPIRED


def test_an_unset_clock_enforces_no_date() -> None:
    unset = FakeClock(datetime(1970, 1, 1, tzinfo=UTC), TimeSource.NONE)
    assert refused(presented(valid_from_s=NOW_S), at=unset) is None


def test_every_reason_has_a_cue_and_none_of_them_is_green() -> None:
    assert set(CUE_OF_REASON) == set(DenyReason)
    green = {reason for reason, cue in CUE_OF_REASON.items() if cue in {CueName.GRANTED, CueName.ALREADY_DONE}}
    assert green == {DenyReason.ALREADY_DONE}, "only what was recorded before may look recorded"


def stricter(first: int, last: int, asked: Assurance) -> Stricter:
    hours = TimeRange(first=time(first), last=time(last))
    return Stricter(during=WeeklyHours(hours=hours, weekdays=frozenset(range(7))), min_assurance=asked)


@pytest.mark.parametrize(
    ("hour", "asked"),
    [
        (12, Assurance.SIGNED_DATA),
        (18, Assurance.CHALLENGE),
        (22, Assurance.CHALLENGE_PIN),
        (4, Assurance.SIGNED_DATA),  # hours never ask for less than the terminal
    ],
)
def test_the_strictest_of_the_hours_counts(hour: int, asked: Assurance) -> None:
    policy = AssurancePolicy(
        min_assurance=Assurance.SIGNED_DATA,
        stricter=(
            stricter(22, 23, Assurance.CHALLENGE_PIN),
            stricter(18, 0, Assurance.CHALLENGE),
            stricter(4, 5, Assurance.SERIAL),
        ),
    )
    assert policy.at(FakeClock(NOW.replace(hour=hour)).now()) is asked


@pytest.mark.rule(10)
def test_with_the_clock_unset_the_strictest_hour_counts() -> None:
    policy = AssurancePolicy(min_assurance=Assurance.SERIAL, stricter=(stricter(22, 23, Assurance.CHALLENGE),))
    clock = FakeClock(NOW)
    clock.source = TimeSource.NONE

    assert policy.at(clock.now()) is Assurance.CHALLENGE

"""How much the card in the field has to prove."""

from __future__ import annotations

from datetime import time

from fakes.clock import FakeClock
from fakes.roster import FakeRoster, person
from kazasu.errors import RosterError
from kazasu.model.access import Assurance, Enrolment
from kazasu.model.policy import AssurancePolicy
from kazasu.readers.demand import EnrolledDemand, FixedDemand
from kazasu.services.attendance import Alternation, Attendance


class BrokenRoster(FakeRoster):
    def look_up(self, pseudonym: str) -> Enrolment | None:
        raise RosterError(pseudonym)


def demand(roster: FakeRoster, policy: Assurance = Assurance.SIGNED_DATA) -> EnrolledDemand:
    service = Attendance(
        Alternation(), day_boundary=time(5), repeat_after_s=120, policy=AssurancePolicy(min_assurance=policy)
    )
    return EnrolledDemand(AssurancePolicy(min_assurance=Assurance.SERIAL), service, roster, FakeClock())


def test_a_card_has_to_prove_what_it_was_enrolled_at() -> None:
    roster = FakeRoster([person("1001", "a" * 32, Assurance.CHALLENGE_PIN), person("1002", "b" * 32)])

    assert demand(roster).of("a" * 32) is Assurance.CHALLENGE_PIN
    assert demand(roster).of("b" * 32) is Assurance.SIGNED_DATA  # the policy asks for more than the enrolment
    assert demand(roster).of("c" * 32) is Assurance.SIGNED_DATA
    assert demand(roster).of(None) is Assurance.SIGNED_DATA


def test_a_broken_roster_asks_for_no_more_than_the_policy() -> None:
    assert demand(BrokenRoster()).of("a" * 32) is Assurance.SIGNED_DATA


def test_a_fixed_demand_knows_no_cards() -> None:
    assert FixedDemand(Assurance.CHALLENGE).of("a" * 32) is Assurance.CHALLENGE

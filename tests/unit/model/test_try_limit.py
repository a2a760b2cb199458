"""How often wrong PINs may be tried: per code, per terminal, over restarts, and for how long."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fakes.clock import FakeClock
from fakes.journal import SIGNER
from kazasu.model.event import GENESIS, Draft, Event, Place, sealed
from kazasu.model.try_limit import TryLimit

if TYPE_CHECKING:
    from kazasu.model.access import EventFields

ONE, OTHER = "a" * 32, "b" * 32


class Keypad:
    """A limit, the events that it was told of, and a clock."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.events: list[Event] = []
        self.limit = self.fresh()

    def fresh(self) -> TryLimit:
        return TryLimit(per_person=3, per_terminal=5, within_s=600)

    def tries(self, code: str, times: int = 1, reason: str = "wrong_code") -> None:
        for _ in range(times):
            fields: EventFields = {"reason": reason, "credential": code}
            place = Place(site="s", terminal="t", epoch="e", seq=len(self.events) + 1, prev=GENESIS)
            draft = Draft(event_type="attendance.denied", moment=self.clock.now(), fields=fields)
            event = sealed(draft, place, SIGNER)
            self.events.append(event)
            self.limit.recorded(event)

    def restart(self) -> None:
        self.limit = self.fresh()
        for event in self.events:
            self.limit.recorded(event)

    def allows(self, *forms: str) -> bool:
        return self.limit.allows(forms, self.clock.now())


@pytest.fixture
def keypad() -> Keypad:
    return Keypad()


def test_a_code_is_limited_alone_until_its_tries_are_old(keypad: Keypad) -> None:
    keypad.tries(ONE, 2)
    keypad.clock.advance(300)
    assert keypad.allows(ONE)
    keypad.tries(ONE)
    assert not keypad.allows(ONE)
    assert keypad.allows(OTHER)
    keypad.clock.advance(299)
    assert not keypad.allows(ONE)
    keypad.clock.advance(1)
    assert keypad.allows(ONE), "the first two are old"


def test_all_codes_together_are_limited_those_that_nobody_has_included(keypad: Keypad) -> None:
    for number in range(5):
        assert keypad.allows(OTHER)
        keypad.tries(f"{number:032}")
    assert not keypad.allows(OTHER)
    keypad.clock.advance(600)
    assert keypad.allows(OTHER)


def test_what_was_refused_for_the_limit_and_other_denials_do_not_count(keypad: Keypad) -> None:
    keypad.tries(ONE, 9, "too_many_tries")
    keypad.tries(ONE, 9, "unknown_card")
    assert keypad.allows(ONE)


def test_no_restart_and_no_power_cut_gives_new_tries(keypad: Keypad) -> None:
    keypad.tries(ONE, 3)
    keypad.restart()
    assert not keypad.allows(ONE)
    keypad.clock.reboot(off_s=20)
    keypad.restart()
    assert not keypad.allows(ONE)
    keypad.clock.advance(580)
    assert keypad.allows(ONE)


def test_a_clock_that_went_back_while_the_power_was_off_ends_no_limit_early_and_none_for_good(keypad: Keypad) -> None:
    keypad.tries(ONE, 3)
    keypad.clock.reboot()
    keypad.clock.step(-10 * 365 * 86400)
    assert not keypad.allows(ONE)
    keypad.clock.advance(600)
    assert keypad.allows(ONE), "the machine has run for as long"


def test_what_is_remembered_is_bounded(keypad: Keypad) -> None:
    keypad.tries(ONE, 5)
    keypad.tries(OTHER, 5)
    assert len(vars(keypad.limit)["_wrong"]) == 5

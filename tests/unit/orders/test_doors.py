"""What an operator orders is recorded with the name, and only then done."""

from __future__ import annotations

import pytest

from fakes.gatehouse import Gatehouse
from kazasu.errors import JournalFull
from kazasu.model.alarm import Alarm
from kazasu.model.door_settings import DoorSettings
from kazasu.model.order import (
    EVERY_DOOR,
    Answer,
    Lockdown,
    Look,
    Order,
    Release,
    Relock,
    ResetPassback,
    Simulate,
    Unlock,
)


@pytest.fixture
def gatehouse() -> Gatehouse:
    return Gatehouse()


def test_who_lets_somebody_in_is_recorded_before_the_door_opens_for_its_time(gatehouse: Gatehouse) -> None:
    answer = gatehouse.order(Release(by="taro", door="gate"))
    assert answer == Answer(ok=True, said="gate: unlocked")
    fields = gatehouse.journal.events[0].fields
    assert (fields["event_type"], fields["door"], fields["by"]) == ("operator.released", "gate", "taro")
    assert (gatehouse.strikes["gate"].released, gatehouse.strikes["hall"].released) == (True, False)
    gatehouse.pass_time(DoorSettings(name="gate").release_s)
    assert not gatehouse.strikes["gate"].released


def test_a_door_is_kept_unlocked_until_it_is_locked_again(gatehouse: Gatehouse) -> None:
    assert gatehouse.order(Unlock(by="taro", door="gate")).ok
    gatehouse.pass_time(86400)
    assert gatehouse.strikes["gate"].released
    assert gatehouse.order(Relock(by="jiro", door="gate")).ok
    assert not gatehouse.strikes["gate"].released
    assert gatehouse.types() == ["operator.unlocked", "door.unlocked", "operator.relocked", "door.unlocked_ended"]


def test_locking_again_waits_for_no_journal_and_says_that_it_is_not_recorded(gatehouse: Gatehouse) -> None:
    gatehouse.order(Unlock(by="taro", door="gate"))
    gatehouse.journal.failing = JournalFull("no room")
    for _ in range(2):
        answer = gatehouse.order(Relock(by="jiro", door="gate"))
        assert not gatehouse.strikes["gate"].released
        assert not answer.ok
        assert answer.said.startswith("gate: ")
        assert "could not be recorded" in answer.said


def test_a_lockdown_locks_though_it_cannot_be_recorded_and_says_that_it_has_to_be_ordered_again(
    gatehouse: Gatehouse,
) -> None:
    for door in ("gate", "hall"):
        gatehouse.order(Unlock(by="taro", door=door))
    gatehouse.journal.failing = JournalFull("no room")
    for _ in range(2):  # the one that finds out, and one that knows
        answer = gatehouse.order(Lockdown(by="jiro", door=EVERY_DOOR, active=True))
        assert not answer.ok
        assert "order it again" in answer.said
        assert not gatehouse.strikes["gate"].released
        assert not gatehouse.strikes["hall"].released
    nothing = gatehouse.order(Lockdown(by="jiro", door=EVERY_DOOR, active=False))
    assert nothing == Answer(ok=False, said="nothing can be recorded, so nothing is done: see `kazasu doctor`")
    gatehouse.journal.failing = None
    assert gatehouse.order(Lockdown(by="jiro", door=EVERY_DOOR, active=True)).ok
    gatehouse.pass_time(1)
    assert not gatehouse.strikes["gate"].released


def test_a_lockdown_of_an_unknown_door_is_none_also_where_nothing_can_be_recorded(gatehouse: Gatehouse) -> None:
    gatehouse.journal.failing = JournalFull("no room")
    assert not gatehouse.order(Unlock(by="taro", door="gate")).ok
    answer = gatehouse.order(Lockdown(by="jiro", door="cellar", active=True))
    assert answer == Answer(ok=False, said="there is no door 'cellar' here; there is: gate, hall")


def test_a_door_is_kept_unlocked_for_a_time(gatehouse: Gatehouse) -> None:
    gatehouse.order(Unlock(by="taro", door="gate", for_s=3600.0))
    assert gatehouse.journal.events[0].fields["for_s"] == 3600
    gatehouse.pass_time(3599)
    assert gatehouse.strikes["gate"].released
    gatehouse.pass_time(1)
    assert not gatehouse.strikes["gate"].released


def test_in_a_lockdown_nobody_is_let_through_until_it_ends(gatehouse: Gatehouse) -> None:
    answer = gatehouse.order(Lockdown(by="taro", door=EVERY_DOOR, active=True))
    assert answer.said == "gate: locked_down\nhall: locked_down"
    refused = gatehouse.order(Release(by="jiro", door="gate"))
    assert refused == Answer(ok=False, said="door gate: locked_down: nobody is let through")
    assert not gatehouse.strikes["gate"].released
    assert "operator.released" not in gatehouse.types()
    assert gatehouse.order(Lockdown(by="taro", door=EVERY_DOOR, active=False)).said == "gate: locked\nhall: locked"
    assert gatehouse.order(Release(by="jiro", door="gate")).ok


@pytest.mark.parametrize("order", [Release(by="jiro", door="gate"), Unlock(by="jiro", door="gate")])
def test_a_lockdown_that_the_journal_tells_late_is_known_before_an_order_is_done(
    gatehouse: Gatehouse, order: Order
) -> None:
    gatehouse.order(Lockdown(by="taro", door=EVERY_DOOR, active=True))
    gatehouse.journal.shut = True
    after = Gatehouse(journal=gatehouse.journal)
    after.terminal._start()
    gatehouse.journal.shut = False
    after.order(order)
    assert "operator.released" not in after.types()
    assert "door.unlocked" not in after.types()


def test_one_door_is_locked_down_and_the_other_is_not(gatehouse: Gatehouse) -> None:
    assert gatehouse.order(Lockdown(by="taro", door="gate", active=True)).said == "gate: locked_down"
    assert gatehouse.order(Look(by="taro")).said == "gate: locked_down\nhall: locked"


def test_a_lockdown_outdoes_an_operator_who_keeps_a_door_unlocked(gatehouse: Gatehouse) -> None:
    gatehouse.order(Unlock(by="taro", door="gate"))
    gatehouse.order(Lockdown(by="jiro", door="gate", active=True))
    assert not gatehouse.strikes["gate"].released


def test_what_cannot_be_recorded_is_not_done(gatehouse: Gatehouse) -> None:
    gatehouse.journal.failing = JournalFull("full")
    for order in (Release(by="taro", door="gate"), Unlock(by="taro", door="gate"), ResetPassback(by="taro")):
        answer = gatehouse.order(order)
        assert not answer.ok
        assert "recorded" in answer.said
    assert not gatehouse.strikes["gate"].released
    gatehouse.journal.failing = None
    gatehouse.clock.advance(11)
    assert gatehouse.order(Release(by="taro", door="gate")).ok
    assert gatehouse.strikes["gate"].released


@pytest.mark.parametrize(
    "order",
    [
        Release(by="taro", door="cellar"),
        Unlock(by="taro", door="cellar"),
        Relock(by="taro", door="cellar"),
        Lockdown(by="taro", door="cellar", active=True),
        Simulate(by="taro", door="cellar", input="rex", active=True),
    ],
)
def test_a_door_that_is_not_there_is_named_with_those_that_are(gatehouse: Gatehouse, order: Order) -> None:
    assert gatehouse.order(order) == Answer(ok=False, said="there is no door 'cellar' here; there is: gate, hall")
    assert gatehouse.types() == []


def test_a_terminal_without_doors_says_so() -> None:
    gatehouse = Gatehouse(doors=())
    assert gatehouse.order(Look(by="taro")) == Answer(ok=True, said="this terminal has no doors")
    assert not gatehouse.order(Lockdown(by="taro", door=EVERY_DOOR, active=True)).ok
    assert not gatehouse.order(ResetPassback(by="taro")).ok
    assert gatehouse.types() == []


def test_whereabouts_are_forgotten_of_one_person_or_of_everybody(gatehouse: Gatehouse) -> None:
    assert gatehouse.order(ResetPassback(by="taro", cardholder="1001")).said == "whereabouts forgotten: 1001"
    assert gatehouse.order(ResetPassback(by="taro")).said == "whereabouts forgotten: everybody"
    one, everybody = (event.fields for event in gatehouse.journal.events)
    assert (one["event_type"], one["by"], one["cardholder"]) == ("passback.reset", "taro", "1001")
    assert "cardholder" not in everybody


def test_inputs_of_a_door_without_wires_are_said(gatehouse: Gatehouse) -> None:
    def change(what: str, *, active: bool) -> str:
        gatehouse.order(Simulate(by="taro", door="gate", input=what, active=active))  # type: ignore[arg-type]
        gatehouse.pass_time(2)
        return gatehouse.order(Look(by="taro")).said.splitlines()[0]

    assert change("contact", active=True) == "gate: forced_open; alarm: forced open"
    assert change("contact", active=False) == "gate: locked"
    assert change("tamper", active=True) == "gate: locked; alarm: its housing is open"
    change("tamper", active=False)
    assert change("fire", active=True).startswith("gate: fire_release")
    assert gatehouse.strikes["gate"].released
    change("fire", active=False)
    for button in ("rex", "motion"):
        assert change(button, active=True) == "gate: exiting"
        change("contact", active=True)
        change("contact", active=False)
        change(button, active=False)
        gatehouse.pass_time(60)
    causes = [event.fields["cause"] for event in gatehouse.journal.events if "cause" in event.fields]
    assert causes == ["rex_button", "rex_motion"]


def test_inputs_of_a_door_with_wires_are_its_wires_business() -> None:
    gatehouse = Gatehouse(simulated=False)
    answer = gatehouse.order(Simulate(by="taro", door="gate", input="fire", active=True))
    assert not answer.ok
    assert not gatehouse.strikes["gate"].released
    assert gatehouse.doors.alarm is not Alarm.FIRE

"""Doors and their locks: nothing opens that is not recorded, but in a fire."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fakes.clock import FakeClock
from fakes.health import FakeHealth
from fakes.journal import FakeJournal
from fakes.roster import FakeRoster
from kazasu.doors import Doors, Doorway
from kazasu.errors import JournalFull, OutputError
from kazasu.model.alarm import Alarm
from kazasu.model.door_input import (
    ContactChanged,
    DoorFault,
    FaultChanged,
    FireChanged,
    Granted,
    UnlockChanged,
)
from kazasu.model.door_settings import DoorSettings
from kazasu.model.event import Draft
from kazasu.recorder import Followers, Recorder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kazasu.model.access import EventFields
    from kazasu.model.door_input import DoorInput
    from kazasu.model.door_outcome import LockOutput
    from kazasu.model.door_rules import DoorPolicy
    from kazasu.model.moment import Moment


class Strike:
    """Implements ports.outputs.Lock, and notes how many events there were when it moved."""

    def __init__(self, journal: FakeJournal) -> None:
        self._journal = journal
        self.released = False
        self.stuck = False
        self.moved_at: list[int] = []

    def release(self, wanted: LockOutput) -> None:
        if self.stuck:
            raise OutputError("the relay board is gone")
        if wanted.released is not self.released:
            self.moved_at.append(len(self._journal.events))
        self.released = wanted.released


class Woken:
    def wake(self) -> None:
        """Nobody publishes here."""


class House:
    """A server room and a gate. Implements doors.Access."""

    def __init__(self) -> None:
        self.clock, self.journal, self.health = FakeClock(), FakeJournal(), FakeHealth()
        self.lockdown = False
        self.hours: dict[str, bool] = {}
        self.changes = 0
        self.recorder = Recorder(self.journal, self.clock, FakeRoster(), self.health, Woken())
        self.strike, self.gate = Strike(self.journal), Strike(self.journal)
        self.doors = Doors(
            {
                "server-room": Doorway(DoorSettings(name="server-room"), self.strike),
                "gate": Doorway(DoorSettings(name="gate"), self.gate),
            },
            self,
            self.recorder,
            self.clock,
            self.health,
            changed=self._change,
        )
        self.recorder.followers = Followers(recorded=[self.doors.recorded], changed=[self.doors.journal_changed])
        self.doors.start()
        self.pass_time(3)  # nobody is at the contact: closed, and locked

    def follow(self, policy: DoorPolicy) -> None:
        self.followed = policy

    def _change(self) -> None:
        self.changes += 1

    def locked_down(self, door: str) -> bool:
        return self.lockdown

    def unlocked(self, moment: Moment) -> dict[str, bool]:
        return self.hours

    def due(self, moment: Moment) -> Sequence[tuple[str, EventFields]]:
        return ()

    def take(self, *given: DoorInput) -> None:
        for each in given:
            self.doors.take("server-room", each)
            self.doors.pass_time()

    def pass_time(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.doors.pass_time()

    def tap(self, **fields: int | str) -> None:
        """Somebody whose answer is durable."""
        event = self.recorder.append(Draft(event_type="door.granted", moment=self.clock.now(), fields=fields))
        assert event is not None
        self.doors.granted(event)

    def alarm(self) -> Alarm | None:
        return self.doors.alarm

    def events(self) -> list[str]:
        return [str(event.fields["event_type"]) for event in self.journal.events]


@pytest.fixture
def house() -> House:
    return House()


@pytest.mark.rule(11)
def test_a_start_releases_nothing(house: House) -> None:
    assert not house.strike.moved_at
    assert house.doors.is_secure("server-room")
    assert house.alarm() is None


def test_a_grant_releases_its_door_for_its_time_and_no_other(house: House) -> None:
    house.tap(door="server-room", way="in", cardholder="1001")
    assert house.strike.released
    assert not house.gate.released
    assert house.doors.waits_s(10.0) == 5.0
    assert not house.doors.is_secure("server-room")

    house.pass_time(4.9)
    assert house.strike.released
    house.pass_time(0.2)
    assert not house.strike.released
    house.pass_time(2)
    assert house.events() == ["door.granted", "door.not_opened"]
    assert house.journal.events[-1].fields["door"] == "server-room"
    assert house.journal.events[-1].fields["granted_seq"] == 1
    assert house.doors.is_secure("server-room")


def test_whoever_needs_longer_has_it(house: House) -> None:
    house.tap(door="server-room", way="in", cardholder="1001", extended=1)
    house.pass_time(14.9)
    assert house.strike.released
    house.pass_time(0.2)
    assert not house.strike.released


def test_a_punch_that_opens_a_door_releases_it(house: House) -> None:
    fields: EventFields = {"door": "server-room", "door_decision": "granted"}
    event = house.recorder.append(Draft(event_type="attendance.in", moment=house.clock.now(), fields=fields))
    assert event is not None
    house.doors.granted(event)
    assert house.strike.released


@pytest.mark.parametrize(
    "fields", [{"door": "server-room", "door_decision": "denied"}, {}, {"door": "server-room"}], ids=str
)
def test_a_punch_alone_releases_nothing(house: House, fields: EventFields) -> None:
    event = house.recorder.append(Draft(event_type="attendance.in", moment=house.clock.now(), fields=fields))
    assert event is not None
    house.doors.granted(event)
    assert not house.strike.released


@pytest.mark.rule(1)
def test_the_event_of_an_unlocking_is_there_before_the_strike_moves(house: House) -> None:
    house.take(UnlockChanged(True))
    assert house.events() == ["door.unlocked"]
    assert house.strike.moved_at == [1]


@pytest.mark.rule(1)
def test_what_cannot_be_recorded_opens_nothing_and_does_once_it_can(house: House) -> None:
    house.journal.failing = JournalFull("no room")
    house.take(UnlockChanged(True))
    assert not house.strike.released
    assert house.alarm() is Alarm.FAULT
    assert "door_server_room" in house.health.alerts

    house.pass_time(60)
    assert not house.strike.released, "the journal is as it was"

    house.journal.failing = None
    assert house.recorder.resume()
    house.doors.pass_time()
    assert house.strike.released
    assert house.events() == ["journal.resumed", "door.fault_ended", "door.unlocked"]
    assert house.strike.moved_at == [3]
    assert house.alarm() is None


@pytest.mark.rule(1)
def test_a_door_that_is_released_for_somebody_locks_if_its_hours_cannot_be_recorded(house: House) -> None:
    house.tap(door="server-room", way="in", cardholder="1001")
    house.journal.failing = JournalFull("no room")
    house.take(UnlockChanged(True))
    assert not house.strike.released


def test_a_fire_waits_for_no_journal(house: House) -> None:
    house.journal.failing = JournalFull("no room")
    house.take(FireChanged(True))
    assert house.strike.released
    assert not house.gate.released, "each door has its own input"


def test_a_door_that_is_held_open_warns_then_sounds_until_it_is_closed(house: House) -> None:
    house.tap(door="server-room", way="in", cardholder="1001")
    house.take(ContactChanged(True))
    house.pass_time(21)
    assert house.alarm() is Alarm.HELD
    house.pass_time(10)
    assert house.alarm() is Alarm.HELD_OPEN
    assert house.health.alerts == {"door_server_room": "door server-room: held open"}
    assert house.health.fields["door_server_room"] == "held_open"
    house.take(ContactChanged(False))
    assert house.alarm() is None
    assert house.health.alerts == {}
    assert house.events() == [
        "door.granted",
        "door.opened",
        "door.held_open",
        "door.held_open_ended",
        "door.closed",
    ]
    assert house.changes == 3


def test_the_gravest_of_two_alarms_is_shown_and_the_other_stays(house: House) -> None:
    house.take(FaultChanged(True, DoorFault.LOCK))
    house.doors.take("gate", ContactChanged(True))
    assert house.alarm() is Alarm.FORCED_OPEN
    house.doors.take("gate", ContactChanged(False))
    assert house.alarm() is Alarm.FAULT


def test_a_lockdown_locks_at_once_and_bars_who_was_let_through(house: House) -> None:
    house.hours = {"server-room": True}
    house.pass_time(11)
    assert house.strike.released

    house.lockdown, house.hours = True, {"server-room": False}
    house.recorder.record("lockdown.begun", {"door": "*", "by": "operator"})
    house.doors.pass_time()
    assert not house.strike.released

    house.doors.take("server-room", Granted())
    assert not house.strike.released
    assert house.events()[-1] == "door.not_released"


def test_whom_policy_lets_through_in_a_lockdown_is_let_through(house: House) -> None:
    house.lockdown = True
    house.recorder.record("lockdown.begun", {"door": "*", "by": "operator"})
    house.doors.pass_time()
    house.tap(door="server-room", way="in", cardholder="1001")
    assert house.strike.released


def test_hours_begin_and_end_with_an_event_each(house: House) -> None:
    house.hours = {"server-room": True}
    house.pass_time(11)
    assert house.strike.released
    house.pass_time(11)
    house.hours = {"server-room": False}
    house.pass_time(11)
    assert not house.strike.released
    assert house.events() == ["door.unlocked", "door.unlocked_ended"]
    assert house.journal.events[0].fields["by"] == "schedule"


def test_an_operator_unlocks_and_locks_again(house: House) -> None:
    house.doors.hold("gate", None)
    assert house.gate.released
    house.doors.let_go("gate")
    assert not house.gate.released
    assert house.journal.events[0].fields["by"] == "operator"


def test_what_an_operator_unlocks_for_a_time_locks_by_itself_and_the_last_order_counts(house: House) -> None:
    house.doors.hold("gate", 3600)
    house.doors.hold("gate", 7200)
    assert house.doors.waits_s(9999) == 7200
    house.pass_time(7199)
    assert house.gate.released
    house.pass_time(1)
    assert not house.gate.released
    house.doors.hold("gate", 60)
    house.doors.let_go("gate")
    house.doors.hold("gate", None)
    house.pass_time(61)
    assert house.gate.released
    assert house.doors.waits_s(9999) == 9999


def test_a_lock_that_cannot_be_driven_is_a_fault_of_its_door_alone(house: House) -> None:
    house.strike.stuck = True
    house.tap(door="server-room", way="in", cardholder="1001")
    assert house.alarm() is Alarm.FAULT
    assert house.events() == ["door.granted", "door.fault"]
    house.tap(door="gate", way="in", cardholder="1001")
    assert house.gate.released


def test_a_lock_that_could_not_be_locked_is_tried_again_until_it_is(house: House) -> None:
    house.tap(door="server-room", way="in", cardholder="1001")
    house.strike.stuck = True
    house.pass_time(5)
    assert house.strike.released
    assert house.alarm() is Alarm.FAULT
    house.pass_time(600)
    assert house.doors.waits_s(10.0) <= 1.0
    assert not house.doors.is_secure("server-room"), "nobody knows"

    house.strike.stuck = False
    house.pass_time(1)
    assert not house.strike.released
    assert house.alarm() is None
    assert house.doors.is_secure("server-room")
    assert house.doors.waits_s(10.0) == 10.0
    assert house.events() == ["door.granted", "door.fault", "door.not_opened", "door.fault_ended"]


def test_a_fire_that_could_not_release_is_tried_again(house: House) -> None:
    house.strike.stuck = True
    house.take(FireChanged(True))
    house.strike.stuck = False
    house.pass_time(1)
    assert house.strike.released
    assert house.events() == ["door.fire_release", "door.fault", "door.fault_ended"]


@pytest.mark.rule(1)
def test_what_stays_released_after_a_fire_is_recorded_or_locked(house: House) -> None:
    house.take(UnlockChanged(True), FireChanged(True))
    house.take(FireChanged(False))
    assert house.strike.released
    assert house.events()[-2:] == ["door.fire_release_ended", "door.unlocked"]

    house.take(FireChanged(True))
    house.journal.failing = JournalFull("no room")
    house.take(FireChanged(False))
    assert not house.strike.released
    assert house.alarm() is Alarm.FAULT


@pytest.mark.parametrize("step_s", [-86400, -10, 10, 86400])
def test_a_clock_that_is_set_while_a_door_is_open_or_unlocked_changes_no_duration(house: House, step_s: int) -> None:
    house.doors.hold("gate", 25)
    house.tap(door="server-room", way="in", cardholder="1001")
    house.pass_time(4)
    house.clock.step(step_s)
    house.pass_time(0.9)
    assert house.strike.released
    house.take(ContactChanged(True))
    house.clock.step(-step_s)
    house.pass_time(19.9)
    assert house.alarm() is None
    assert house.gate.released
    house.clock.step(step_s)
    house.pass_time(0.2)
    assert house.alarm() is Alarm.HELD
    assert not house.gate.released
    house.clock.step(step_s)
    house.pass_time(9.9)
    assert house.alarm() is Alarm.HELD_OPEN


def test_health_names_the_newest_event_though_the_door_recorded_it_before_the_tap_was_told(house: House) -> None:
    house.tap(door="server-room", way="in", cardholder="1001")
    house.pass_time(5)  # nobody came; the lock settles
    event = house.recorder.append(
        Draft(
            event_type="door.granted",
            moment=house.clock.now(),
            fields={"door": "server-room", "way": "in", "cardholder": "1002"},
        )
    )
    assert event is not None
    house.doors.granted(event)
    house.recorder.announce(event)
    assert house.events() == ["door.granted", "door.granted", "door.not_opened"]
    assert house.health.fields["last_seq"] == 3

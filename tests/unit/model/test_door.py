from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from kazasu.model.alarm import Alarm
from kazasu.model.door import Door
from kazasu.model.door_input import (
    ContactChanged,
    DoorFault,
    FaultChanged,
    FireChanged,
    Granted,
    LockdownChanged,
    RexKind,
    RexPressed,
    RexReleased,
    TamperChanged,
    Tick,
    UnlockChanged,
    Unlocker,
)
from kazasu.model.door_settings import DoorSettings, Fail
from kazasu.model.door_table import DoorState

if TYPE_CHECKING:
    from kazasu.model.door_input import DoorInput
    from kazasu.model.door_outcome import Outcome

SETTINGS = DoorSettings(name="lab")
OPEN, CLOSED = ContactChanged(True), ContactChanged(False)


class Bench:
    """A door, and a clock that moves when told; ticks come when they are due."""

    def __init__(self, settings: DoorSettings = SETTINGS, *, lockdown: bool = False) -> None:
        self.now_s = 5000.0
        self.door = Door(settings, self.now_s)
        if lockdown:  # one that outlives a start is told as any other is
            self.door.take(LockdownChanged(True), self.now_s)
        self.last: Outcome | None = None
        self.told: list[str] = []

    def take(self, *items: DoorInput) -> Outcome:
        for item in items:
            self.last = self.door.take(item, self.now_s)
            self.told += [event.event_type.removeprefix("door.") for event in self.last.events]
        assert self.last is not None
        return self.last

    def wait(self, seconds: float) -> Outcome:
        until_s = self.now_s + seconds
        outcome = self.take(Tick())
        while outcome.wake_at_s is not None and outcome.wake_at_s <= until_s:
            self.now_s = outcome.wake_at_s
            outcome = self.take(Tick())
        self.now_s = until_s
        return self.take(Tick())

    def fields(self) -> dict[str, int | str]:
        """What the last event tells."""
        assert self.last is not None
        return dict(self.last.events[-1].fields)

    @property
    def released(self) -> bool:
        return self.door.lock.released


@pytest.fixture
def bench() -> Bench:
    bench = Bench()
    bench.take(CLOSED)
    return bench


def test_somebody_who_is_granted_passes_and_the_door_locks_behind_them(bench: Bench) -> None:
    outcome = bench.take(Granted(seq=7))
    assert outcome.releases
    assert bench.released
    assert bench.take(OPEN).lock.released  # a magnet must not pull it shut again
    assert bench.fields() == {"door": "lab", "contact": "open", "cause": "grant", "granted_seq": 7}
    bench.wait(1)
    assert not bench.released
    bench.wait(2.5)
    bench.take(CLOSED)
    assert bench.fields() == {"door": "lab", "contact": "closed", "open_ms": 3500}
    assert not bench.door.secure
    bench.wait(1)
    assert bench.door.secure
    assert bench.told == ["opened", "closed"]


def test_a_release_that_nobody_uses_ends_and_is_told(bench: Bench) -> None:
    bench.take(Granted(seq=7))
    bench.wait(4.9)
    assert bench.released
    bench.wait(0.1)
    assert not bench.released
    bench.wait(1)
    assert bench.told == ["not_opened"]
    assert bench.door.state is DoorState.LOCKED


def test_a_door_without_a_contact_says_nothing_of_openings() -> None:
    bench = Bench(msgspec.structs.replace(SETTINGS, contact=False))
    bench.wait(2)
    bench.take(Granted())
    bench.wait(60)
    assert bench.told == []
    bench.take(RexPressed())
    assert bench.fields() == {"door": "lab", "contact": "none", "rex": "button"}


def test_who_needs_longer_has_longer_to_open_and_to_pass(bench: Bench) -> None:
    bench.take(Granted(extended=True))
    bench.wait(14.9)
    assert bench.released
    bench.take(OPEN)
    assert bench.wait(29.9).alarm is None
    assert bench.wait(0.1).alarm is Alarm.HELD
    assert bench.wait(10).alarm is Alarm.HELD_OPEN
    bench.take(CLOSED)
    bench.wait(1)
    bench.take(Granted())  # and the next person has not
    bench.wait(5)
    assert not bench.released


def test_who_follows_does_not_shorten_it_for_who_needs_longer(bench: Bench) -> None:
    bench.take(Granted(extended=True))
    bench.wait(1)
    bench.take(Granted())
    bench.wait(14.9)
    assert bench.released


def test_many_in_a_row_are_many_releases(bench: Bench) -> None:
    releases = set()
    for _ in range(60):
        releases.add(bench.take(Granted()).lock.release)
        bench.wait(1)
        assert bench.released
    assert len(releases) == 60


def test_a_door_held_open_warns_then_alarms_until_it_is_closed(bench: Bench) -> None:
    bench.take(Granted(), OPEN)
    assert bench.wait(19.9).alarm is None
    assert bench.wait(0.1).alarm is Alarm.HELD
    assert bench.wait(9.9).alarm is Alarm.HELD
    assert bench.wait(0.1).alarm is Alarm.HELD_OPEN
    assert bench.wait(10_000).alarm is Alarm.HELD_OPEN
    assert bench.take(CLOSED).alarm is None
    assert bench.told == ["opened", "held_open", "held_open_ended", "closed"]


def test_whoever_taps_at_an_open_door_gets_the_time_that_they_need(bench: Bench) -> None:
    bench.take(Granted(), OPEN)
    bench.wait(31)
    assert bench.take(Granted()).alarm is None
    assert not bench.released
    assert bench.wait(19.9).alarm is None
    assert bench.wait(0.1).alarm is Alarm.HELD
    assert bench.told == ["opened", "held_open", "held_open_ended"]


def test_a_duration_of_nothing_is_over_at_once() -> None:
    bench = Bench(
        DoorSettings(name="lab", relock_after_s=0, held_open_warning_s=2, held_open_s=2, settle_s=0, exit_s=0)
    )
    bench.take(CLOSED, Granted())
    assert not bench.take(OPEN).lock.released
    assert bench.wait(2).alarm is Alarm.HELD_OPEN
    bench.take(CLOSED)
    assert bench.door.secure
    bench.take(RexPressed(), RexReleased())
    assert bench.door.secure


def test_a_late_tick_gives_nobody_longer(bench: Bench) -> None:
    bench.take(Granted(), OPEN)
    bench.now_s += 1000
    outcome = bench.take(Tick())
    assert outcome.alarm is Alarm.HELD_OPEN
    bench.now_s += 1
    bench.take(CLOSED)
    assert bench.fields()["open_ms"] == 1_001_000


def test_a_grant_that_comes_with_the_end_of_a_release_is_a_new_one(bench: Bench) -> None:
    bench.take(Granted())
    bench.now_s += 5
    outcome = bench.take(Granted())
    assert outcome.lock.released
    assert outcome.releases
    assert bench.told == ["not_opened"]


def test_time_that_goes_back_counts_as_none(bench: Bench) -> None:
    bench.take(Granted())
    bench.now_s -= 1000
    assert bench.take(Tick()).wake_at_s == bench.now_s + 1005


def test_an_opening_that_nobody_was_let_through_is_forced(bench: Bench) -> None:
    assert bench.take(OPEN).alarm is Alarm.FORCED_OPEN
    assert bench.take(Granted()).alarm is Alarm.FORCED_OPEN
    assert bench.wait(3600).alarm is Alarm.FORCED_OPEN
    assert bench.take(CLOSED).alarm is None
    assert bench.told == ["forced_open", "forced_open_ended", "closed"]


@pytest.mark.parametrize("kind", RexKind)
def test_the_way_out_is_no_break_in_and_moves_no_lock(bench: Bench, kind: RexKind) -> None:
    assert not bench.take(RexPressed(kind), RexReleased(kind)).lock.released
    bench.wait(9.9)
    assert bench.take(OPEN).alarm is None
    assert bench.fields()["cause"] == f"rex_{kind.value}"
    assert bench.told == (["rex", "opened"] if kind is RexKind.BUTTON else ["opened"])
    assert not bench.released


def test_the_way_out_is_excused_for_a_time_only(bench: Bench) -> None:
    bench.take(RexPressed(), RexReleased())
    bench.wait(10)
    assert bench.take(OPEN).alarm is Alarm.FORCED_OPEN


def test_while_somebody_stands_at_the_door_the_way_out_stays_excused(bench: Bench) -> None:
    bench.take(RexPressed(RexKind.MOTION))
    bench.wait(1000)
    assert bench.take(OPEN).alarm is None
    bench.take(CLOSED)
    bench.wait(1000)
    assert bench.door.state is DoorState.EXITING
    bench.take(RexReleased(RexKind.MOTION))
    bench.wait(10)
    assert bench.take(OPEN).alarm is Alarm.FORCED_OPEN


def test_the_button_is_recorded_in_every_state_though_nothing_waits_for_it(bench: Bench) -> None:
    bench.take(LockdownChanged(True))
    for _ in range(3):
        bench.take(RexPressed(), RexPressed(), RexReleased())
    assert bench.told == ["rex"] * 3


@pytest.mark.parametrize("kind", RexKind)
@pytest.mark.parametrize(
    "before",
    [(Granted(),), (Granted(), UnlockChanged(True)), (FireChanged(True),)],
    ids=["granted", "unlocked", "fire"],
)
def test_who_asked_for_the_way_out_of_a_released_door_forces_nothing_once_it_is_locked(
    bench: Bench, kind: RexKind, before: tuple[DoorInput, ...]
) -> None:
    bench.take(*before)
    bench.wait(4.5)
    bench.take(RexPressed(kind), RexReleased(kind), UnlockChanged(False), FireChanged(False))
    bench.wait(9.4)
    assert bench.take(OPEN).alarm is None
    assert bench.fields()["cause"] == f"rex_{kind.value}"


def test_who_asked_and_went_with_somebody_else_is_excused_once(bench: Bench) -> None:
    bench.take(Granted(), RexPressed(), RexReleased(), OPEN)
    bench.take(RexPressed(RexKind.MOTION), RexReleased(RexKind.MOTION), CLOSED)
    bench.wait(2)
    assert bench.door.secure
    assert bench.take(OPEN).alarm is Alarm.FORCED_OPEN


@pytest.mark.parametrize("kind", RexKind)
def test_who_leaves_after_an_unused_release_is_not_taken_for_whom_it_was_for(bench: Bench, kind: RexKind) -> None:
    bench.take(Granted(seq=7), RexPressed(kind))
    bench.wait(100)
    bench.take(OPEN)
    assert bench.fields() == {"door": "lab", "contact": "open", "cause": f"rex_{kind.value}"}


def test_who_asks_while_it_is_open_and_opens_it_again_left_that_way(bench: Bench) -> None:
    bench.take(Granted(seq=7), OPEN, RexPressed(RexKind.MOTION), CLOSED)
    bench.wait(3)
    bench.take(OPEN)
    assert bench.fields()["cause"] == "rex_motion"


def test_a_leaf_that_has_not_latched_yet_is_no_break_in(bench: Bench) -> None:
    bench.take(Granted(), OPEN)
    bench.wait(3)
    assert bench.take(CLOSED, OPEN).alarm is None
    assert bench.fields()["cause"] == "grant"


@pytest.mark.rule(11)
def test_a_door_found_open_at_the_start_is_told_and_not_forced() -> None:
    bench = Bench()
    assert bench.take(OPEN).alarm is None
    assert bench.fields() == {"door": "lab", "contact": "open", "cause": "found_open"}
    assert bench.wait(30).alarm is Alarm.HELD_OPEN
    assert not bench.released


@pytest.mark.rule(11)
@pytest.mark.parametrize("fail", Fail)
def test_a_start_locks_whatever_was_before(fail: Fail) -> None:
    bench = Bench(msgspec.structs.replace(SETTINGS, fail=fail), lockdown=True)
    assert not bench.released
    assert bench.door.lock.energised == (fail is Fail.SAFE)
    assert not bench.take(CLOSED, Granted()).lock.released
    assert bench.door.state is DoorState.LOCKED_DOWN


@pytest.mark.parametrize("fail", Fail)
def test_current_releases_a_strike_and_holds_a_magnet(fail: Fail) -> None:
    bench = Bench(msgspec.structs.replace(SETTINGS, fail=fail))
    for items in ([CLOSED], [Granted()], [OPEN], [CLOSED], [FireChanged(True)], [FireChanged(False)]):
        outcome = bench.take(*items)
        assert outcome.energised == (outcome.lock.released == (fail is Fail.SECURE))


def test_an_unlocked_door_stays_so_and_nobody_alarms(bench: Bench) -> None:
    outcome = bench.take(UnlockChanged(True))
    assert outcome.releases
    assert bench.fields() == {"door": "lab", "contact": "closed", "by": "schedule"}
    assert bench.take(OPEN).alarm is None
    assert bench.wait(100_000).alarm is None
    assert bench.released
    bench.take(Granted())
    bench.take(UnlockChanged(False))
    assert not bench.released
    assert bench.door.state is DoorState.OPEN  # and is to be closed in time
    assert bench.told == ["unlocked", "unlocked_ended"]


def test_a_door_stays_unlocked_until_schedule_and_operator_have_both_ended(bench: Bench) -> None:
    bench.take(UnlockChanged(True), UnlockChanged(True, Unlocker.OPERATOR), UnlockChanged(False))
    assert bench.released
    bench.take(UnlockChanged(False, Unlocker.OPERATOR))
    assert not bench.released


def test_lockdown_locks_at_once_and_bars_all_but_those_who_may_pass(bench: Bench) -> None:
    bench.take(Granted())
    bench.take(LockdownChanged(True))
    assert not bench.released
    bench.take(Granted(seq=8))
    assert not bench.released
    assert bench.fields() == {"door": "lab", "contact": "closed", "reason": "lockdown", "granted_seq": 8}
    assert bench.take(Granted(in_lockdown=True)).lock.released


def test_an_unlocked_door_locks_for_a_lockdown_and_unlocks_after_it(bench: Bench) -> None:
    bench.take(UnlockChanged(True), LockdownChanged(True))
    assert not bench.released
    bench.wait(5)
    assert bench.door.state is DoorState.LOCKED_DOWN
    assert bench.take(LockdownChanged(False)).releases
    assert bench.told == ["unlocked", "unlocked_ended", "unlocked"]


def test_a_door_that_stands_open_in_a_lockdown_alarms_in_time(bench: Bench) -> None:
    bench.take(UnlockChanged(True), OPEN, LockdownChanged(True))
    assert not bench.released
    assert bench.wait(30).alarm is Alarm.HELD_OPEN
    bench.take(CLOSED)
    bench.wait(1)
    assert bench.door.state is DoorState.LOCKED_DOWN


def test_fire_releases_a_locked_down_faulty_door_and_does_not_wait_for_the_journal(bench: Bench) -> None:
    bench.take(LockdownChanged(True), FaultChanged(True, DoorFault.JOURNAL))
    outcome = bench.take(FireChanged(True))
    assert outcome.lock.released
    assert not outcome.releases
    assert outcome.alarm is Alarm.FIRE
    assert bench.wait(100_000).lock.released
    assert bench.take(FireChanged(True)).events == ()  # told once
    assert not bench.take(FireChanged(False)).lock.released
    bench.wait(1)
    assert bench.door.state is DoorState.FAULT
    assert bench.told == ["fault", "fire_release", "fire_release_ended"]


def test_fire_ends_the_alarm_of_a_forced_door(bench: Bench) -> None:
    bench.take(OPEN, FireChanged(True))
    assert bench.told == ["forced_open", "forced_open_ended", "fire_release"]


def test_a_fault_locks_and_bars_until_every_fault_has_ended(bench: Bench) -> None:
    bench.take(UnlockChanged(True))
    outcome = bench.take(FaultChanged(True), FaultChanged(True, DoorFault.JOURNAL))
    assert outcome.alarm is Alarm.FAULT
    assert not outcome.lock.released
    bench.take(Granted(in_lockdown=True))
    assert bench.fields()["reason"] == "fault"
    bench.take(FaultChanged(False))
    assert not bench.released
    outcome = bench.take(FaultChanged(False, DoorFault.JOURNAL))
    assert outcome.alarm is None
    assert outcome.lock.released


def test_tamper_alarms_beside_whatever_the_door_does(bench: Bench) -> None:
    assert bench.take(TamperChanged(True)).alarm is Alarm.TAMPER
    assert bench.take(Granted()).alarm is Alarm.TAMPER
    bench.wait(10)
    assert bench.take(OPEN).alarm is Alarm.FORCED_OPEN
    assert bench.take(CLOSED).alarm is Alarm.TAMPER
    assert bench.take(TamperChanged(False)).alarm is None


def test_a_door_that_somebody_may_be_leaving_by_is_not_secure(bench: Bench) -> None:
    assert bench.door.secure
    for item in (RexPressed(), RexReleased(), Granted(), OPEN, CLOSED):
        bench.take(item)
        assert not bench.door.secure


@pytest.mark.parametrize(
    "wrong",
    [
        {"release_s": 0},
        {"release_s": 20},
        {"relock_after_s": 21},
        {"held_open_warning_s": 31},
        {"settle_s": -1},
        {"start_s": 0},
    ],
)
def test_durations_that_contradict_each_other_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"release|order|shorter|contact"):
        msgspec.convert({"name": "lab", **wrong}, DoorSettings)

"""Whatever happens to a door in whatever order: what opens it, that it was recorded, that alarms end (rules 1, 11)."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from kazasu.model.alarm import Alarm
from kazasu.model.door import Door
from kazasu.model.door_input import (
    ContactChanged,
    DoorFault,
    DoorInput,
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
from kazasu.model.strike_limit import StrikeLimit

if TYPE_CHECKING:
    from kazasu.model.door_outcome import LockOutput, Outcome

RECORDED = {"held_open", "forced_open", "fire_release", "fault", "tamper", "unlocked"}


CALM: tuple[DoorInput, ...] = (
    *(RexReleased(by) for by in RexKind),
    *(UnlockChanged(False, by) for by in Unlocker),
    *(FaultChanged(False, fault) for fault in DoorFault),
    FireChanged(False),
    TamperChanged(False),
    LockdownChanged(False),
    ContactChanged(False),
)


def _follow(outcome: Outcome, standing: set[str]) -> None:
    """Keep what has begun by its event, and not ended."""
    for event in outcome.events:
        name = event.event_type.removeprefix("door.")
        if name in RECORDED:
            assert name not in standing, "it begins once"
            standing.add(name)
        elif name.endswith("_ended"):
            standing.remove(name.removesuffix("_ended"))


class DoorModel(RuleBasedStateMachine):
    """The model knows no states: only who was let through when, and what stands.

    Attributes:
        standing: what has begun by its event, and not ended.
    """

    @initialize(
        fail=st.sampled_from(Fail),
        contact=st.booleans(),
        release_s=st.integers(1, 10),
        extended_s=st.integers(0, 20),
        relock_s=st.integers(0, 2),
        warning_s=st.integers(2, 30),
        alarm_s=st.integers(0, 30),
    )
    def install(
        self, *, fail: Fail, contact: bool, release_s: int, extended_s: int, relock_s: int, warning_s: int, alarm_s: int
    ) -> None:
        self.settings = DoorSettings(
            name="lab",
            fail=fail,
            contact=contact,
            release_s=release_s,
            extended_release_s=release_s + extended_s,
            relock_after_s=relock_s,
            held_open_warning_s=warning_s,
            held_open_s=warning_s + alarm_s,
        )
        self.now_s = 0.0
        self.boot()

    def boot(self, *, lockdown: bool = False) -> None:
        self.door = Door(self.settings, self.now_s)
        if lockdown:  # one that outlives a start is told as any other is
            self.door.take(LockdownChanged(True), self.now_s)
        self.limit = StrikeLimit(self.settings.longest_release_s + 1)
        self.last: Outcome | None = None
        self.lock: LockOutput = self.door.lock
        self.let_through_s: float | None = None
        self.open = self.fire = self.tamper = False
        self.lockdown = lockdown
        self.said: DoorInput | None = None
        self.leaving: set[RexKind] = set()
        self.unlockers: set[Unlocker] = set()
        self.faults: set[DoorFault] = set()
        self.standing: set[str] = set()

    def take(self, item: DoorInput) -> Outcome:
        outcome = self.door.take(item, self.now_s)
        self.said = item
        _follow(outcome, self.standing)
        if outcome.lock.released and not self.lock.released:
            # Every opening has its event before it: the grant's own, that of the unlock, or that of the fire.
            assert (
                (isinstance(item, Granted) and outcome.releases)
                or ("unlocked" in self.standing and outcome.releases)
                or "fire_release" in self.standing
            )
        self.lock, self.last = outcome.lock, outcome
        return outcome

    @rule(extended=st.booleans(), in_lockdown=st.booleans())
    def grant(self, *, extended: bool, in_lockdown: bool) -> None:
        if not self.faults and (in_lockdown or not self.lockdown):
            self.let_through_s = self.now_s
        self.take(Granted(extended=extended, in_lockdown=in_lockdown))

    @precondition(lambda self: self.settings.contact)
    @rule()
    def move_the_leaf(self) -> None:
        self.open = not self.open
        self.take(ContactChanged(self.open))

    @rule(by=st.sampled_from(RexKind))
    def ask_for_the_way_out_or_end_it(self, *, by: RexKind) -> None:
        self.leaving ^= {by}
        self.take(RexPressed(by) if by in self.leaving else RexReleased(by))

    @rule()
    def change_fire(self) -> None:
        self.fire = not self.fire
        self.take(FireChanged(self.fire))

    @rule()
    def change_tamper(self) -> None:
        self.tamper = not self.tamper
        self.take(TamperChanged(self.tamper))

    @rule()
    def change_lockdown(self) -> None:
        self.lockdown = not self.lockdown
        if self.lockdown:
            self.let_through_s = None
        self.take(LockdownChanged(self.lockdown))

    @rule(by=st.sampled_from(Unlocker))
    def change_unlock(self, *, by: Unlocker) -> None:
        self.unlockers ^= {by}
        self.take(UnlockChanged(by in self.unlockers, by))

    @rule(fault=st.sampled_from(DoorFault))
    def change_fault(self, *, fault: DoorFault) -> None:
        self.faults ^= {fault}
        if self.faults:
            self.let_through_s = None
        self.take(FaultChanged(fault in self.faults, fault))

    @precondition(lambda self: self.said is not None and not isinstance(self.said, Granted))
    @rule()
    def say_it_again(self) -> None:
        assert self.said is not None
        before = self.door.state
        assert self.take(self.said).events == ()
        assert self.door.state is before

    @rule(seconds=st.one_of(st.floats(0, 60), st.sampled_from([1.0, 5.0, 20.0, 30.0])))
    def pass_time(self, seconds: float) -> None:
        self.now_s += seconds
        self.take(Tick())

    @precondition(lambda self: self.last is not None and self.last.wake_at_s is not None)
    @rule()
    def wait_for_what_is_due(self) -> None:
        assert self.last is not None
        assert self.last.wake_at_s is not None
        self.now_s = self.last.wake_at_s
        self.take(Tick())

    @rule(remembered=st.booleans())
    def crash(self, *, remembered: bool) -> None:
        self.boot(lockdown=self.lockdown and remembered)
        assert not self.door.lock.released

    @invariant()
    def every_alarm_ends(self) -> None:
        """Close a copy of the door and end everything: it comes to rest, and what began has ended."""
        if not hasattr(self, "door"):
            return
        # The walk goes on from where it was: a copy of what take() changes.
        door, standing, now_s = copy.copy(self.door), set(self.standing), self.now_s
        door._standing = copy.copy(door._standing)
        for item in CALM:
            outcome = door.take(item, now_s)
            _follow(outcome, standing)
        for _ in range(5):
            if outcome.wake_at_s is not None:
                now_s = outcome.wake_at_s
                outcome = door.take(Tick(), now_s)
                _follow(outcome, standing)
        assert outcome.wake_at_s is None
        assert outcome.alarm is None
        assert standing == set()
        assert door.state is DoorState.LOCKED

    @invariant()
    def nothing_is_left_that_is_due(self) -> None:
        if hasattr(self, "door") and self.last is not None and self.last.wake_at_s is not None:
            assert self.last.wake_at_s > self.now_s

    @invariant()
    def nothing_but_a_grant_an_unlock_and_fire_releases(self) -> None:
        if not hasattr(self, "door"):
            return
        unlocked = bool(self.unlockers) and not self.lockdown and not self.faults
        let_through = (
            self.let_through_s is not None and self.now_s - self.let_through_s < self.settings.longest_release_s
        )
        if self.lock.released:
            assert self.fire or unlocked or let_through
        if self.fire:
            assert self.lock.released
        assert self.lock.energised == (self.lock.released == (self.settings.fail is Fail.SECURE))

    @invariant()
    def the_second_limit_has_nothing_to_do(self) -> None:
        if hasattr(self, "door"):
            assert self.limit.limited(self.lock, self.now_s) == self.lock

    @invariant()
    def an_alarm_is_there_while_its_cause_is_and_no_longer(self) -> None:
        if not hasattr(self, "door") or self.last is None:
            return
        alarm = self.last.alarm
        assert (alarm is None) <= (not (self.fire or self.faults or self.tamper))
        if alarm in {Alarm.HELD, Alarm.HELD_OPEN, Alarm.FORCED_OPEN}:
            assert self.open
        if alarm is not None and alarm is not Alarm.HELD:
            assert {"fire": "fire_release"}.get(alarm.value, alarm.value) in self.standing


TestDoorModel = pytest.mark.rule(11)(DoorModel.TestCase)
TestDoorModel.settings = settings(max_examples=300, stateful_step_count=40, deadline=None)

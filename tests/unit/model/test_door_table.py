"""Every state with every signal: what is said to be impossible never happens, and everything else does."""

from __future__ import annotations

import copy
import itertools

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
from kazasu.model.door_settings import DoorSettings
from kazasu.model.door_table import STATES, TABLE, Choice, DoorEventType, DoorState, Impossible, Row, Signal

INPUTS = [
    *(Granted(in_lockdown=in_lockdown) for in_lockdown in (False, True)),
    *(RexPressed(by) for by in RexKind),
    *(RexReleased(by) for by in RexKind),
    *(
        change(active)
        for change in (ContactChanged, FireChanged, TamperChanged, LockdownChanged)
        for active in (True, False)
    ),
    *(UnlockChanged(active, by) for active in (True, False) for by in Unlocker),
    *(FaultChanged(active, fault) for active in (True, False) for fault in DoorFault),
    Tick(),
]
Situation = tuple[object, ...]


class Watched(Door):
    """Notes which cell of the table each signal meets."""

    met: set[tuple[DoorState, Signal]] = set()  # noqa: RUF012  (all doors of a run together)

    def _apply(self, signal: Signal, *args: object) -> None:
        self.met.add((self.state, signal))
        super()._apply(signal, *args)  # type: ignore[arg-type]


def situation(door: Door) -> Situation:
    """All that a door's next step depends on, but for how much time is left."""
    stands = door._standing
    return (
        door.state,
        stands.open,
        stands.tamper,
        stands._fire,
        stands._lockdown,
        stands.unlockers,
        stands.faults,
        stands.leaving,
        door._deadline_s is None,
        door._unused,
    )


def reached() -> tuple[dict[Situation, Door], set[tuple[DoorState, Signal]]]:
    """Every situation that inputs in any order can bring about, and the cells that they met."""
    Watched.met = set()
    start = Watched(DoorSettings(name="lab"), 0.0)
    found: dict[Situation, Door] = {situation(start): start}
    ahead: list[Door] = [start]
    while ahead:
        door = ahead.pop()
        for item in INPUTS:
            after = copy.copy(door)
            after._standing = copy.copy(door._standing)
            wake_at_s = after._deadline_s
            after.take(item, wake_at_s if isinstance(item, Tick) and wake_at_s is not None else after._now_s)
            if situation(after) not in found:
                found[situation(after)] = after
                ahead.append(after)
    return found, Watched.met


@pytest.fixture(scope="module")
def explored() -> tuple[dict[Situation, Door], set[tuple[DoorState, Signal]]]:
    return reached()


def test_the_table_has_every_state_with_every_signal() -> None:
    assert set(TABLE) == set(itertools.product(DoorState, Signal))
    assert set(STATES) == set(DoorState)


def test_exactly_the_cells_that_are_not_impossible_are_met(
    explored: tuple[dict[Situation, Door], set[tuple[DoorState, Signal]]],
) -> None:
    possible = {place for place, cell in TABLE.items() if isinstance(cell, Row)}
    _, met = explored
    assert sorted(possible - met) == []
    assert sorted(met - possible) == []


def test_what_a_state_says_stands(explored: tuple[dict[Situation, Door], set[tuple[DoorState, Signal]]]) -> None:
    shut = {
        DoorState.LOCKED,
        DoorState.UNLOCKED,
        DoorState.RELOCKING,
        DoorState.EXITING,
        DoorState.LOCKED_DOWN,
        DoorState.FAULT,
    }
    ajar = {DoorState.OPENING, DoorState.OPEN, DoorState.HELD, DoorState.HELD_OPEN, DoorState.FORCED_OPEN}
    situations, _ = explored
    assert len(situations) > 1000
    for door in situations.values():
        stands, state = door._standing, door.state
        assert (state is DoorState.FIRE_RELEASE) == stands._fire
        if state in shut | ajar:
            assert stands.open == (state in ajar)
        if state is DoorState.PROPPED:
            assert stands.unlockers
            assert not stands.faults
            assert not stands._lockdown
        if STATES[state].released and state is not DoorState.FIRE_RELEASE:
            assert not stands.faults
        if state is DoorState.LOCKED_DOWN:
            assert stands._lockdown


def test_only_a_grant_an_unlock_and_fire_lead_into_a_state_that_releases() -> None:
    released = {state for state, shape in STATES.items() if shape.released}
    by_choice = {Choice.LOCK: {DoorState.PROPPED}, Choice.REST: {DoorState.PROPPED}, Choice.PROP: {DoorState.PROPPED}}
    ways = {
        (signal, to)
        for (state, signal), cell in TABLE.items()
        if isinstance(cell, Row) and state not in released
        for to in (by_choice.get(cell.to, set()) if isinstance(cell.to, Choice) else {cell.to})
        if to in released and to is not DoorState.PROPPED
    }
    assert ways == {(Signal.GRANTED, DoorState.UNLOCKED), (Signal.FIRE, DoorState.FIRE_RELEASE)}


@pytest.mark.parametrize("state", DoorState)
def test_fire_releases_from_every_state_and_at_once(state: DoorState) -> None:
    cell = TABLE[state, Signal.FIRE]
    if state is DoorState.FIRE_RELEASE:
        assert cell is Impossible.STANDS_ALREADY
    else:
        assert cell == Row(DoorState.FIRE_RELEASE)


@pytest.mark.rule(11)
def test_a_start_releases_nothing() -> None:
    assert not STATES[DoorState.STARTING].released


def test_every_state_that_is_an_alarm_tells_its_beginning_and_its_end_but_the_warning() -> None:
    for shape in STATES.values():
        assert (shape.begins is None) == (shape.ends is None)
        if shape.begins is not None and shape.ends is not None:
            assert shape.ends.value == f"{shape.begins.value}_ended"
        if shape.alarm not in (None, Alarm.HELD):
            assert shape.begins is not None


def test_every_event_is_recorded_by_something() -> None:
    told = {event for cell in TABLE.values() if isinstance(cell, Row) for event in cell.events}
    told |= {event for shape in STATES.values() for event in (shape.begins, shape.ends) if event is not None}
    assert told == set(DoorEventType)

"""The roll call of what terminals say: where people are, who is missing, and why the list may lack somebody."""

from __future__ import annotations

import msgspec
import pytest

from kazasu.model.muster import COUNTS_MS, OUT, UNKNOWN_MS, Inside, Lack, Movement, RollCall, Statement, roll_call

NOW_MS = 1_800_000_000_000


def seen(number: str, area: str, ago_ms: int = 1000) -> Movement:
    return Movement(number=number, area=area, at_ms=NOW_MS - ago_ms)


def says(
    terminal: str, *movements: Movement, begun_ago_ms: int | None = None, unset: bool = False, **present: int
) -> Statement:
    return Statement(
        terminal=terminal,
        epoch="e",
        seq=1,
        at_ms=NOW_MS,
        clock_unset=unset,
        movements=movements,
        begun_ms=None if begun_ago_ms is None else NOW_MS - begun_ago_ms,
        present={number.removeprefix("n"): NOW_MS - ago_ms for number, ago_ms in present.items()},
    )


def of(*statements: Statement) -> RollCall:
    return roll_call(statements, (), NOW_MS)


def where(call: RollCall) -> dict[str, str]:
    return {each.number: each.area for each in call.inside}


def test_the_newest_movement_counts_whichever_terminal_saw_it() -> None:
    call = of(says("gate-1", seen("1", "hall", 9000), seen("2", "hall", 5000)), says("gate-2", seen("1", "lab", 4000)))
    assert where(call) == {"1": "lab", "2": "hall"}
    assert call.inside[1] == Inside(number="1", area="lab", since_ms=NOW_MS - 4000, terminal="gate-2", present_ms=None)


def test_whoever_left_is_not_on_the_list() -> None:
    assert of(says("gate-1", seen("1", "hall", 9000)), says("gate-2", seen("1", OUT, 4000))).inside == ()


def test_of_two_of_one_moment_the_one_inside_counts() -> None:
    statements = says("a", seen("1", OUT)), says("b", seen("1", "hall")), says("c", seen("1", OUT))
    assert where(of(*statements)) == where(of(*reversed(statements))) == {"1": "hall"}


def test_what_is_a_day_and_a_half_old_counts_no_more() -> None:
    assert where(of(says("a", seen("1", "hall", COUNTS_MS - 1), seen("2", "hall", COUNTS_MS)))) == {"1": "hall"}


def test_nobody_is_missing_while_no_muster_stands() -> None:
    call = of(says("a", seen("1", "hall")))
    assert (call.begun_ms, call.missing) == (None, ())


def test_who_was_at_any_meeting_point_is_accounted_for_and_all_others_inside_are_missing() -> None:
    call = of(
        says("a", seen("1", "hall", 90), seen("2", "hall", 80), seen("3", OUT), begun_ago_ms=50, n1=10),
        says("b", seen("4", "lab", 70), begun_ago_ms=40, n4=20, n9=5),
    )
    assert call.begun_ms == NOW_MS - 50
    assert [each.number for each in call.missing] == ["2"]
    assert {each.number: each.present_ms for each in call.inside} == {
        "1": NOW_MS - 10, "2": None, "4": NOW_MS - 20,
    }  # fmt: skip
    assert call.arrived == {"9": NOW_MS - 5}


def test_whoever_goes_in_again_from_the_meeting_point_is_missing_again() -> None:
    call = of(says("a", seen("1", "hall", 5), begun_ago_ms=50, n1=10))
    assert [each.number for each in call.missing] == ["1"]


def test_a_muster_that_nobody_ended_is_over_after_a_day_and_a_half() -> None:
    assert of(says("a", seen("1", "hall"), begun_ago_ms=COUNTS_MS, n1=10)).begun_ms is None


@pytest.mark.parametrize("unset", [False, True])
def test_a_terminal_that_does_not_know_the_time_makes_the_list_incomplete(unset: bool) -> None:
    call = of(says("a", seen("1", "hall"), unset=unset))
    assert [lack.terminal for lack in call.incomplete] == ["a"] * unset
    assert where(call) == {"1": "hall"}


def test_a_movement_of_unknown_time_counts_where_there_is_no_other() -> None:
    unknown = [Movement(number=number, area="hall", at_ms=UNKNOWN_MS) for number in ("1", "2")]
    call = of(says("a", *unknown, unset=True), says("b", seen("1", OUT, COUNTS_MS - 1), seen("2", "lab", COUNTS_MS)))
    assert where(call) == {"2": "hall"}


def test_whoever_was_at_the_meeting_point_nobody_knows_when_is_still_looked_for() -> None:
    entered_unknown = Movement(number="2", area="hall", at_ms=UNKNOWN_MS)
    call = of(says("a", seen("1", "hall"), entered_unknown, begun_ago_ms=NOW_MS, n1=NOW_MS, n2=5))
    assert call.begun_ms == UNKNOWN_MS
    assert [(each.number, each.present_ms) for each in call.missing] == [("1", UNKNOWN_MS), ("2", UNKNOWN_MS)]


def test_a_terminal_ahead_of_this_machine_makes_the_list_incomplete() -> None:
    said = msgspec.structs.replace(says("a"), at_ms=NOW_MS + 60_000)
    assert roll_call([said], (), NOW_MS).incomplete == ()
    assert roll_call([said], (), NOW_MS - 1).incomplete[0].why.startswith("says a time that is still to come")


def test_what_is_lacking_is_said_in_one_order() -> None:
    lacks = [Lack(terminal="b", why="is offline"), Lack(terminal="a", why="is behind")]
    assert roll_call([], lacks, NOW_MS).incomplete == tuple(reversed(lacks))

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fakes.fleet import SimulatedSite
from kazasu.site.fleet_order import FleetOrder
from kazasu.site.fleet_problems import Grade, problems_of

if TYPE_CHECKING:
    from kazasu.site.fleet_problems import Problem
    from kazasu.site.terminal import Terminal


class CountingJudge:
    """Judges, and counts how often."""

    def __init__(self) -> None:
        self.judged: list[str] = []

    def __call__(self, terminal: Terminal, roster_of_most: int | None) -> tuple[Problem, ...]:
        self.judged.append(terminal.name)
        return problems_of(terminal, roster_of_most)


@pytest.fixture
def site() -> SimulatedSite:
    return SimulatedSite()


def names(order: FleetOrder) -> list[str]:
    return [terminal.name for terminal in order.window(0, len(order))]


def test_the_worst_stand_first_and_by_name_among_themselves(site: SimulatedSite) -> None:
    order = FleetOrder(site.fleet)
    for name in ("d", "c", "b", "a"):
        site.in_order(name)
    site.offline("d", 1)
    site.in_order("c", temperature_c=90)
    order.follow()
    assert names(order) == ["d", "c", "a", "b"]
    assert order.counts == {Grade.DOWN: 1, Grade.NOTE: 1, Grade.FINE: 2}


def test_who_is_well_again_goes_back_to_the_others(site: SimulatedSite) -> None:
    order = FleetOrder(site.fleet)
    for name in ("a", "b", "c"):
        site.in_order(name)
    site.offline("b", 1)
    order.follow()
    site.online("b", 2)
    order.follow()
    assert names(order) == ["a", "b", "c"]
    assert order.counts[Grade.DOWN] == 0


def test_of_five_thousand_only_who_changed_is_judged(site: SimulatedSite) -> None:
    judge = CountingJudge()
    order = FleetOrder(site.fleet, judge)
    for number in range(5_000):
        site.in_order(f"t{number}")
    order.follow()
    assert len(judge.judged) == 5_000
    judge.judged.clear()
    site.pass_time(30)
    for _ in range(10):  # many messages between two looks are judged once
        for number in range(100):
            site.health(f"t{number}", 1)
    assert order.follow()
    assert len(judge.judged) == 100
    judge.judged.clear()
    assert not order.follow()
    assert judge.judged == []


def test_nobody_is_judged_again_because_time_passes_but_who_falls_silent(site: SimulatedSite) -> None:
    judge = CountingJudge()
    order = FleetOrder(site.fleet, judge)
    for number in range(100):
        site.in_order(f"t{number}")
    order.follow()
    site.pass_time(100)
    for number in range(98):
        site.health(f"t{number}", 1)
    order.follow()
    judge.judged.clear()
    site.pass_time(90)
    order.follow()
    assert sorted(judge.judged) == ["t98", "t99"]
    assert order.counts[Grade.DOWN] == 2


def test_a_laggard_shows_once_most_have_the_new_roster(site: SimulatedSite) -> None:
    order = FleetOrder(site.fleet)
    for name in ("a", "b", "c"):
        site.in_order(name, roster_version=12)
    site.pass_time(1)
    site.health("a", 1, roster_version=13)
    order.follow()
    assert order.counts == {Grade.FINE: 3}  # it goes round just now
    site.health("b", 1, roster_version=13)
    order.follow()
    assert [problem.words for problem in order.problems("c")] == ["roster 12, most have 13"]


def test_where_each_has_a_roster_of_its_own_nobody_lags(site: SimulatedSite) -> None:
    order = FleetOrder(site.fleet)
    for version, name in enumerate(("a", "b", "c")):
        site.in_order(name, roster_version=version)
    order.follow()
    assert order.counts == {Grade.FINE: 3}

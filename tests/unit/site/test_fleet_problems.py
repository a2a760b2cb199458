from __future__ import annotations

import pytest

from fakes.fleet import SimulatedSite
from kazasu.site.fleet import SILENT_S
from kazasu.site.fleet_problems import Grade, grade_of, problems_of


@pytest.fixture
def site() -> SimulatedSite:
    return SimulatedSite()


def test_a_terminal_in_order_has_no_problem(site: SimulatedSite) -> None:
    assert problems_of(site.in_order("hall-1"), roster_of_most=12) == ()
    assert grade_of(()) is Grade.FINE


@pytest.mark.parametrize(
    ("fields", "grade", "words"),
    [
        ({"unsent": 213, "oldest_unacked_age_s": 7400}, Grade.PROBLEM, "213 events wait, the oldest for 2 h"),
        ({"reader_desk": "missing"}, Grade.PROBLEM, "reader desk is missing"),
        ({"time_source": "none"}, Grade.PROBLEM, "its clock is not set"),
        ({"time_source": "holdover"}, Grade.NOTE, "no time server: its clock drifts"),
        ({"time_error_ms": 4500}, Grade.NOTE, "its clock may be wrong by 4 s"),
        ({"certificate_days": 29}, Grade.NOTE, "its certificate ends in 29 days"),
        ({"certificate_days": 6}, Grade.PROBLEM, "its certificate ends in 6 days"),
        ({"certificate_days": -1}, Grade.PROBLEM, "its certificate has ended"),
        ({"disk_free_mb": 499}, Grade.NOTE, "499 MB of disk left"),
        ({"disk_free_mb": 99}, Grade.PROBLEM, "99 MB of disk left"),
        ({"temperature_c": 80}, Grade.NOTE, "80 °C"),
        ({"roster_version": 11}, Grade.NOTE, "roster 11, most have 12"),
    ],
)
def test_health_says_what_is_wrong(site: SimulatedSite, fields: dict[str, int | str], grade: Grade, words: str) -> None:
    assert problems_of(site.in_order("hall-1", **fields), roster_of_most=12) == ((grade, words),)


@pytest.mark.parametrize(
    "fields",
    [
        {"unsent": 3, "oldest_unacked_age_s": 299},
        {"unsent": 0, "oldest_unacked_age_s": 9999},
        {"certificate_days": 30},
        {"disk_free_mb": 500},
        {"temperature_c": 79},
        {"time_error_ms": -1},
        {"roster_version": 13},
        {"unsent": "many", "certificate_days": "none"},
    ],
)
def test_what_is_not_wrong_is_not_said(site: SimulatedSite, fields: dict[str, int | str]) -> None:
    assert problems_of(site.in_order("hall-1", **fields), roster_of_most=12) == ()


def test_of_who_is_offline_only_that_is_said(site: SimulatedSite) -> None:
    site.in_order("hall-1", reader_desk="missing")
    site.offline("hall-1", 1, "stopped")
    assert problems_of(site["hall-1"]) == ((Grade.DOWN, "stopped in order"),)
    site.offline("hall-1", 1)
    assert problems_of(site["hall-1"]) == ((Grade.DOWN, "connection lost"),)


def test_silence_and_a_journal_that_cannot_be_written_are_as_bad_as_offline(site: SimulatedSite) -> None:
    site.in_order("hall-1")
    site.alert("hall-1", "journal", "no room")
    assert problems_of(site["hall-1"]) == ((Grade.DOWN, "it records nothing: no room"),)
    site.pass_time(SILENT_S)
    assert problems_of(site["hall-1"])[0] == (Grade.DOWN, "silent: no health for three minutes and more")


def test_an_alert_is_said_in_its_own_words_and_once(site: SimulatedSite) -> None:
    site.in_order("hall-1", reader_desk="missing")
    site.alert("hall-1", "reader_desk", "reader desk is missing: unplugged")
    assert problems_of(site["hall-1"]) == ((Grade.PROBLEM, "reader desk is missing: unplugged"),)


@pytest.mark.parametrize(("off_s", "grade"), [(4, Grade.FINE), (5, Grade.NOTE), (-60, Grade.PROBLEM)])
def test_a_clock_that_is_off_is_said(site: SimulatedSite, off_s: int, grade: Grade) -> None:
    site.in_order("hall-1")
    site.pass_time(1)
    site.health("hall-1", 1, off_s)
    assert grade_of(problems_of(site["hall-1"])) is grade


def test_the_worst_comes_first(site: SimulatedSite) -> None:
    site.in_order("hall-1", temperature_c=90, disk_free_mb=20)
    site.alert("hall-1", "journal", "no room")
    grades = [problem.grade for problem in problems_of(site["hall-1"])]
    assert grades == [Grade.DOWN, Grade.PROBLEM, Grade.NOTE]


def test_what_the_collector_found_is_said_of_who_is_offline_too(site: SimulatedSite) -> None:
    site.in_order("hall-1")
    site.offline("hall-1", 1)
    site.collector("all/alert/hall-1/gap", count=2, message="12 to 14 are missing")
    assert problems_of(site["hall-1"]) == (
        (Grade.DOWN, "connection lost"),
        (Grade.PROBLEM, "the collector found gap: 12 to 14 are missing"),
    )

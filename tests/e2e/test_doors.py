"""The real daemon at a door: who passes, what the one event of a tap says, and that no start opens anything."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest

from kazasu.cli import EXIT_OK, EXIT_PROBLEM, main
from kazasu.cli.operator import operator
from kazasu.model.cue import CueName
from kazasu.outputs import cues
from kazasu.virtual.stage import TERMINAL, Enrolled, Stage

if TYPE_CHECKING:
    from collections.abc import Iterator

CUES = cues.load()
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DOOR = """
[services.door]

[[doors]]
name = "hall"
readers = ["desk"]
area = "hall"
release = "1s"

[[areas]]
name = "hall"
passback = "timed"
within = "10m"

[[schedules]]
name = "another-day"
hours = ["{day} 00:00-24:00"]

[[levels]]
name = "staff"
doors = ["hall"]

[[levels]]
name = "temporary"
doors = ["hall"]
schedule = "another-day"

[[levels]]
name = "keyholder"
doors = ["hall"]
min_assurance = "challenge"
"""


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    today = datetime.now(ZoneInfo("Asia/Tokyo")).weekday()
    settings = DOOR.format(day=WEEKDAYS[(today + 3) % 7])  # neither today nor, at midnight, tomorrow
    levels = {"1001": "staff", "1003": "temporary", "1004": "keyholder", "1005": "staff"}
    with (
        Stage(tmp_path_factory.mktemp("stage"), settings, enrolled=Enrolled(levels=levels), synchronised=True) as stage,
        stage.daemon,
    ):
        yield stage


def tap(stage: Stage, number: str, cue: CueName) -> dict[str, Any]:
    """Tap, see the cue, and return the tap's event."""
    (card,) = [person.card for person in stage.staff if person.number == number]
    seq, shown = stage.backlog.last_seq(), len(stage.daemon.shown)
    stage.tap(card)
    assert stage.daemon.wait_for(lambda: stage.daemon.played(CUES[cue], shown))
    events = [json.loads(body) for _, body in stage.backlog.after(seq, 100)]
    (event,) = [event for event in events if "decision" in event]
    assert event["door"] == "hall"
    return dict(event)


@pytest.mark.rule(1)
def test_a_tap_that_opens_the_door_is_a_punch_and_releases_it_for_its_time(stage: Stage) -> None:
    before = len(stage.daemon.moved)
    event = tap(stage, "1001", CueName.GRANTED)
    assert (event["event_type"], event["decision"], event["door_decision"]) == ("attendance.in", "granted", "granted")
    assert (event["level"], event["area"]) == ("staff", "hall")
    assert stage.daemon.wait_for(lambda: len(stage.daemon.moved) >= before + 2)
    assert stage.daemon.moved[before:] == [("hall", "released"), ("hall", "locked")]


@pytest.mark.parametrize(
    ("number", "reason"),
    [("1002", "no_access_level"), ("1003", "out_of_hours"), ("1004", "assurance_too_low")],
)
def test_a_punch_counts_though_the_door_stays_shut_and_the_person_is_told(
    stage: Stage, number: str, reason: str
) -> None:
    before = len(stage.daemon.moved)
    event = tap(stage, number, CueName.DENIED)
    assert (event["event_type"], event["decision"]) == ("attendance.in", "granted")
    assert (event["door_decision"], event["door_reason"]) == ("denied", reason)
    assert len(stage.daemon.moved) == before


def test_who_was_let_in_a_moment_ago_is_not_let_in_again(stage: Stage) -> None:
    assert tap(stage, "1005", CueName.GRANTED)["door_decision"] == "granted"
    event = tap(stage, "1005", CueName.DENIED)
    assert (event["event_type"], event["reason"]) == ("attendance.suppressed", "already_done")
    assert (event["door_decision"], event["door_reason"]) == ("denied", "passback")


@pytest.mark.rule(11)
def test_no_crash_opens_the_door_and_what_was_known_still_is(stage: Stage) -> None:
    assert stage.daemon.wait_for(lambda: stage.daemon.moved[-1][1] == "locked")
    stage.daemon.kill()
    before = len(stage.daemon.moved)
    stage.daemon.start()
    assert tap(stage, "1005", CueName.DENIED)["door_reason"] == "passback"
    assert len(stage.daemon.moved) == before


def order(stage: Stage, *words: str) -> int:
    """Type `kazasu ...`; returns the exit code."""
    return main([*words, "--config", str(stage.config_file)])


def test_an_operator_lets_somebody_in_and_is_recorded(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    before, seq = len(stage.daemon.moved), stage.backlog.last_seq()
    assert order(stage, "door", "release", "hall") == EXIT_OK
    assert capsys.readouterr().out == "hall: unlocked\n"
    assert stage.daemon.wait_for(lambda: len(stage.daemon.moved) >= before + 2)
    assert stage.daemon.moved[before:] == [("hall", "released"), ("hall", "locked")]
    (event,) = [json.loads(body) for _, body in stage.backlog.after(seq, 100)]
    assert (event["event_type"], event["door"], event["by"]) == ("operator.released", "hall", operator())


@pytest.mark.rule(11)
def test_a_lockdown_bars_everybody_and_outlives_a_crash(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    assert order(stage, "door", "lockdown", "--all") == EXIT_OK
    assert order(stage, "door", "release", "hall") == EXIT_PROBLEM
    assert "nobody is let through" in capsys.readouterr().err
    stage.daemon.kill()
    before = len(stage.daemon.moved)
    stage.daemon.start()
    assert tap(stage, "1001", CueName.DENIED)["door_reason"] == "lockdown"
    assert order(stage, "door", "state") == EXIT_OK
    assert capsys.readouterr().out in {"hall: starting; lockdown\n", "hall: locked_down\n"}
    assert len(stage.daemon.moved) == before
    assert order(stage, "door", "end-lockdown", "--all") == EXIT_OK
    assert order(stage, "door", "unlock", "hall", "--for", "1h") == EXIT_OK
    assert stage.daemon.wait_for(lambda: stage.daemon.moved[-1] == ("hall", "released"))
    assert order(stage, "door", "relock", "hall") == EXIT_OK
    assert stage.daemon.wait_for(lambda: stage.daemon.moved[-1] == ("hall", "locked"))


def test_who_was_let_in_is_let_in_again_once_that_is_forgotten(stage: Stage) -> None:
    assert tap(stage, "1005", CueName.DENIED)["door_reason"] == "passback"
    assert order(stage, "passback", "reset", "1005") == EXIT_OK
    assert tap(stage, "1005", CueName.GRANTED)["door_decision"] == "granted"


def test_a_command_without_a_terminal_says_so(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    stage.daemon.terminate()
    try:
        assert order(stage, "door", "state") == EXIT_PROBLEM
        assert "does not run" in capsys.readouterr().err
    finally:
        stage.daemon.start()


def test_all_of_it_arrives_signed_and_chained(stage: Stage) -> None:
    last_seq = stage.backlog.last_seq()
    assert stage.subscriber.wait_for(lambda: stage.subscriber.seq(TERMINAL) >= last_seq)
    assert stage.subscriber.problems == []
    types = {event.fields["event_type"] for event in stage.subscriber.events}
    assert {"attendance.in", "door.not_opened", "lockdown.begun", "operator.released", "passback.reset"} <= types

"""People without a card at the real daemon: what the desk types, what the reader sees, what is recorded."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from kazasu.cli import EXIT_OK, EXIT_PROBLEM, main
from kazasu.cli.operator import operator
from kazasu.runtime.clock import SystemClock
from kazasu.virtual.stage import TERMINAL, Enrolled, Stage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DESK = """
[day_cards]
cards = "1004"

[vouching]
levels = ["staff"]
"""


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with (
        Stage(
            tmp_path_factory.mktemp("stage"),
            DESK,
            enrolled=Enrolled(levels={"1001": "staff"}),
            min_assurance="vouched",
            synchronised=True,
        ) as stage,
        stage.daemon,
    ):
        yield stage


def types(stage: Stage, *words: str) -> int:
    return main([*words, "--config", str(stage.config_file)])


def tap(stage: Stage, number: str) -> dict[str, Any]:
    (card,) = [person.card for person in stage.staff if person.number == number]
    seq = stage.backlog.last_seq()
    stage.tap(card)
    (event,) = [json.loads(body) for _, body in stage.backlog.after(seq, 100)]
    return dict(event)


def test_a_day_card_is_lent_used_and_returned(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    assert tap(stage, "1004")["reason"] == "day_card_not_issued"
    assert types(stage, "daycard", "issue", "1004", "1005") == EXIT_OK
    assert capsys.readouterr().out.startswith("1004 is 1005's until ")
    event = tap(stage, "1004")
    assert (event["event_type"], event["cardholder"], event["day_card"]) == ("attendance.in", "1005", "1004")
    assert types(stage, "daycard", "list") == EXIT_OK
    assert capsys.readouterr().out == "1004: 1005\n"
    stage.daemon.kill()
    stage.daemon.start()
    assert tap(stage, "1004")["cardholder"] == "1005", "it outlives a crash"
    assert types(stage, "daycard", "return", "1004") == EXIT_OK
    assert tap(stage, "1004")["reason"] == "day_card_not_issued"


def test_a_colleague_vouches(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    assert types(stage, "vouch", "1003") == EXIT_OK
    assert "reader desk within 30 s vouches for 1003" in capsys.readouterr().out
    event = tap(stage, "1001")
    assert (event["event_type"], event["cardholder"], event["vouched_by"]) == ("attendance.in", "1003", "1001")


def test_a_paper_list_is_recorded_once(stage: Stage, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    now = SystemClock(stage.config.terminal.timezone).now().at
    times = [now - timedelta(minutes=minutes) for minutes in (90, 30)]
    file = tmp_path / "list.csv"
    lines = [f"1002,{way},{at:%Y-%m-%d %H:%M}\n" for way, at in zip(("in", "out"), times, strict=True)]
    file.write_text("cardholder,direction,time\n" + "".join(lines))
    seq = stage.backlog.last_seq()
    assert types(stage, "paper", "import", str(file)) == EXIT_OK
    assert capsys.readouterr().out == "2 punches recorded\n"
    events = [json.loads(body) for _, body in stage.backlog.after(seq, 100)]
    assert [(event["event_type"], event["assurance"], event["by"]) for event in events] == [
        ("attendance.in", "paper", operator()),
        ("attendance.out", "paper", operator()),
    ]
    assert [event["punched_at"] for event in events] == [
        at.isoformat(timespec="minutes")[:16] + ":00+09:00" for at in times
    ]
    assert types(stage, "paper", "import", str(file)) == EXIT_OK
    assert capsys.readouterr().out == "0 punches recorded; 2 were recorded before\n"
    file.write_text("cardholder,direction,time\n9999,in,2026-11-24 08:00\n")
    assert types(stage, "paper", "import", str(file)) == EXIT_PROBLEM
    assert "line 2: cardholder: '9999' is not in the roster" in capsys.readouterr().err


def test_all_of_it_arrives_signed_and_chained(stage: Stage) -> None:
    last_seq = stage.backlog.last_seq()
    assert stage.subscriber.wait_for(lambda: stage.subscriber.seq(TERMINAL) >= last_seq)
    assert stage.subscriber.problems == []

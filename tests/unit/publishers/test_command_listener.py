"""Commands on their way to the terminal's thread, and answers on their way back."""

from __future__ import annotations

import json
import logging

import pytest

from fakes.command_post import DONE, TOPICS, Post
from fakes.commands import FORGER, SITE, TERMINAL, payload
from kazasu.model.command import Command, PublishAgain, Refusal, TurnedAway, Verdict
from kazasu.model.input import CommandArrived, CommandFailed
from kazasu.publishers.news import Received

pytestmark = pytest.mark.rule(8)


@pytest.fixture
def post() -> Post:
    return Post()


def test_a_command_goes_to_the_terminal_and_its_verdict_back_signed(post: Post) -> None:
    post.send(payload())
    (item,) = post.arrived()
    assert isinstance(item.command, Command)
    assert list(post.answers()) == []
    item.answer(DONE)
    post.turn()
    assert list(post.answers()) == [(item.command.transaction, DONE)]


def test_what_is_published_elsewhere_is_somebody_elses(post: Post) -> None:
    assert not post.listener.take(Received(topic=TOPICS.receipt, payload=payload()))


@pytest.mark.parametrize(
    "topic",
    [
        "",
        "kazasu/v1/city/up/back/answer",
        f"{TOPICS.up}/state",
        f"{TOPICS.up}/alert/fire",
        "kazasu/v1/city/up/+/answer",
    ],
)
def test_an_answer_goes_nowhere_but_to_the_terminals_own_topic(post: Post, topic: str) -> None:
    post.send(payload(), to=topic)
    post.judge()
    assert list(post.answers()) == []


def test_what_an_answer_carries_along_is_small(post: Post) -> None:
    post.send(payload(), correlation=bytes(65))
    post.judge()
    assert list(post.answers()) == []


def test_nobody_makes_a_terminal_sign_who_has_no_key(post: Post) -> None:
    post.send(payload(FORGER))
    post.send(b"nonsense")
    post.send(payload(), retain=True)
    post.send(payload(terminal="back"))
    reasons = [item.command.reason for item in post.inbox.drained() if isinstance(item.command, TurnedAway)]  # type: ignore[union-attr]  # only these arrive
    assert reasons == ["badly_signed", "badly_signed", "retained", "not_for_this_terminal"]


def test_a_signed_one_that_is_refused_is_told_so(post: Post) -> None:
    post.send(payload(command="self_destruct"))
    (item,) = post.arrived()
    assert isinstance(item.command, TurnedAway)
    item.answer(Verdict(ok=False, said="unknown_command", seq=3))
    post.turn()
    ((_, verdict),) = post.answers()
    assert not verdict.ok
    assert post.health.fields["commands_refused"] == 1


@pytest.mark.rule(4)
def test_ten_thousand_messages_reach_the_terminal_as_few_and_as_a_number(post: Post) -> None:
    for _ in range(10_000):
        post.send(payload(FORGER))
    taken: list[Command | TurnedAway] = []
    while items := post.arrived():
        assert len(items) <= 4  # at a time: so many a tap waits for
        for item in items:
            item.answer(Verdict(ok=False, said="", seq=0))
            taken.append(item.command)
        post.turn()
    assert len(taken) == 11
    flood = taken[-1]
    assert isinstance(flood, TurnedAway)
    assert (flood.reason, flood.count) == (Refusal.FLOOD, 9_990)
    assert "commands" in post.health.alerts
    assert post.health.fields["commands_refused"] == 10_000


def test_a_flood_is_told_once_a_minute_and_its_end_ends_the_alert(post: Post) -> None:
    for _ in range(3):
        for _ in range(20):
            post.send(payload(FORGER))
            post.judge(Verdict(ok=False, said="", seq=0))
        post.turn(20)
    post.arrived()
    assert "commands" in post.health.alerts
    post.turn(60)
    post.judge(Verdict(ok=False, said="", seq=0))
    post.turn(60)
    assert post.health.alerts == {}


def test_ten_commands_at_once_and_then_one_a_second(post: Post) -> None:
    def let_through(count: int) -> int:
        through = 0
        for _ in range(count):
            post.send(payload())
            through += sum(isinstance(item.command, Command) for item in self_answered(post))
        return through

    def self_answered(post: Post) -> list[CommandArrived]:
        items = post.arrived()
        for item in items:
            item.answer(DONE)
        post.turn()
        return items

    assert let_through(15) == 10
    post.clock.advance(3)
    assert let_through(15) == 3


def test_a_configuration_that_can_be_used_is_answered_and_then_started_with(post: Post) -> None:
    post.send(payload(command="reload", door=None))
    post.judge(Verdict(ok=True, said="", seq=7))
    ((_, verdict),) = post.answers()
    assert (verdict.ok, verdict.seq) == (True, 7)
    assert post.restarts == 1


def test_a_configuration_that_cannot_be_used_is_an_event_and_no_end(post: Post) -> None:
    post.problem = "kazasu.toml:3: terminal.id: unknown"
    post.send(payload(command="reload", door=None))
    post.judge(Verdict(ok=True, said="", seq=7))
    (failed,) = post.inbox.drained()
    assert isinstance(failed, CommandFailed)
    assert failed.said == post.problem
    failed.answer(Verdict(ok=False, said=failed.said, seq=8))
    post.turn()
    ((_, verdict),) = post.answers()
    assert (verdict.ok, verdict.seq, verdict.said) == (False, 8, post.problem)
    assert post.restarts == 0


@pytest.mark.parametrize("ok", [True, False])
def test_a_restart_comes_only_once_it_is_recorded(post: Post, *, ok: bool) -> None:
    post.send(payload(command="restart", door=None))
    assert post.restarts == 0
    post.judge(Verdict(ok=ok, said="", seq=7))
    assert post.restarts == ok


def test_events_are_asked_for_again(post: Post) -> None:
    post.send(payload(command="publish_again", door=None, **{"from": 5, "to": 9}))
    post.judge()
    assert post.asked_again == [PublishAgain(from_seq=5, to_seq=9)]
    ((_, verdict),) = post.answers()
    assert verdict.said == "events are sent again"


def test_more_is_logged_on_command(post: Post) -> None:
    root = logging.getLogger()
    before = root.level
    try:
        post.send(payload(command="log_level", door=None, level="error"))
        post.judge()
        assert root.level == logging.ERROR
    finally:
        root.setLevel(before)


def test_an_answer_is_flat_and_says_whose_it_is(post: Post) -> None:
    post.send(payload())
    post.judge(Verdict(ok=True, said="x" * 5000, seq=7))
    answer = post.listener.next_answer()
    assert answer is not None
    fields = json.loads(answer.payload)
    assert (fields["type"], fields["site"], fields["terminal"], fields["ok"]) == ("answer", SITE, TERMINAL, 1)
    assert len(fields["said"]) == 1000

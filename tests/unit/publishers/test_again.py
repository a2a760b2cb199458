from __future__ import annotations

from datetime import timedelta

import pytest

from fakes.backlog import FakeBacklog
from fakes.clock import START
from fakes.journal import SIGNER
from kazasu.model.command import PublishAgain
from kazasu.publishers.again import Again
from kazasu.publishers.reasons import NO_SUBSCRIBER, SUCCESS


class Sender:
    """A journal of so many events, all of which were sent, and what is sent of it again."""

    def __init__(self, count: int = 1000) -> None:
        self.backlog = FakeBacklog(SIGNER)
        self.backlog.grow(count)
        self.again = Again(self.backlog)
        self.newest = count
        self._mid = 0

    def ask(self, asked: PublishAgain) -> tuple[str, str]:
        return self.again.ask(asked, self.newest)

    def send(self, limit: int = 10_000) -> list[int]:
        """Send up to so many; their numbers."""
        seqs: list[int] = []
        while len(seqs) < limit and (found := self.again.next()) is not None:
            self._mid += 1
            self.again.sent(self._mid, found[0])
            seqs.append(found[0])
        return seqs


@pytest.fixture(scope="module")
def backlog() -> FakeBacklog:
    return Sender().backlog


@pytest.fixture
def sender(backlog: FakeBacklog) -> Sender:
    sender = Sender(0)
    sender.backlog, sender.again, sender.newest = backlog, Again(backlog), 1000
    return sender


def test_a_range_is_sent_whole_and_nothing_besides(sender: Sender) -> None:
    assert sender.ask(PublishAgain(from_seq=5, to_seq=600)) == (
        "",
        "events 5 to 600 are sent again, as far as they are here",
    )
    assert sender.send() == [*range(5, 601)]
    assert sender.send() == []


def test_without_an_end_all_that_was_sent_follows_and_what_was_not_comes_anyway(sender: Sender) -> None:
    sender.newest = 900
    sender.ask(PublishAgain(from_seq=890))
    sender.ask(PublishAgain(from_seq=899, to_seq=5000))
    assert sender.send() == [*range(890, 901), 899, 900]


@pytest.mark.parametrize(("seconds", "first"), [(-3600.0, 1), (0.5, 500), (0.9995, 1000)])
def test_a_time_is_found_in_the_journal(sender: Sender, seconds: float, first: int) -> None:
    sender.ask(PublishAgain(since=START + timedelta(seconds=seconds)))
    assert sender.send(1) == [first]


def test_a_time_to_come_has_no_events_yet(sender: Sender) -> None:
    problem, said = sender.ask(PublishAgain(since=START + timedelta(days=1)))
    assert (problem, sender.send()) == ("", [])
    assert "come as they are recorded" in said


def test_another_journals_numbers_mean_nothing_here(sender: Sender) -> None:
    problem, _ = sender.ask(PublishAgain(from_seq=1, epoch="ff" * 8))
    assert problem.startswith("there is no epoch ffffffffffffffff here any more")
    assert sender.send() == []
    assert sender.ask(PublishAgain(from_seq=1000, epoch=sender.backlog.epoch))[0] == ""


def test_a_connection_that_breaks_lets_unanswered_ones_go_again(sender: Sender) -> None:
    sender.ask(PublishAgain(from_seq=1, to_seq=300))
    assert sender.send(250) == [*range(1, 251)]
    for mid in range(1, 201):
        sender.again.answered(mid, SUCCESS)
    sender.again.connected()
    assert sorted(set(sender.send())) == [*range(201, 301)]


def test_whoever_asked_and_is_gone_gets_nothing_more(sender: Sender) -> None:
    sender.ask(PublishAgain(from_seq=1))
    assert sender.send(10)
    sender.again.answered(3, NO_SUBSCRIBER)
    assert sender.send() == []


def test_what_is_asked_is_bounded(sender: Sender) -> None:
    problems = [sender.ask(PublishAgain(from_seq=1))[0] for _ in range(17)]
    assert problems[:16] == [""] * 16
    assert "16 ranges" in problems[16]

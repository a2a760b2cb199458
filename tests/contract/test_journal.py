"""Each journal, the fake and the real one, keeps the seam's promises (ports.store.Journal, ports.store.Backlog)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fakes.clock import FakeClock
from fakes.journal import SIGNER, FakeJournal
from kazasu.errors import JournalCorrupt, JournalFull
from kazasu.model.event import GENESIS, Draft, opened
from kazasu.model.receipt import Receipt
from kazasu.model.signature import Ed25519Verifier
from kazasu.store.backlog import Backlog
from kazasu.store.journal import Journal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from kazasu.ports import store

VERIFIER = Ed25519Verifier(SIGNER.public)
MAX_EVENTS = 20
KEEP_S = 100


class Subject:
    """A journal, its backlog and the clock that its drafts are dated by."""

    def __init__(self, journal: store.Journal, backlog: store.Backlog) -> None:
        self.journal = journal
        self.backlog = backlog
        self.clock = FakeClock()

    def append(self, count: int = 1, every_s: float = 1) -> None:
        for _ in range(count):
            self.clock.advance(every_s)
            self.journal.append(Draft(event_type="attendance.in", moment=self.clock.now(), fields={"reader": "front"}))

    def receipt(self, seq: int) -> Receipt:
        (_, body), *_ = self.backlog.after(seq - 1, 1)
        return Receipt(epoch=self.journal.epoch, seq=seq, digest=opened(body, VERIFIER).digest)


@pytest.fixture(params=["fake", "sqlite"])
def subject(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Subject]:
    if request.param == "fake":
        fake = FakeJournal(max_events=MAX_EVENTS, keep_s=KEEP_S)
        yield Subject(fake, fake)
        return
    path = tmp_path / "journal.db"
    journal = Journal(path, "city", "front", SIGNER, max_events=MAX_EVENTS, keep_s=KEEP_S, collector=True)
    backlog = Backlog(path)
    yield Subject(journal, backlog)
    backlog.close()
    journal.close()


def test_it_begins_empty(subject: Subject) -> None:
    assert subject.journal.seq == 0
    assert list(subject.journal.recent(3600)) == []
    assert subject.backlog.last_seq() == 0
    assert list(subject.backlog.after(0, 10)) == []
    assert len(subject.journal.epoch) == 16
    assert subject.backlog.epoch == subject.journal.epoch


@pytest.mark.rule(3)
def test_each_event_is_signed_and_names_the_one_before(subject: Subject) -> None:
    subject.append(5)

    events = [opened(body, VERIFIER) for _, body in subject.backlog.after(0, 100)]

    assert [event.seq for event in events] == [1, 2, 3, 4, 5]
    assert [event.fields["prev"] for event in events] == [GENESIS, *(event.digest for event in events[:-1])]
    assert {event.fields["epoch"] for event in events} == {subject.journal.epoch}
    assert events == list(subject.journal.recent(3600))


def test_the_backlog_gives_what_comes_after(subject: Subject) -> None:
    subject.append(5)

    assert [seq for seq, _ in subject.backlog.after(2, 2)] == [3, 4]
    assert list(subject.backlog.after(5, 2)) == []
    assert subject.backlog.last_seq() == 5


def test_recent_events_are_the_newest_and_those_shortly_before_it(subject: Subject) -> None:
    subject.append(5, every_s=60)

    assert [event.seq for event in subject.journal.recent(120)] == [3, 4, 5]
    assert [event.seq for event in subject.journal.recent(0)] == [5]


def test_recent_events_are_found_whatever_the_clock_did(subject: Subject) -> None:
    subject.append(2)
    subject.clock.step(-365 * 86400)
    subject.append(2)
    assert [event.seq for event in subject.journal.recent(10)] == [1, 2, 3, 4]

    subject.clock.step(2 * 365 * 86400)
    subject.append(2)
    assert [event.seq for event in subject.journal.recent(10)] == [5, 6]


@pytest.mark.rule(1)
def test_at_the_limit_nothing_is_accepted_and_nothing_dropped(subject: Subject) -> None:
    subject.append(MAX_EVENTS)

    for _ in range(3):
        with pytest.raises(JournalFull):
            subject.append()

    assert subject.journal.seq == MAX_EVENTS
    assert len(subject.backlog.after(0, 100)) == MAX_EVENTS


@pytest.mark.rule(5)
def test_a_receipt_removes_what_is_old_enough_and_the_chain_goes_on(subject: Subject) -> None:
    subject.append(10, every_s=50)

    assert subject.journal.prune(subject.receipt(9)) == 7
    subject.append()

    assert [seq for seq, _ in subject.backlog.after(0, 100)] == [8, 9, 10, 11]
    assert subject.journal.seq == 11


@pytest.mark.rule(5)
def test_what_no_receipt_names_stays_however_old(subject: Subject) -> None:
    subject.append(10, every_s=500)

    assert subject.journal.prune(subject.receipt(3)) == 3
    assert [seq for seq, _ in subject.backlog.after(0, 2)] == [4, 5]


def test_the_newest_event_stays(subject: Subject) -> None:
    subject.append(3, every_s=500)

    assert subject.journal.prune(subject.receipt(3)) == 2
    assert subject.journal.seq == 3


def test_a_receipt_may_come_again(subject: Subject) -> None:
    subject.append(5, every_s=500)
    receipts = [subject.receipt(2), subject.receipt(4)]
    for receipt in receipts:
        subject.journal.prune(receipt)

    assert [subject.journal.prune(receipt) for receipt in receipts] == [0, 0]


def test_a_receipt_of_a_former_journal_removes_nothing(subject: Subject) -> None:
    subject.append(5, every_s=500)

    assert subject.journal.prune(Receipt(epoch="f" * 16, seq=3, digest="0" * 64)) == 0


@pytest.mark.rule(5)
@pytest.mark.parametrize("seq", [3, 6])
def test_a_receipt_for_another_history_is_refused(subject: Subject, seq: int) -> None:
    subject.append(5, every_s=500)

    with pytest.raises(JournalCorrupt, match=f"event {seq}"):
        subject.journal.prune(Receipt(epoch=subject.journal.epoch, seq=seq, digest="0" * 64))
    assert len(subject.backlog.after(0, 100)) == 5


def test_a_receipt_for_another_pruned_event_is_refused(subject: Subject) -> None:
    subject.append(5, every_s=500)
    subject.journal.prune(subject.receipt(3))

    with pytest.raises(JournalCorrupt):
        subject.journal.prune(Receipt(epoch=subject.journal.epoch, seq=3, digest="0" * 64))


def test_idle_changes_nothing_that_can_be_seen(subject: Subject) -> None:
    subject.append(5)

    subject.journal.idle()
    subject.append()

    assert subject.backlog.last_seq() == 6

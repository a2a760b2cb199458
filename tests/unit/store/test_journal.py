from __future__ import annotations

import logging
import sqlite3
from typing import TYPE_CHECKING

import pytest

from fakes.journal import SIGNER
from kazasu.errors import JournalCorrupt, JournalUnwritable
from kazasu.model.event import Draft
from kazasu.model.moment import TimeSource
from kazasu.model.receipt import Receipt
from kazasu.model.signature import Ed25519Verifier
from kazasu.store.audit import verify
from kazasu.store.journal import CHECKPOINT_EVENTS
from kazasu.store.retention import PRUNE_EVENTS

if TYPE_CHECKING:
    from fakes.shelf import Shelf

VERIFIER = Ed25519Verifier(SIGNER.public)


def test_usage_warns_at_eighty_percent(shelf: Shelf) -> None:
    journal = shelf.open(max_events=10)
    shelf.append(journal, 7)
    assert (journal.usage().percent, journal.usage().warn) == (70, False)

    shelf.append(journal)
    usage = journal.usage()

    assert (usage.count, usage.max_events, usage.percent, usage.warn) == (8, 10, 80, True)
    assert usage.size_bytes >= shelf.path.stat().st_size > 0


@pytest.mark.rule(1)
def test_a_deleted_journal_is_noticed_by_the_next_tap_and_made_anew(
    shelf: Shelf, caplog: pytest.LogCaptureFixture
) -> None:
    journal = shelf.open()
    shelf.append(journal, 3)
    former = journal.epoch
    for path in shelf.path.parent.iterdir():
        path.unlink()

    with pytest.raises(JournalUnwritable):
        shelf.append(journal)
    assert (journal.epoch, journal.seq) == (former, 3)

    shelf.append(journal)
    assert journal.epoch != former
    assert journal.seq == 1
    assert "journal_made_anew" in caplog.messages


@pytest.mark.rule(1)
def test_a_journal_rolled_back_under_a_running_terminal_is_refused(shelf: Shelf) -> None:
    journal = shelf.open()
    shelf.append(journal, 3)
    journal.close()
    old = shelf.path.read_bytes()
    shelf.append(journal, 2)
    journal.close()
    shelf.path.write_bytes(old)

    with pytest.raises(JournalCorrupt, match="event 5"):
        shelf.append(journal)


@pytest.mark.rule(3)
def test_two_terminals_on_one_file_do_not_fork_the_chain(shelf: Shelf) -> None:
    first, second = shelf.open(), shelf.open()
    shelf.append(first)

    with pytest.raises(JournalUnwritable, match="another program"):
        shelf.append(second)
    shelf.append(second)

    assert second.seq == 2
    *_, last = verify(shelf.path, VERIFIER)
    assert last.seq == 2


def test_a_draft_that_cannot_be_signed_leaves_the_journal_as_it_was(shelf: Shelf) -> None:
    journal = shelf.open()
    shelf.append(journal)

    with pytest.raises(ValueError, match="chain"):
        journal.append(Draft(event_type="a.b", moment=shelf.clock.now(), fields={"seq": 7}))

    shelf.append(journal)
    assert journal.seq == 2


def test_pruning_goes_on_in_idle_a_part_at_a_time(shelf: Shelf) -> None:
    journal = shelf.open()
    shelf.append(journal, 2 * PRUNE_EVENTS + 10)
    digest = list(journal.recent(0))[-1].digest

    removed = journal.prune(Receipt(epoch=journal.epoch, seq=journal.seq, digest=digest))
    counts = [journal.usage().count]
    for _ in range(3):
        journal.idle()
        counts.append(journal.usage().count)

    assert removed == PRUNE_EVENTS
    assert counts == [PRUNE_EVENTS + 10, 10, 1, 1]
    *_, last = verify(shelf.path, VERIFIER)
    assert last.count == 1


def test_what_gets_old_goes_a_day_at_a_time_so_that_a_tap_costs_no_second_flush(shelf: Shelf) -> None:
    journal = shelf.open(keep_s=10 * 86_400)
    removed = []
    for _ in range(20 * 24):
        shelf.append(journal, every_s=3600)
        (newest,) = journal.recent(0)
        removed.append(journal.prune(Receipt(epoch=journal.epoch, seq=newest.seq, digest=newest.digest)))
        journal.idle()

    assert [count for count in removed if count] == [24 + 1] * 9
    assert journal.usage().count <= 11 * 24 + 1


def test_vouched_events_make_room_when_it_gets_short_however_young(shelf: Shelf) -> None:
    journal = shelf.open(max_events=10, keep_s=10**6)
    shelf.append(journal, 5)
    event = list(journal.recent(10**6))[3]
    receipt = Receipt(epoch=journal.epoch, seq=event.seq, digest=event.digest)
    assert journal.prune(receipt) == 0

    shelf.append(journal, 3)
    assert journal.prune(receipt) == 4


def test_the_newest_event_stays_even_when_room_gets_short(shelf: Shelf) -> None:
    journal = shelf.open(max_events=10)
    shelf.append(journal, 9)
    (newest,) = journal.recent(0)

    assert journal.prune(Receipt(epoch=journal.epoch, seq=9, digest=newest.digest)) == 8
    assert [event.seq for event in journal.recent(0)] == [9]


def test_without_a_collector_idle_prunes_by_age(shelf: Shelf) -> None:
    journal = shelf.open(keep_s=100, collector=False)
    shelf.append(journal, 10, every_s=50)

    journal.idle()

    assert [event.seq for event in journal.recent(10**6)] == [8, 9, 10]


def test_without_a_collector_an_unset_clock_prunes_nothing(shelf: Shelf) -> None:
    journal = shelf.open(keep_s=100, collector=False)
    shelf.append(journal, 10, every_s=50, source=TimeSource.HOLDOVER)

    journal.idle()

    assert journal.usage().count == 10


def test_without_a_collector_idle_makes_room_and_says_so(shelf: Shelf, caplog: pytest.LogCaptureFixture) -> None:
    journal = shelf.open(max_events=10, keep_s=10**6, collector=False)
    shelf.append(journal, 9)

    with caplog.at_level(logging.WARNING):
        journal.idle()

    assert 0 < journal.usage().count < 8
    assert "journal_pruned_by_size" in caplog.messages


def test_idle_empties_the_log_once_it_grew_and_keeps_it_for_reuse(shelf: Shelf) -> None:
    journal = shelf.open()
    log = shelf.path.with_name("journal.db-wal")
    shelf.append(journal, CHECKPOINT_EVENTS - 1)
    main_bytes = shelf.path.stat().st_size
    journal.idle()
    assert shelf.path.stat().st_size == main_bytes

    shelf.append(journal)
    journal.idle()
    grown_bytes = log.stat().st_size

    assert shelf.path.stat().st_size > main_bytes
    shelf.append(journal, CHECKPOINT_EVENTS - 1)
    assert log.stat().st_size == grown_bytes


def test_a_reader_in_the_way_postpones_the_checkpoint(shelf: Shelf) -> None:
    journal = shelf.open()
    shelf.append(journal, 1)
    reader = sqlite3.connect(shelf.path, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM event").fetchone()
    shelf.append(journal, CHECKPOINT_EVENTS)
    assert journal._state is not None
    journal._state.connection.execute("PRAGMA busy_timeout = 1")  # a second would be waiting for nothing

    journal.idle()
    assert journal._since_checkpoint > 0
    reader.close()
    journal.idle()

    assert journal._since_checkpoint == 0


def test_closing_twice_and_opening_anew(shelf: Shelf) -> None:
    journal = shelf.open()
    shelf.append(journal, 3)
    journal.close()
    journal.close()
    assert list(journal.recent(10)) == []

    again = shelf.open()

    assert (again.epoch, again.seq) == (journal.epoch, 3)


def test_each_commit_is_flushed_and_that_is_asserted(shelf: Shelf) -> None:
    journal = shelf.open()
    assert journal._state is not None
    connection = journal._state.connection

    assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert connection.execute("PRAGMA wal_autocheckpoint").fetchone() == (0,)


def test_opening_looks_at_the_tail_alone_so_that_it_costs_the_same_at_any_length(shelf: Shelf) -> None:
    shelf.filled(100)
    shelf.change("UPDATE event SET body = CAST('nonsense' AS BLOB) WHERE seq = 50")

    assert shelf.open().seq == 100
    with pytest.raises(JournalCorrupt, match="event 50"):
        list(verify(shelf.path, VERIFIER))


def test_after_a_crash_all_that_was_in_the_log_is_verified(shelf: Shelf) -> None:
    journal = shelf.open()
    shelf.append(journal, 100)
    shelf.change("UPDATE event SET body = CAST('nonsense' AS BLOB) WHERE seq = 50")
    saved = {path: path.read_bytes() for path in shelf.path.parent.iterdir() if not path.name.endswith("-shm")}
    journal.close()
    for path, content in saved.items():
        path.write_bytes(content)

    with pytest.raises(JournalCorrupt, match="event 50"):
        shelf.open()

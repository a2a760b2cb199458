from __future__ import annotations

from typing import TYPE_CHECKING

from kazasu.store.backlog import Backlog

if TYPE_CHECKING:
    import pytest

    from fakes.shelf import Shelf


def test_before_there_is_a_journal_everything_is_empty_and_then_it_is_found(shelf: Shelf) -> None:
    backlog = Backlog(shelf.path)
    assert (backlog.epoch, backlog.last_seq(), backlog.after(0, 10)) == ("", 0, [])

    shelf.path.parent.mkdir()
    shelf.path.touch()
    assert (backlog.epoch, backlog.last_seq(), backlog.after(0, 10)) == ("", 0, [])

    journal = shelf.open()
    shelf.append(journal, 3)

    assert (backlog.epoch, backlog.last_seq()) == (journal.epoch, 3)
    assert [seq for seq, _ in backlog.after(1, 10)] == [2, 3]
    backlog.close()


def test_a_journal_made_anew_is_found(shelf: Shelf) -> None:
    shelf.filled(3)
    backlog = Backlog(shelf.path)
    former = backlog.epoch
    for path in shelf.path.parent.iterdir():
        path.unlink()
    assert backlog.last_seq() == 0

    shelf.filled(2)

    assert backlog.epoch not in {"", former}
    assert backlog.last_seq() == 2
    backlog.close()


def test_of_a_journal_that_was_pruned_empty_the_last_number_is_known(shelf: Shelf) -> None:
    shelf.filled(3)
    shelf.change("DELETE FROM event")
    shelf.change("UPDATE journal SET pruned_seq = 3")
    backlog = Backlog(shelf.path)

    assert backlog.last_seq() == 3
    backlog.close()


def test_what_cannot_be_read_is_as_good_as_none(shelf: Shelf) -> None:
    shelf.path.parent.mkdir()
    for content in (b"no database at all" * 1000, b"SQLite format 3\0" + bytes(5000)):
        shelf.path.write_bytes(content)
        backlog = Backlog(shelf.path)
        assert (backlog.epoch, backlog.last_seq(), backlog.after(0, 10)) == ("", 0, [])


def test_a_journal_that_turns_unreadable_is_said_once(shelf: Shelf, caplog: pytest.LogCaptureFixture) -> None:
    shelf.filled(100)
    backlog = Backlog(shelf.path)
    assert backlog.last_seq() == 100
    with shelf.path.open("r+b") as file:  # the same file: the backlog has it open
        file.write(b"no database at all" * 1000)

    assert [backlog.after(0, 10) for _ in range(3)] == [[], [], []]

    assert caplog.messages == ["backlog_unreadable"]


def test_reading_never_keeps_the_journal_from_beginning_its_log_anew(shelf: Shelf) -> None:
    journal = shelf.open()
    backlog = Backlog(shelf.path)
    shelf.append(journal, 200)
    assert len(backlog.after(0, 10)) == 10

    journal.idle()

    assert journal._since_checkpoint == 0
    backlog.close()

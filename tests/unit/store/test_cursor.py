from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kazasu.store.cursor import DURABLE_EVENTS, SendCursor

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

EPOCH = "00112233445566aa"


class Drawer:
    """Opens cursors at one path."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._cursors: list[SendCursor] = []

    def open(self, epoch: str = EPOCH) -> SendCursor:
        self._cursors.append(SendCursor(self.path, epoch))
        return self._cursors[-1]

    def close(self) -> None:
        for cursor in self._cursors:
            cursor._disconnect()  # as a process that dies: nothing is stored any more


@pytest.fixture
def drawer(tmp_path: Path) -> Iterator[Drawer]:
    one = Drawer(tmp_path / "cursor.db")
    yield one
    one.close()


def test_it_begins_at_zero(drawer: Drawer) -> None:
    assert drawer.open().seq == 0
    assert drawer.path.stat().st_mode & 0o777 == 0o600


def test_the_position_is_durable_every_so_many_events_and_at_flush(drawer: Drawer) -> None:
    cursor = drawer.open()
    seen = []
    for seq in (DURABLE_EVENTS - 1, DURABLE_EVENTS, DURABLE_EVENTS + 1):
        cursor.advance(seq)
        seen.append(drawer.open().seq)
    cursor.flush()
    seen.append(drawer.open().seq)

    assert seen == [0, DURABLE_EVENTS, DURABLE_EVENTS, DURABLE_EVENTS + 1]


def test_closing_makes_the_position_durable(drawer: Drawer) -> None:
    cursor = drawer.open()
    cursor.advance(7)
    cursor.close()
    cursor.close()

    assert drawer.open().seq == 7


def test_connections_are_counted_durably_and_across_epochs(drawer: Drawer) -> None:
    first = drawer.open()
    assert [first.next_connection(), first.next_connection()] == [1, 2]

    assert drawer.open("f" * 16).next_connection() == 3


def test_the_cursor_of_another_epoch_starts_at_zero(drawer: Drawer) -> None:
    cursor = drawer.open()
    cursor.advance(500)

    assert drawer.open("f" * 16).seq == 0
    assert drawer.open().seq == 500


def test_a_journal_that_cannot_be_opened_costs_no_position(drawer: Drawer) -> None:
    cursor = drawer.open()
    cursor.advance(500)

    drawer.open("").next_connection()

    assert drawer.open().seq == 500


@pytest.mark.parametrize("content", [b"no database at all" * 1000, b"SQLite format 3\0" + bytes(5000)])
def test_a_broken_file_is_made_anew_and_that_is_said(
    drawer: Drawer, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    drawer.path.write_bytes(content)

    cursor = drawer.open()
    cursor.advance(300)

    assert "cursor_made_anew" in caplog.messages
    assert drawer.open().seq == 300


def test_a_disk_that_takes_nothing_is_said_and_the_position_goes_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    cursor = SendCursor(tmp_path / "file" / "cursor.db", EPOCH)

    cursor.advance(300)

    assert cursor.seq == 300
    assert cursor.next_connection() == 1
    assert set(caplog.messages) == {"cursor_not_durable"}
    cursor.close()

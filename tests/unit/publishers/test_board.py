from __future__ import annotations

import select

import pytest

from kazasu.publishers.board import HealthBoard


def woken(board: HealthBoard) -> bool:
    poll = select.poll()
    poll.register(board.waker, select.POLLIN)
    ready = bool(poll.poll(0))
    board.waker.clear()
    return ready


def test_a_change_wakes_and_the_same_again_does_not() -> None:
    board = HealthBoard()
    board.note(a=1)
    assert woken(board)
    version = board.version
    board.note(a=1)
    assert not woken(board)
    assert board.version == version
    board.note(a=2, b="x")
    assert woken(board)
    assert board.fields() == {"a": 2, "b": "x"}
    assert board.version > version


def test_alerts_stand_until_they_are_cleared() -> None:
    board = HealthBoard()
    board.alert("journal", "full")
    assert woken(board)
    board.alert("journal", "full")
    assert not woken(board)
    board.alert("journal", "read-only")
    assert woken(board)
    assert board.alerts() == {"journal": "read-only"}
    board.clear("journal")
    assert woken(board)
    board.clear("journal")
    assert not woken(board)
    assert board.alerts() == {}


def test_what_the_reader_gets_is_a_copy() -> None:
    board = HealthBoard()
    board.note(a=1)
    board.fields()["a"] = 2
    board.alerts()["x"] = "y"
    assert (board.fields(), board.alerts()) == ({"a": 1}, {})


@pytest.mark.parametrize("name", ["No", "tür", ""])
def test_a_field_that_cannot_be_on_the_wire_is_refused_where_it_is_noted(name: str) -> None:
    with pytest.raises(ValueError, match="field name"):
        HealthBoard().note(**{name: 1})

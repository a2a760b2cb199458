"""Single steps; tests/property/test_window.py plays everything against everything."""

from __future__ import annotations

import pytest

from kazasu.publishers.backoff import Backoff
from kazasu.publishers.window import Window

pytestmark = pytest.mark.rule(5)


@pytest.fixture
def window() -> Window:
    window = Window(10, Backoff(lambda: 0.0))
    window.connected(65_535)
    return window


def send(window: Window, *seqs: int, now_s: float = 0.0) -> None:
    for seq in seqs:
        window.event_sent(seq + 1000, seq, now_s)


def answer(window: Window, *seqs: int, code: int = 0, now_s: float = 0.0) -> None:
    for seq in seqs:
        window.answered(seq + 1000, code, now_s)


def test_the_cursor_waits_for_the_first_of_them(window: Window) -> None:
    send(window, 11, 12, 13)
    answer(window, 12, 13)
    assert window.acked == 10
    answer(window, 11)
    assert window.acked == 13


@pytest.mark.parametrize("code", [0x10, 0x80, 0x87, 0x97])
def test_a_refused_event_is_sent_again_alone_after_the_others_were_answered(window: Window, code: int) -> None:
    send(window, 11, 12, 13)
    answer(window, 12, code=code)
    assert window.room(1000) == 0
    answer(window, 11, 13)
    assert (window.acked, window.sent, window.refusal) == (11, 11, code)
    assert window.room(0.9) == 0
    assert window.wait_s(0.25) == 0.75
    assert window.room(1.0) == 1
    send(window, 12)
    assert window.room(1.0) == 0
    answer(window, 12)
    assert (window.acked, window.refusal) == (12, 0)
    assert window.room(1.0) == 100


def test_refusals_are_farther_and_farther_apart(window: Window) -> None:
    now_s = 0.0
    for wait_s in [1, 2, 4, 8, 16, 32, 60, 60]:
        send(window, 11)
        answer(window, 11, code=0x10, now_s=now_s)
        assert window.wait_s(now_s) == wait_s
        now_s += wait_s
    window.retry()
    assert window.room(now_s) == 1


def test_health_leaves_while_events_wait(window: Window) -> None:
    send(window, 11)
    answer(window, 11, code=0x97)
    assert window.room(0.0) == 0
    assert window.room_for_other


def test_silence_counts_from_the_last_answer(window: Window) -> None:
    assert window.silent_s(100) == 0
    send(window, 11, 12, now_s=100)
    assert window.silent_s(103) == 3
    answer(window, 11, now_s=105)
    assert window.silent_s(107) == 2
    answer(window, 12, now_s=108)
    assert window.silent_s(200) == 0


def test_an_event_out_of_order_is_a_defect(window: Window) -> None:
    send(window, 11)
    with pytest.raises(ValueError, match="cannot follow"):
        send(window, 11)


def test_pruned_events_are_passed_over(window: Window) -> None:
    send(window, 500)
    answer(window, 500)
    assert window.acked == 500

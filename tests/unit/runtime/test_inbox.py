from __future__ import annotations

import threading

import pytest

from kazasu.model.input import ButtonPressed, CardPresented, Input, Stop
from kazasu.runtime.inbox import BoundedInbox


def test_inputs_come_out_in_order() -> None:
    inbox = BoundedInbox()
    inputs: list[Input] = [CardPresented(reader="desk"), ButtonPressed(button="in"), Stop()]

    for item in inputs:
        inbox.put(item)

    assert [inbox.get(0) for _ in inputs] == inputs


def test_nothing_comes_out_of_an_empty_one() -> None:
    assert BoundedInbox().get(0) is None


def test_a_wait_ends_with_the_next_input() -> None:
    inbox = BoundedInbox()
    putting = threading.Thread(target=inbox.put, args=(Stop(),))
    putting.start()

    assert inbox.get(30) == Stop()
    putting.join()


def test_a_full_one_says_that_the_terminal_hangs() -> None:
    inbox = BoundedInbox(limit=2)
    inbox.put(Stop())
    inbox.put(Stop())

    with pytest.raises(OverflowError, match="2 inputs wait"):
        inbox.put(Stop())

    inbox.get(0)
    inbox.put(Stop())

"""One keypad, two who listen: a card goes before codes, and nobody waits for the other's person."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from kazasu.keypads.simulated import SimulatedKeypad
from kazasu.keypads.turns import KeypadTaken, Turns
from kazasu.model.key import Key

if TYPE_CHECKING:
    from collections.abc import Callable

LONG_S = 60.0


class Codes:
    """A thread that listens for codes until it is told that it may not."""

    def __init__(self, turns: Turns) -> None:
        self._turns = turns
        self.listening, self.gave_way = threading.Event(), threading.Event()
        self.thread = threading.Thread(target=self._run)
        self.thread.start()
        assert self.listening.wait(LONG_S)

    def _run(self) -> None:
        try:
            with self._turns.for_codes.listen():
                self.listening.set()
                while True:
                    self._turns.for_codes.key(LONG_S)
        except KeypadTaken:
            self.gave_way.set()


def test_a_card_has_the_keypad_as_soon_as_it_asks_and_its_keys_are_its_own() -> None:
    keypad = SimulatedKeypad()
    turns = Turns(keypad)
    codes = Codes(turns)
    with turns.for_cards.listen():
        assert codes.gave_way.wait(LONG_S)
        keypad.press("7#")
        assert [turns.for_cards.key(LONG_S), turns.for_cards.key(LONG_S)] == [Key.DIGIT_7, Key.ENTER]
        with pytest.raises(KeypadTaken), turns.for_codes.listen():
            pass
    codes.thread.join(LONG_S)
    turns.wait_until_free(LONG_S)
    with turns.for_codes.listen():
        keypad.press("1")
        assert turns.for_codes.key(LONG_S) is Key.DIGIT_1


@pytest.mark.parametrize("end", [Turns.end, lambda turns: turns.for_cards.listen().__enter__()])
def test_whoever_waits_for_a_key_of_a_code_is_let_go(end: Callable[[Turns], object]) -> None:
    turns = Turns(SimulatedKeypad())
    codes = Codes(turns)
    end(turns)
    assert codes.gave_way.wait(LONG_S)
    codes.thread.join(LONG_S)


def test_a_wait_for_the_keypad_ends_when_codes_do() -> None:
    turns = Turns(SimulatedKeypad())
    with turns.for_cards.listen():
        turns.end()
        turns.wait_until_free(LONG_S)
    with pytest.raises(KeypadTaken), turns.for_codes.listen():
        pass


def test_a_card_that_is_gone_leaves_the_keypad_to_codes() -> None:
    turns = Turns(SimulatedKeypad())

    def asks() -> None:
        with turns.for_cards.listen():
            raise ValueError("the card left")

    with pytest.raises(ValueError, match="the card left"):
        asks()
    with turns.for_codes.listen():
        pass

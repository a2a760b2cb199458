"""One keypad, and two who listen to it: a card's PIN goes before codes.

The reader's thread wants it for seconds, while a card is in the field; the thread for codes has it all the rest of the
time, and gives way at once: what was being entered there comes to nothing.
"""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING

from kazasu.errors import KeypadUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kazasu.model.key import Key
    from kazasu.ports.keypads import WakeableKeypad


class KeypadTaken(KeypadUnavailable):
    """A card wants the keypad, or nobody is to have it any more: whoever enters a code gives way."""


class Turns:
    """Who has the keypad.

    Attributes:
        for_cards: the keypad, as the reader's thread has it.
        for_codes: as the thread for codes has it.
    """

    def __init__(self, keypad: WakeableKeypad) -> None:
        self._keypad = keypad
        self._turn = threading.Lock()
        self._news = threading.Condition()
        self._claimed = False
        self._ended = False
        self.for_cards = ForCards(self, keypad)
        self.for_codes = ForCodes(self, keypad)

    @contextlib.contextmanager
    def claim(self) -> Iterator[None]:
        """Have the keypad, whoever listens to it, once they have noticed. One thread at a time."""
        self._set_claimed(True)
        self._keypad.wake()
        try:
            with self._turn:
                yield
        finally:
            self._set_claimed(False)

    @contextlib.contextmanager
    def borrow(self) -> Iterator[None]:
        """Have the keypad while nobody claims it.

        Raises:
            KeypadTaken: somebody does. It waits for nobody.
        """
        self.expect_unclaimed()
        if not self._turn.acquire(blocking=False):
            raise KeypadTaken("a card has it")
        try:
            yield
        finally:
            self._turn.release()

    def expect_unclaimed(self) -> None:
        """Return if who borrowed it may keep it.

        Raises:
            KeypadTaken: no.
        """
        with self._news:
            if self._claimed or self._ended:
                raise KeypadTaken("a card asks for its PIN")

    def wait_until_free(self, timeout_s: float) -> None:
        """Return once no card has it, or it is over, or the time is."""
        with self._news:
            self._news.wait_for(lambda: self._ended or not self._claimed, timeout_s)

    def end(self) -> None:
        """No code is taken any more. Any thread."""
        with self._news:
            self._ended = True
            self._news.notify_all()
        self._keypad.wake()

    def _set_claimed(self, claimed: bool) -> None:  # noqa: FBT001  (as it stands)
        with self._news:
            self._claimed = claimed
            self._news.notify_all()


class ForCards:
    """Implements ports.keypads.Keypad."""

    def __init__(self, turns: Turns, keypad: WakeableKeypad) -> None:
        self._turns = turns
        self._keypad = keypad

    @contextlib.contextmanager
    def listen(self) -> Iterator[None]:
        """See ports.keypads.Keypad."""
        with self._turns.claim(), self._keypad.listen():
            yield

    def key(self, timeout_s: float) -> Key | None:
        """See ports.keypads.Keypad."""
        return self._keypad.key(timeout_s)


class ForCodes:
    """Implements ports.keypads.Keypad, for codes."""

    def __init__(self, turns: Turns, keypad: WakeableKeypad) -> None:
        self._turns = turns
        self._keypad = keypad

    @contextlib.contextmanager
    def listen(self) -> Iterator[None]:
        """See ports.keypads.Keypad.

        Raises:
            KeypadTaken: a card has it.
        """
        with self._turns.borrow(), self._keypad.listen():
            yield

    def key(self, timeout_s: float) -> Key | None:
        """See ports.keypads.Keypad.

        Raises:
            KeypadTaken: a card wants it.
        """
        self._turns.expect_unclaimed()
        key = self._keypad.key(timeout_s)
        self._turns.expect_unclaimed()
        return key

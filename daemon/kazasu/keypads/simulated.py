"""A keypad that is not there: its keys come from an order, where [outputs] driver is terminal."""

from __future__ import annotations

import contextlib
import queue
from typing import TYPE_CHECKING

from kazasu.model.key import BY_LABEL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kazasu.model.key import Key


class SimulatedKeypad:
    """Implements ports.keypads.WakeableKeypad, but for one thing: keys that are pressed while nobody listens wait.

    Whoever orders them does not see whether somebody does, as a person at a keypad sees the answer to the one before.
    """

    def __init__(self) -> None:
        self._pressed: queue.SimpleQueue[Key | None] = queue.SimpleQueue()

    def press(self, keys: str) -> None:
        """Press keys by the labels of a matrix keypad: digits, # for Enter, * to take a digit back, C to give up.

        Any thread.
        """
        for label in keys:
            self._pressed.put(BY_LABEL[label])

    @contextlib.contextmanager
    def listen(self) -> Iterator[None]:
        """See ports.keypads.Keypad."""
        try:
            yield
        finally:
            with contextlib.suppress(queue.Empty):
                while True:
                    self._pressed.get_nowait()

    def key(self, timeout_s: float) -> Key | None:
        """See ports.keypads.Keypad."""
        try:
            return self._pressed.get(timeout=timeout_s)
        except queue.Empty:
            return None

    def wake(self) -> None:
        """See ports.keypads.WakeableKeypad."""
        self._pressed.put(None)

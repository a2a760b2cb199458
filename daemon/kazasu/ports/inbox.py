"""The terminal's queue, from both ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from kazasu.model.input import Input


class Inbox(Protocol):
    """The terminal's bounded queue. Any thread."""

    def put(self, item: Input) -> None:
        """Hand over an input.

        Raises:
            OverflowError: the terminal thread is far behind; a defect, so it ends the process.
        """
        ...


class InputQueue(Inbox, Protocol):
    """The inbox's other end. The terminal thread."""

    def get(self, timeout_s: float) -> Input | None:
        """Wait for the next input; None if the time runs out first."""
        ...

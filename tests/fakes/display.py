"""A display that only remembers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kazasu.errors import DisplayError

if TYPE_CHECKING:
    from kazasu.model.screen import Screen


class RecordingDisplay:
    """Implements the Display seam.

    Attributes:
        history: every screen, oldest first.
        failure: raised by `show` once a test sets it.
        closed: `close` was called.
    """

    def __init__(self) -> None:
        self.history: list[Screen] = []
        self.failure: DisplayError | None = None
        self.closed = False

    def show(self, screen: Screen) -> None:
        if self.closed:
            raise DisplayError("the display was closed")
        if self.failure is not None:
            raise self.failure
        self.history.append(screen)

    def close(self) -> None:
        self.closed = True

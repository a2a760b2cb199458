"""The small display drawn in a terminal: a laptop, the demo."""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

from kazasu.errors import DisplayError
from kazasu.model.screen import COLUMNS, ROWS, width

if TYPE_CHECKING:
    from kazasu.model.screen import Screen


class TerminalDisplay:
    """Implements ports.outputs.Display: each new screen is a box of four rows below the one before.

    Args:
        stream: where to draw; not closed.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._closed = False

    def show(self, screen: Screen) -> None:
        """Draw it; see ports.outputs.Display."""
        if self._closed:
            raise DisplayError("the terminal's display was closed")
        edge = "+" + "-" * COLUMNS + "+\n"
        rows = (*screen.lines, *[""] * (ROWS - len(screen.lines)))
        box = edge + "".join(f"|{row}{' ' * (COLUMNS - width(row))}|\n" for row in rows) + edge
        # In a live terminal the cues' one line stands where the box begins: it is drawn anew at the next change.
        begin = "\r\x1b[K" if self._stream.isatty() else ""
        try:
            self._stream.write(begin + box)
            self._stream.flush()
        except (OSError, ValueError) as error:
            raise DisplayError(f"the terminal cannot be written: {error}") from error

    def close(self) -> None:
        """Draw no more."""
        self._closed = True

"""The eight wires of a keypad on the Pi's header.

A row is low or floats, and is never high: so two keys that are held down can never connect a high output to a low one.
Columns have the Pi's pull-up. While no key is down all rows are low and the kernel tells when a column falls; to find
out which key it is, the rows are taken low one by one.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from kazasu.outputs.gpio import explained

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from kazasu.keypads.matrix import Crossing
    from kazasu.outputs.gpio import Header


class GpioMatrix:
    """Implements matrix.Matrix.

    Args:
        rows: BCM numbers, top first.
        columns: BCM numbers, left first.
        header: the Pi's.

    Raises:
        OutputError: a pin that is used twice, is busy or cannot be used.
    """

    def __init__(self, rows: Sequence[int], columns: Sequence[int], header: Header) -> None:
        with contextlib.ExitStack() as opened:
            wires = []
            for kind, numbers in (("row", rows), ("column", columns)):
                for which, number in enumerate(numbers, 1):
                    device = header.wire(number, f"{kind} {which} of the keypad")
                    opened.callback(device.close)
                    wires.append(device.pin)
            self._rows, self._columns = wires[: len(rows)], wires[len(rows) :]
            self._touched: Callable[[], None] | None = None
            with explained("the keypad cannot be used"):
                for row in self._rows:
                    row.function = "input"
                for column in self._columns:
                    column.input_with_pull("up")
                    column.edges = "falling"
                    # For good: each change of what is watched is a moment in which lgpio may miss another pin's edge.
                    column.when_changed = self._fell
                    opened.callback(setattr, column, "when_changed", None)
            self._opened = opened.pop_all()

    def scan(self) -> frozenset[Crossing]:
        """See matrix.Matrix."""
        down = set()
        with explained("the keypad cannot be read"):
            for number, row in enumerate(self._rows):
                row.output_with_state(0)
                try:
                    down |= {(number, column) for column, pin in enumerate(self._columns) if not pin.state}
                finally:
                    row.function = "input"
        return frozenset(down)

    @contextlib.contextmanager
    def watch(self, touched: Callable[[], None]) -> Iterator[Callable[[], bool]]:
        """See matrix.Matrix."""
        with contextlib.ExitStack() as undo:
            undo.callback(self._unwatch)
            self._touched = touched
            with explained("the keypad cannot be watched"):
                for row in self._rows:
                    row.output_with_state(0)
            yield self._any_down

    def close(self) -> None:
        """Let the pins go."""
        self._opened.close()

    def _any_down(self) -> bool:
        with explained("the keypad cannot be read"):
            return not all(column.state for column in self._columns)

    def _fell(self, _at_s: float, _level: int) -> None:
        """A column has fallen; while rows are scanned, that is nothing new."""
        touched = self._touched
        if touched is not None:
            touched()

    def _unwatch(self) -> None:
        self._touched = None
        with explained("the keypad cannot be let go"), contextlib.ExitStack() as undo:
            for row in self._rows:
                undo.callback(setattr, row, "function", "input")

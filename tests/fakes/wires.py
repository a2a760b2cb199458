"""A keypad's wires on gpiozero's mock pins: a key that is down connects its row with its column."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gpiozero.pins.mock import MockFactory, MockPin

if TYPE_CHECKING:
    from collections.abc import Iterable

ROWS = (12, 16, 20, 21)
COLUMNS = (6, 13, 19, 26)


class WiredPin(MockPin):  # type: ignore[misc]  # gpiozero ships no type information
    """A pin that reads low through a key that is down and whose row is driven low."""

    def _get_state(self) -> bool:
        if self._number in COLUMNS:
            return self.factory.reads(COLUMNS.index(self._number))  # type: ignore[no-any-return]
        return bool(super()._get_state())

    def _set_function(self, value: str) -> None:
        super()._set_function(value)
        self.factory.settle()

    def _set_state(self, value: bool) -> None:
        super()._set_state(value)
        self.factory.settle()


class Wires(MockFactory):  # type: ignore[misc]
    """Implements gpiozero's factory.

    Attributes:
        down: row and column of each key that is down.
        fought: a driven row was connected to another one through two keys.
        looks: how often a column was read to find out which key is down, and not only whether one is.
    """

    def __init__(self) -> None:
        super().__init__(pin_class=WiredPin)
        self.down: set[tuple[int, int]] = set()
        self.fought = False
        self.looks = 0
        self._low: set[int] = set()

    def set_down(self, keys: Iterable[tuple[int, int]]) -> None:
        self.down = set(keys)
        self.settle()

    def settle(self) -> None:
        """Tell of each column that has fallen, if somebody wants to know."""
        before, self._low = self._low, {column for column in range(len(COLUMNS)) if self.low(column)}
        for column in self._low - before:
            self.pin(COLUMNS[column]).drive_low()
        for column in before - self._low:
            self.pin(COLUMNS[column]).drive_high()

    def reads(self, column: int) -> bool:
        """What a column reads."""
        self.looks += not all(self._driven(row) == 0 for row in ROWS)
        return not self.low(column)

    def low(self, column: int) -> bool:
        """Whether a column is pulled low: over its own keys, and over other rows' and columns' keys that are down."""
        reached: set[Any] = {("column", column)}
        while True:
            more = {("row", row) for row, at in self.down if ("column", at) in reached}
            more |= {("column", at) for row, at in self.down if ("row", row) in reached}
            if more <= reached:
                break
            reached |= more
        driven = [self._driven(ROWS[number]) for kind, number in reached if kind == "row"]
        self.fought |= 0 in driven and 1 in driven
        return 0 in driven

    def _driven(self, number: int) -> int | None:
        pin = self.pin(number)
        return int(pin.state) if pin.function == "output" else None

"""People who enter PINs, or do not."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable


class Asked(NamedTuple):
    """What somebody was asked for."""

    tries_left: int
    length: range


class FakePins:
    """Implements the PinSource seam.

    Args:
        answers: entered one after the other; None is nobody. A test that asks once more fails.
        while_typing: what happens before each answer.

    Attributes:
        asked: every time, oldest first.
    """

    def __init__(self, *answers: str | None, while_typing: Callable[[], None] = lambda: None) -> None:
        self._answers = list(answers)
        self._while_typing = while_typing
        self.asked: list[Asked] = []

    def ask(self, tries_left: int, length: range, meanwhile: Callable[[], None]) -> str | None:
        self.asked.append(Asked(tries_left, length))
        meanwhile()
        self._while_typing()
        meanwhile()
        assert self._answers, "the PIN was asked for once more"
        return self._answers.pop(0)

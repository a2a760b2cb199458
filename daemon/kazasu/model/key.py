"""The keys of a keypad."""

from __future__ import annotations

import enum
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class Key(enum.Enum):
    """What a key means; its `repr` and `str` do not tell one digit from another (rule 7)."""

    DIGIT_0 = "0"
    DIGIT_1 = "1"
    DIGIT_2 = "2"
    DIGIT_3 = "3"
    DIGIT_4 = "4"
    DIGIT_5 = "5"
    DIGIT_6 = "6"
    DIGIT_7 = "7"
    DIGIT_8 = "8"
    DIGIT_9 = "9"
    ENTER = "enter"
    BACKSPACE = "backspace"
    CANCEL = "cancel"

    def __repr__(self) -> str:
        """A digit is a part of somebody's PIN."""
        return "Key(digit)" if self.is_digit else f"Key({self.value})"

    __str__ = __repr__

    @property
    def is_digit(self) -> bool:
        """Whether it adds to the PIN."""
        return len(self.value) == 1


BY_LABEL: Mapping[str, Key] = MappingProxyType(
    {key.value: key for key in Key if key.is_digit} | {"#": Key.ENTER, "*": Key.BACKSPACE, "C": Key.CANCEL}
)
"""What the labels of a matrix keypad mean; A, B and D mean nothing."""

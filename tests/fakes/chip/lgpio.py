"""The part of the `lgpio` module that gpiozero uses, over a chip that only remembers.

A program that is started with this directory on its path finds it instead of the real one. A line that is claimed as
an output takes its level in the same step, as with the kernel; `driven` is each level that an output ever had, and
`watched` are the lines whose edges somebody is told of now.
Source: lgpio's reference, "gpio_claim_output", "gpio_write", "gpio_get_mode".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

RISING_EDGE, FALLING_EDGE, BOTH_EDGES = 1, 2, 3
SET_PULL_UP, SET_PULL_DOWN, SET_PULL_NONE = 32, 64, 128
_IS_OUTPUT = 2

driven: list[tuple[int, int]] = []
watched: set[int] = set()
_outputs: set[int] = set()


class error(Exception):  # noqa: N801  (lgpio's own name)
    """What the real module raises; derives from Exception itself there too."""


class callback:  # noqa: N801  (lgpio's own name)
    """A watch on a line; nothing ever happens on this chip."""

    def __init__(self, handle: int, gpio: int, edge: int, func: Callable[[int, int, int, int], None]) -> None:
        self._gpio = gpio
        watched.add(gpio)

    def cancel(self) -> None:
        watched.discard(self._gpio)


def gpiochip_open(chip: int) -> int:
    return chip


def gpiochip_close(handle: int) -> None:
    _outputs.clear()


def gpio_claim_input(handle: int, gpio: int, flags: int = 0) -> None:
    _outputs.discard(gpio)


def gpio_claim_output(handle: int, gpio: int, level: int = 0, flags: int = 0) -> None:
    _outputs.add(gpio)
    driven.append((gpio, level))


def gpio_claim_alert(handle: int, gpio: int, edges: int, flags: int = 0) -> None:
    _outputs.discard(gpio)


def gpio_free(handle: int, gpio: int) -> None:
    _outputs.discard(gpio)


def gpio_get_mode(handle: int, gpio: int) -> int:
    return _IS_OUTPUT if gpio in _outputs else 0


def gpio_set_debounce_micros(handle: int, gpio: int, micros: int) -> None:
    pass


def gpio_read(handle: int, gpio: int) -> int:
    return 1


def gpio_write(handle: int, gpio: int, level: int) -> None:
    if gpio not in _outputs:
        raise error("GPIO not allocated")
    driven.append((gpio, int(level)))

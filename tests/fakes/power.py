"""Power that fails at one step of a program that changes files."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_STEPS: Final = {"os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.chmod"}
_WRITING: Final = os.O_WRONLY | os.O_RDWR
_left: list[int] = []


class PowerFailed(BaseException):
    """Nothing more happens; nobody catches it."""


@contextlib.contextmanager
def power_for(steps: int) -> Iterator[None]:
    """Let the power fail after so many steps that change a file: writing, moving, removing, making a folder."""
    _left.append(steps)
    try:
        with contextlib.suppress(PowerFailed):
            yield
    finally:
        _left.clear()


def _step(event: str, given: tuple[Any, ...]) -> None:
    if _left and (event in _STEPS or (event == "open" and given[2] & _WRITING)):
        _left[0] -= 1
        if _left[0] < 0:
            raise PowerFailed


sys.addaudithook(_step)

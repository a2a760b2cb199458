"""Several things of one's own that are put up together, in order, and taken down in reverse."""

from __future__ import annotations

import abc
from contextlib import ExitStack
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from types import TracebackType


class Scene(abc.ABC):
    """Stands while its context is entered; what cannot be put up whole is taken down at once."""

    def __init__(self) -> None:
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._build(stack)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stack.close()

    @abc.abstractmethod
    def _build(self, stack: ExitStack) -> None:
        """Put it up; the stack takes it down."""

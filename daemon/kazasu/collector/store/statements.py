"""How a statement reaches a database: what SQLite and PostgreSQL each do in their own way."""

from __future__ import annotations

import abc
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from contextlib import AbstractContextManager

Row: TypeAlias = tuple[Any, ...]


class Statements(abc.ABC):
    """Statements in SQL that both understand.

    A `?` stands for a value in every statement; `lock` is what a SELECT of rows that are to change ends in.
    """

    lock = ""

    @abc.abstractmethod
    def transaction(self) -> AbstractContextManager[None]:
        """All or nothing; durable at its end.

        Raises:
            StoreUnavailable: nothing was changed.
        """

    @abc.abstractmethod
    def reading(self) -> AbstractContextManager[None]:
        """One SELECT, which takes no lock.

        Raises:
            StoreUnavailable: it cannot be read now.
        """

    @abc.abstractmethod
    def rows(self, statement: str, values: Sequence[Any] = ()) -> list[Row]:
        """Run a SELECT."""

    @abc.abstractmethod
    def change(self, statement: str, values: Sequence[Any] = ()) -> int:
        """Run anything else; returns how many rows it changed."""

    @abc.abstractmethod
    def insert(self, table: str, columns: str, rows: Sequence[Row]) -> None:
        """Insert many new rows."""

    @abc.abstractmethod
    def stream(self, statement: str, values: Sequence[Any]) -> Iterator[Row]:
        """Run a SELECT with more rows than memory should hold."""

    @abc.abstractmethod
    def close(self) -> None:
        """See EventStore."""

"""What the configuration says of people without a card."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import msgspec

from kazasu.model.setting import Duration, within
from kazasu.model.table import Name, ReaderName, Table

if TYPE_CHECKING:
    from collections.abc import Sequence


class DayCards(Table, frozen=True, kw_only=True):
    """[day_cards]."""

    cards: Annotated[
        str,
        msgspec.Meta(
            pattern=r"^[^*?\[\]]+\*?\Z",
            description='the number of a card in the roster, or how all of them begin: "day-*"',
        ),
    ]


class Vouching(Table, frozen=True, kw_only=True):
    """[vouching]."""

    levels: Annotated[tuple[Name, ...], msgspec.Meta(min_length=1, description="names of access levels, one or more")]
    within: Duration = Duration(30)

    def __post_init__(self) -> None:
        within(self.within, "within", 5, 300)


Tries = Annotated[int, msgspec.Meta(ge=1, le=1000, description="a number of tries, 1 to 1000")]


class Codes(Table, frozen=True, kw_only=True):
    """[codes]."""

    reader: ReaderName | None = None
    tries_per_person: Tries = 5
    tries_per_terminal: Tries = 20
    within: Duration = Duration(1800)
    timeout: Duration = Duration(15)

    def __post_init__(self) -> None:
        within(self.within, "within", 60, 86400)
        within(self.timeout, "timeout", 5, 60)
        if self.tries_per_person > self.tries_per_terminal:
            raise ValueError("`tries_per_person` is more than `tries_per_terminal`")

    def check_reader(self, readers: Sequence[str]) -> None:
        """Check that there is a reader at which an entry counts.

        Raises:
            ValueError: there is not, or nobody can say which.
        """
        if self.reader is None and len(readers) > 1:
            raise ValueError(f"[codes] has to say at which `reader` an entry counts; there are: {', '.join(readers)}")
        if self.reader is not None and self.reader not in readers:
            raise ValueError(f"codes.reader: {self.reader} is no reader; there are: {', '.join(readers)}")

    def at_reader(self, readers: Sequence[str]) -> str:
        """The name of the reader at which an entry counts."""
        return readers[0] if self.reader is None else self.reader

"""What the configuration says of people without a card."""

from __future__ import annotations

from typing import Annotated

import msgspec

from kazasu.model.setting import Duration, within
from kazasu.model.table import Name, Table


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

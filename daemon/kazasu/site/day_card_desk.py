"""Day cards at the desk: lent and taken back in the book, and published alone.

What is published is the roster that was published last, with other day cards in it: what else somebody has begun to
change in the desk's files waits for `kazasu site publish`, where it is looked at first.
"""

from __future__ import annotations

import heapq
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from kazasu.errors import RosterError
from kazasu.model.roster_text import DAY_CARD, PERSON, key_of
from kazasu.site.day_cards import day_card_in
from kazasu.site.published_text import lines_in_file, sha256_of
from kazasu.site.roster_change import compare
from kazasu.site.roster_draft import Draft

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from datetime import datetime

    from kazasu.model.day_card import Loan
    from kazasu.site.published import Published
    from kazasu.site.roster import RosterDesk


class DayCardDesk:
    """Lends day cards, and takes them back.

    Args:
        desk: publishes the drafts that come of it, and holds the book.
    """

    def __init__(self, desk: RosterDesk) -> None:
        self._desk = desk
        self._last = desk.folder / "published.txt"

    def at_terminals(self) -> dict[str, Loan | None]:
        """The cards that the site lends, and to whom, as the roster says that was published last."""
        return dict(day_card_in(line) for line in lines_in_file(self._last) if line.startswith(DAY_CARD + b"\t"))

    def lend(self, card: str, loan: Loan, now: datetime) -> None:
        """Write into the book that a card is lent; publishing a draft makes it so.

        Raises:
            RosterError: there is no such card or person, it cannot be lent, or that cannot be published; nothing was
                changed.
        """
        self._expect_as_published()
        self._desk.book.issue(card, loan, now, self._numbers_among({card, loan.cardholder}))

    def take_back(self, card: str, now: datetime) -> None:
        """Write into the book that a card is back; publishing a draft makes it so.

        Raises:
            RosterError: it is not lent, in the book or at the terminals, or that cannot be published; nothing was
                changed.
        """
        self._expect_as_published()
        if not self._desk.book.take_back(card, now) and self.at_terminals().get(card) is None:
            raise RosterError(f"{card} is not lent")

    @contextmanager
    def drafted(self, now: datetime) -> Iterator[Draft]:
        """Make a roster in which nothing but the day cards differs from the last one.

        Args:
            now: what the book says then.

        Raises:
            RosterError: there is no last one to go on from, or the book cannot be used.
        """
        published = self._expect_as_published()
        book = self._desk.book
        with tempfile.TemporaryDirectory(prefix=".draft-", dir=self._desk.folder) as name:
            text = Path(name) / "roster.txt"
            day_cards, not_lent = book.roster_lines(lines_in_file(self._last), now)
            before = [line for line in lines_in_file(self._last) if line.startswith(DAY_CARD + b"\t")]
            others = (line for line in lines_in_file(self._last) if not line.startswith(DAY_CARD + b"\t"))
            lines = heapq.merge(others, day_cards, key=key_of)
            with text.open("wb") as file:
                file.writelines(lines)
            yield Draft(
                text=text,
                people=published.people,
                credentials=published.credentials,
                codes=published.codes,
                sha256=sha256_of(text),
                size_bytes=text.stat().st_size,
                change=compare(before, day_cards, book.zone),
                codes_left_out=(),
                not_lent=not_lent,
                revoked=published.revoked,
            )

    def _expect_as_published(self) -> Published:
        """Return what was published last, if the desk has all of that and nothing but a new roster can follow it."""
        published = self._desk.published
        if published.full is None:
            raise RosterError("no roster was published yet: `kazasu site publish` comes first")
        if not self._last.exists() or sha256_of(self._last) != published.sha256:
            raise RosterError(
                f"{self._last} is not the roster that was published last: `kazasu site publish` writes it anew"
            )
        if published.pepper != self._desk.layer:
            raise RosterError(
                "the roster's files are under another layer of the pepper: `kazasu site publish` comes first"
            )
        return published

    def _numbers_among(self, wanted: Collection[str]) -> set[str]:
        """Which of these are numbers in the roster that was published last."""
        people = (line for line in lines_in_file(self._last) if line.startswith(PERSON + b"\t"))
        return {number for number in (line.split(b"\t", 2)[1].decode() for line in people) if number in wanted}

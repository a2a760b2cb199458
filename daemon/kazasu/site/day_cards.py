"""roster/day_cards.csv: which cards of the site's pool are lent, to whom and until when, at every terminal.

    day_card,cardholder,until
    day-07,1002,2026-11-30T00:00:00+09:00

`kazasu site day-card` writes it, and people may: cards stand in it under their numbers in people.csv, `until` is a time
of the site's zone, or a day that counts to its end. Once that is over the line counts no longer, and goes when the file
is written next.
"""

from __future__ import annotations

import csv
import io
import re
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from kazasu.errors import RosterError
from kazasu.model.day_card import MAX_POOL, Loan, in_pool, loan_of, midnight_after
from kazasu.model.roster_text import PERSON, day_card_line
from kazasu.site.directory import replace_file
from kazasu.store.roster_csv import cardholder_problems, text_lines

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Mapping
    from datetime import tzinfo
    from pathlib import Path

LONGEST = timedelta(days=31)
"""Whoever needs a card for longer gets one of their own."""

_COLUMNS = ("day_card", "cardholder", "until")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_SHOWN = 40


class DayCardBook:
    """The desk's book of lent cards.

    Args:
        path: the file; a missing one: none is lent.
        pool: which numbers in people.csv are cards of the pool, such as `day-*`; None: the site lends none.
        zone: the site's.

    Attributes:
        zone: the same.
    """

    def __init__(self, path: Path, pool: str | None, zone: tzinfo) -> None:
        self._path = path
        self._pool = pool
        self.zone = zone

    @property
    def pool(self) -> str:
        """Which numbers in people.csv are cards of the pool.

        Raises:
            RosterError: nobody said.
        """
        if self._pool is None:
            raise RosterError(
                "site.toml does not say which numbers in people.csv are day cards, and no people: write [day_cards]"
                ' into it, and below that cards = "day-*"'
            )
        return self._pool

    def lent(self, now: datetime) -> dict[str, Loan]:
        """The cards that are lent now, by number.

        Raises:
            RosterError: what is wrong in every bad line.
        """
        lent: dict[str, Loan] = {}
        problems: list[str] = []
        for line, card, loan, wrong in self._lines(now):
            counts = loan.until > now
            problem = wrong or (counts and _twice(card, loan, lent))
            if problem:
                problems.append(f"{self._path}, line {line}: {problem}")
            elif counts:
                lent[card] = loan
        if problems:
            raise RosterError("\n".join(problems))
        return lent

    def issue(self, card: str, loan: Loan, now: datetime, known: Container[str]) -> None:
        """Lend a card; durable on return.

        Args:
            card: its number.
            loan: to whom, and until when.
            now: aware.
            known: numbers in the roster, these two among them if they are there.

        Raises:
            RosterError: it is no card of the pool, is somebody else's, the person has another, or the time is no good;
                nothing was changed.
        """
        wrong = self._wrong(card, loan, now)
        if not wrong and loan.until <= now:
            wrong = f"{loan.until:%Y-%m-%d %H:%M} is over already"
        for number in (card, loan.cardholder):
            if not wrong and number not in known:
                wrong = f"{number} is not in the roster that was published last"
        lent = self.lent(now)
        for other, theirs in lent.items():
            taken = other == card and theirs.cardholder != loan.cardholder
            if not wrong and (taken or (theirs.cardholder == loan.cardholder and other != card)):
                wrong = (
                    f"{other} is {theirs.cardholder}'s until {theirs.until:%Y-%m-%d %H:%M}: take it back first,"
                    f" `kazasu site day-card return {other}`"
                )
        if wrong:
            raise RosterError(f"{wrong}; nothing was changed")
        self._write(lent | {card: loan})

    def take_back(self, card: str, now: datetime) -> bool:
        """Take a card back; durable on return. Returns whether it was lent.

        Raises:
            RosterError: the file cannot be used.
        """
        lent = self.lent(now)
        if card not in lent:
            return False
        self._write({other: loan for other, loan in lent.items() if other != card})
        return True

    def drop_old(self, now: datetime) -> None:
        """Let lines whose time is over go.

        Raises:
            RosterError: the file cannot be used.
        """
        if any(loan.until <= now for _, _, loan, _ in self._lines(now)):
            self._write(self.lent(now))

    def roster_lines(self, people: Iterable[bytes], now: datetime) -> tuple[list[bytes], tuple[str, ...]]:
        """What a roster says of the pool: a line for each of its cards, lent or not.

        Args:
            people: lines of the roster, those of people among them.
            now: what is lent then.

        Returns:
            The lines, in order; and in words what of the book is left out of them.

        Raises:
            RosterError: the file cannot be used, or so many numbers are no pool.
        """
        lent = self.lent(now)
        if self._pool is None:
            return [], ()
        cards, holders, known = [], {loan.cardholder for loan in lent.values()}, set()
        for line in people:
            if not line.startswith(PERSON + b"\t"):
                continue
            number = line.split(b"\t", 2)[1].decode()
            if in_pool(number, self._pool):
                cards.append(number)
                if len(cards) > MAX_POOL:
                    raise RosterError(
                        f"site.toml, [day_cards]: more than {MAX_POOL} numbers in people.csv are like {self._pool}: are"
                        " these people?"
                    )
            elif number in holders:
                known.add(number)
        left_out = [f"{card} is not lent: it is not in people.csv" for card in sorted(lent.keys() - set(cards))]
        lines = []
        for card in cards:  # in the order of their bytes, as the roster's lines are
            loan = lent.get(card)
            if loan is not None and loan.cardholder not in known:
                left_out.append(f"{card} is not lent to {loan.cardholder}: {loan.cardholder} is not in people.csv")
                loan = None
            lines.append(day_card_line(card, loan and loan.cardholder, loan and int(loan.until.timestamp())))
        return lines, tuple(left_out)

    def until(self, text: str) -> datetime:
        """When a lending ends: at a time of the site's zone, or at the end of a day.

        Raises:
            ValueError: with words: it is neither.
        """
        try:
            if _DAY.fullmatch(text):
                day = date.fromisoformat(text)
                return midnight_after(datetime(day.year, day.month, day.day, tzinfo=self.zone))
            at = datetime.fromisoformat(text).replace(microsecond=0)
            return at.replace(tzinfo=self.zone) if at.tzinfo is None else at.astimezone(self.zone)
        except (ValueError, OverflowError):
            raise ValueError(
                f"{text[:_SHOWN]!r} is no time: write 2026-11-30, which counts to its end, or 2026-11-30T18:00"
            ) from None

    def _lines(self, now: datetime) -> Iterator[tuple[int, str, Loan, str]]:
        """Each line's number, card and lending, and what is wrong with it."""
        nobodys = Loan("", now)
        for line, text in self._texts():
            values = _values(text)
            if line == 1:
                if values != _COLUMNS:
                    raise RosterError(f"{self._path}, line 1: the header must be {','.join(_COLUMNS)}")
            elif line > MAX_POOL:
                raise RosterError(f"{self._path}: more than {MAX_POOL} lines: these are no day cards")
            elif not any(values):
                continue  # Excel leaves rows of commas where rows were emptied
            elif len(values) != len(_COLUMNS):
                yield line, "", nobodys, f"{len(values)} fields, and there have to be three: {','.join(_COLUMNS)}"
            else:
                card, cardholder, until = values
                try:
                    loan = Loan(cardholder, self.until(until))
                except ValueError as error:
                    yield line, card, nobodys, f"until: {error}"
                else:
                    yield line, card, loan, self._wrong(card, loan, now)

    def _texts(self) -> Iterator[tuple[int, str]]:
        try:
            if self._path.exists():
                yield from text_lines(self._path)
        except OSError as error:
            raise RosterError(f"{self._path} cannot be read: {error.strerror}") from error

    def _wrong(self, card: str, loan: Loan, now: datetime) -> str:
        """What is wrong with a lending by itself; empty if nothing is."""
        if not in_pool(card, self.pool):
            return f"{card[:_SHOWN]!r} is no day card: site.toml says {self.pool}"
        if in_pool(loan.cardholder, self.pool):
            return f"{loan.cardholder[:_SHOWN]!r} is a day card, and no person"
        wrong = cardholder_problems(loan.cardholder, "-")
        if not wrong and loan.until - now > LONGEST:
            return (
                f"until {loan.until:%Y-%m-%d} is more than {LONGEST.days} days from now: whoever needs a card for"
                " longer gets one of their own, in people.csv"
            )
        return "; ".join(wrong)

    def _write(self, lent: Mapping[str, Loan]) -> None:
        text = io.StringIO()
        rows = csv.writer(text, lineterminator="\n")
        rows.writerow(_COLUMNS)
        rows.writerows((card, loan.cardholder, loan.until.isoformat()) for card, loan in sorted(lent.items()))
        replace_file(self._path, text.getvalue().encode(), 0o644)


def day_card_in(line: bytes) -> tuple[str, Loan | None]:
    """What a line of a roster says of a card of the pool."""
    _, card, number, until_s = line.decode().rstrip("\n").split("\t")
    return card, loan_of(number, int(until_s)) if until_s else None


def _values(line: str) -> tuple[str, ...]:
    try:
        return tuple(value.strip() for value in next(csv.reader([line], strict=True), []))
    except csv.Error:
        return (line,)


def _twice(card: str, loan: Loan, lent: Mapping[str, Loan]) -> str:
    """Two people cannot have one card, nor one person two."""
    if card in lent:
        return f"{card} is {lent[card].cardholder}'s in a line above"
    other = next((other for other, theirs in lent.items() if theirs.cardholder == loan.cardholder), None)
    return "" if other is None else f"{loan.cardholder} has {other} in a line above"

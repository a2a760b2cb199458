"""The desk's book of day cards, which people may write by hand, too."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest

from kazasu.errors import RosterError
from kazasu.model.day_card import MAX_POOL, Loan
from kazasu.model.roster_text import person_line
from kazasu.site.day_cards import LONGEST, DayCardBook

if TYPE_CHECKING:
    from pathlib import Path

TOKYO = ZoneInfo("Asia/Tokyo")
NOW = datetime(2026, 11, 29, 10, tzinfo=TOKYO)
MIDNIGHT = datetime(2026, 11, 30, tzinfo=TOKYO)
KNOWN = frozenset({"day-07", "day-08", "1001", "1002", "Yamada, T."})
HEADER = "day_card,cardholder,until\n"
OWN = "whoever needs a card for longer gets one of their own, in people.csv"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "day_cards.csv"


@pytest.fixture
def book(path: Path) -> DayCardBook:
    return DayCardBook(path, "day-*", TOKYO)


def test_what_is_lent_is_written_as_people_can_read_it_and_read_back(book: DayCardBook, path: Path) -> None:
    assert book.lent(NOW) == {}
    book.issue("day-08", Loan("Yamada, T.", MIDNIGHT), NOW, KNOWN)
    book.issue("day-07", Loan("1002", MIDNIGHT), NOW, KNOWN)
    assert path.read_text() == (
        f'{HEADER}day-07,1002,2026-11-30T00:00:00+09:00\nday-08,"Yamada, T.",2026-11-30T00:00:00+09:00\n'
    )
    assert book.lent(NOW) == {"day-07": Loan("1002", MIDNIGHT), "day-08": Loan("Yamada, T.", MIDNIGHT)}
    assert book.take_back("day-08", NOW)
    assert not book.take_back("day-08", NOW)
    assert set(book.lent(NOW)) == {"day-07"}


@pytest.mark.parametrize(
    ("written", "until"),
    [
        ("2026-11-29", MIDNIGHT),
        ("2026-11-29T18:00", datetime(2026, 11, 29, 18, tzinfo=TOKYO)),
        ("2026-11-29 18:00:30.5", datetime(2026, 11, 29, 18, 0, 30, tzinfo=TOKYO)),
        ("2026-11-29T12:00Z", datetime(2026, 11, 29, 12, tzinfo=UTC)),
    ],
)
def test_an_end_is_a_day_or_a_time_of_the_sites_zone(
    book: DayCardBook, path: Path, written: str, until: datetime
) -> None:
    path.write_text(f"\ufeff{HEADER}\r\n,,\r\n day-07 , 1002 ,{written}\r\n")
    assert book.lent(NOW) == {"day-07": Loan("1002", until)}


def test_every_bad_line_is_said_with_its_number(book: DayCardBook, path: Path) -> None:
    path.write_text(
        HEADER
        + "day-07,1002,2026-11-29\n"
        + "day-07,1001,2026-11-29\n"
        + "day-08,1002,2026-11-29\n"
        + "1001,1003,2026-11-29\n"
        + "day-09,day-10,2026-11-29\n"
        + "day-11,,2026-11-29\n"
        + "day-12,1004,tomorrow\n"
        + "day-13,1005\n"
        + 'day-14,"1006,2026-11-29\n'
        + "day-15,1007,2027-11-29\n"
        + "day-16,1008,9999-12-31\n"
    )
    with pytest.raises(RosterError) as error:
        book.lent(NOW)
    said = [line.removeprefix(f"{path}, ") for line in str(error.value).splitlines()]
    assert said == [
        "line 3: day-07 is 1002's in a line above",
        "line 4: 1002 has day-07 in a line above",
        "line 5: '1001' is no day card: site.toml says day-*",
        "line 6: 'day-10' is a day card, and no person",
        "line 7: cardholder: must not be empty",
        "line 8: until: 'tomorrow' is no time: write 2026-11-30, which counts to its end, or 2026-11-30T18:00",
        "line 9: 2 fields, and there have to be three: day_card,cardholder,until",
        "line 10: 1 fields, and there have to be three: day_card,cardholder,until",
        f"line 11: until 2027-11-30 is more than 31 days from now: {OWN}",
        "line 12: until: '9999-12-31' is no time: write 2026-11-30, which counts to its end, or 2026-11-30T18:00",
    ]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"card,cardholder,until\n", "line 1: the header must be day_card,cardholder,until"),
        (HEADER.encode() + b"day-07,\xff,2026-11-29\n", "line 2: the file is not UTF-8"),
        (HEADER.encode() + b"day-07,1002,2026-11-29\n" * 10_001, "more than 10000 lines"),
    ],
)
def test_what_is_no_book_is_said(book: DayCardBook, path: Path, content: bytes, words: str) -> None:
    path.write_bytes(content)
    with pytest.raises(RosterError, match=words):
        book.lent(NOW)


def test_what_cannot_be_read_is_said(book: DayCardBook, path: Path) -> None:
    path.mkdir()
    with pytest.raises(RosterError, match="cannot be read: Is a directory"):
        book.lent(NOW)


def test_a_line_whose_time_is_over_is_in_nobodys_way_and_goes(book: DayCardBook, path: Path) -> None:
    path.write_text(f"{HEADER}day-07,1001,2026-11-28\nday-07,1002,2026-11-29\nday-08,1002,2026-11-29T09:00\n")
    assert book.lent(NOW) == {"day-07": Loan("1002", MIDNIGHT)}
    book.drop_old(NOW)
    assert path.read_text() == f"{HEADER}day-07,1002,2026-11-30T00:00:00+09:00\n"
    path.chmod(0o444)
    inode = path.stat().st_ino
    book.drop_old(NOW)
    assert path.stat().st_ino == inode, "nothing was over, nothing is written"


@pytest.mark.parametrize(
    ("card", "loan", "words"),
    [
        ("1001", Loan("1002", MIDNIGHT), "'1001' is no day card"),
        ("day-07", Loan("day-08", MIDNIGHT), "'day-08' is a day card"),
        ("day-09", Loan("1002", MIDNIGHT), "day-09 is not in the roster"),
        ("day-07", Loan("1009", MIDNIGHT), "1009 is not in the roster"),
        ("day-07", Loan("1002", NOW), "2026-11-29 10:00 is over already"),
        ("day-07", Loan("1002", NOW + LONGEST + timedelta(seconds=1)), "more than 31 days"),
        ("day-08", Loan("1002", MIDNIGHT), "day-08 is 1001's until 2026-11-30 00:00: take it back first"),
        ("day-07", Loan("1001", MIDNIGHT), "day-08 is 1001's until 2026-11-30 00:00: take it back first"),
    ],
)
def test_what_cannot_be_lent_is_said_and_changes_nothing(
    book: DayCardBook, path: Path, card: str, loan: Loan, words: str
) -> None:
    book.issue("day-08", Loan("1001", MIDNIGHT), NOW, KNOWN)
    before = path.read_bytes()
    with pytest.raises(RosterError, match=f"{words}.*; nothing was changed"):
        book.issue(card, loan, NOW, KNOWN)
    assert path.read_bytes() == before


def test_the_same_once_more_and_for_longer_is_one_lending(book: DayCardBook) -> None:
    for until in (MIDNIGHT, MIDNIGHT + timedelta(days=1)):
        book.issue("day-07", Loan("1002", until), NOW, KNOWN)
        assert book.lent(NOW) == {"day-07": Loan("1002", until)}


def test_a_site_without_a_pool_lends_nothing_and_says_how_to_have_one(path: Path) -> None:
    book = DayCardBook(path, None, TOKYO)
    assert book.lent(NOW) == {}
    assert book.roster_lines([b"person\tday-07\tA\t\n"], NOW) == ([], ())
    with pytest.raises(RosterError, match=r"write \[day_cards\] into it"):
        book.issue("day-07", Loan("1002", MIDNIGHT), NOW, KNOWN)
    path.write_text(f"{HEADER}day-07,1002,2026-11-29\n")
    with pytest.raises(RosterError, match=r"write \[day_cards\] into it"):
        book.roster_lines([], NOW)


def test_a_pool_of_people_is_none(book: DayCardBook) -> None:
    people = [person_line(f"day-{number}", "A", "") for number in range(MAX_POOL)]
    lines, _ = book.roster_lines(people, NOW)
    assert len(lines) == MAX_POOL
    with pytest.raises(
        RosterError, match=r"more than 10000 numbers in people\.csv are like day-\*: are these people\?"
    ):
        book.roster_lines([*people, person_line("day-x", "A", "")], NOW)

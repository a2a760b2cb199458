"""A roster made of lines, beside the one that is looked up."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from fakes.roster import person
from kazasu.errors import RosterError, RosterRefused
from kazasu.model.access import Cardholder
from kazasu.model.day_card import MAX_POOL, Loan, PoolCard
from kazasu.model.roster_manifest import Manifest, Offer
from kazasu.model.roster_text import card_line, day_card_line, person_line
from kazasu.store.roster import Roster
from kazasu.store.roster_file import enroll
from kazasu.store.roster_lines import NewRoster, lines_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FULL = Offer(kind="full", version=1, parts=1, size_bytes=1, index=("0" * 64,))
MANIFEST = Manifest(
    site="s", aud="all", version=5, made_s=7, expires_s=9, pepper="5" * 16, people=1, credentials=1, codes=0,
    sha256="0" * 64, size_bytes=1, full=FULL, digest="1" * 64, revoked=("c" * 32,),
)  # fmt: skip


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of half a megabyte."""
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", disk], check=True)
    yield disk
    subprocess.run(["umount", disk], check=True)


def test_it_takes_the_place_of_the_old_one_with_what_the_manifest_says(tmp_path: Path) -> None:
    enroll(tmp_path / "roster.db", person("9", "9" * 32))
    roster = Roster(tmp_path / "roster.db")
    new = NewRoster(tmp_path / "new.db")
    lines = [
        card_line(b"a" * 16, "1", 2, None, 5),
        card_line(b"\xcc" * 16, "1", 2, None, None),
        person_line("1", "A", "it staff"),
    ]
    new.add(lines)
    assert roster.look_up("9" * 32) is not None
    new.take_place_of(tmp_path / "roster.db", MANIFEST)
    new.close()

    assert roster.look_up("9" * 32) is None
    assert roster.look_up("c" * 32) is None
    found = roster.look_up((b"a" * 16).hex())
    assert found is not None
    assert (found.cardholder.levels, found.credential.valid_until_s) == (("it", "staff"), 5)
    assert (roster.version, roster.made_s) == (5, 7)
    assert list(lines_of(tmp_path / "roster.db")) == lines
    assert {path.name for path in tmp_path.iterdir()} == {"roster.db"}


@pytest.mark.parametrize(
    "lines",
    [
        [person_line("2", "B", ""), person_line("1", "A", "")],
        [person_line("1", "A", ""), person_line("1", "B", "")],
        [person_line("1", "A", ""), card_line(b"a" * 16, "1", 2, None, None)],
        [b"person\t1\tA\n"],
        [b"card\t1\t1\tserial\t\t\n"],
        [b"code\t" + b"a" * 32 + b"\t1\t00\t00\t\n"],
        [b"day_card\tday-07\t1\t\n"],
        [b"day_card\tday-07\t\t9\n"],
        [b"day_card\tday-07\t1\t-9\n"],
        [b"day_card\tday-07\t1\t253402300800\n"],
        [b"day_card\t\t\t\n"],
        [b"anything\n"],
    ],
)
def test_lines_that_are_no_roster_are_refused(tmp_path: Path, lines: list[bytes]) -> None:
    new = NewRoster(tmp_path / "new.db")
    with pytest.raises(RosterRefused):
        new.add(lines)
    new.close()
    assert list(tmp_path.iterdir()) == []


def test_what_the_site_lends_is_looked_up_with_the_card_and_told_as_lines_again(tmp_path: Path) -> None:
    lines = [
        *(card_line(bytes([number]) * 16, f"day-{number}", 1, None, None) for number in range(1, 5)),
        card_line(b"\xaa" * 16, "1", 1, None, None),
        day_card_line("day-1", None, None),
        day_card_line("day-2", "1", 1_800_000_000),
        day_card_line("day-3", "9", 1_800_000_000),
        person_line("1", "A", "staff"),
        *(person_line(f"day-{number}", "Day card", "") for number in range(1, 5)),
    ]
    new = NewRoster(tmp_path / "new.db")
    new.add(lines)
    new.take_place_of(tmp_path / "roster.db", MANIFEST)
    new.close()
    roster = Roster(tmp_path / "roster.db")
    until = datetime.fromtimestamp(1_800_000_000, UTC)
    holder = Cardholder(number="1", name="A", levels=("staff",))
    found = [roster.look_up(f"{number:02x}" * 16) for number in range(1, 5)]
    assert [each and each.cardholder.number for each in found] == ["day-1", "day-2", "day-3", "day-4"]
    assert [each and each.pool_card for each in found] == [
        PoolCard(),
        PoolCard(Loan("1", until), holder),
        PoolCard(Loan("9", until)),
        None,
    ]
    assert roster.pool() == {"day-1": None, "day-2": Loan("1", until), "day-3": Loan("9", until)}
    roster.close()
    assert list(lines_of(tmp_path / "roster.db")) == lines


def test_more_day_cards_than_a_terminal_lists_are_refused(tmp_path: Path) -> None:
    new = NewRoster(tmp_path / "new.db")
    new.add([day_card_line(f"{number:06}", None, None) for number in range(MAX_POOL)])
    with pytest.raises(RosterRefused, match="more than 10000 day cards"):
        new.add([day_card_line(f"{MAX_POOL:06}", None, None)])
    new.close()


def fill(new: NewRoster) -> None:
    for start in range(0, 100_000, 1000):
        new.add([person_line(f"{number:09}", "A" * 50, "") for number in range(start, start + 1000)])


def test_a_disk_that_fills_up_leaves_the_old_one_and_nothing_else(small_disk: Path) -> None:
    enroll(small_disk / "roster.db", person("9", "9" * 32))
    new = NewRoster(small_disk / "new.db")
    with pytest.raises(RosterError, match="cannot be made"):
        fill(new)
    new.close()
    assert {path.name for path in small_disk.iterdir()} == {"roster.db"}
    roster = Roster(small_disk / "roster.db")
    assert roster.look_up("9" * 32) is not None
    roster.close()
    enroll(small_disk / "roster.db", person("8", "8" * 32))  # there is room again

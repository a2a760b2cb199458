from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

import pytest

from fakes.roster import person
from kazasu.errors import RosterError
from kazasu.store.roster import Roster
from kazasu.store.roster_file import enroll

if TYPE_CHECKING:
    from pathlib import Path


def test_a_roster_put_in_place_of_another_is_seen_by_the_next_look_up(tmp_path: Path) -> None:
    path, other = tmp_path / "roster.db", tmp_path / "other.db"
    enroll(path, person("1", "a" * 32))
    roster = Roster(path)
    assert roster.look_up("a" * 32) is not None
    enroll(other, person("2", "b" * 32))
    enroll(other, person("3", "c" * 32))

    other.replace(path)

    assert roster.look_up("a" * 32) is None
    assert roster.look_up("b" * 32) == person("2", "b" * 32)
    assert roster.version == 2
    path.unlink()
    assert roster.look_up("b" * 32) is None
    assert roster.version == 0
    roster.close()


def test_an_enrolment_that_lost_its_power_is_undone_by_who_looks_next(tmp_path: Path) -> None:
    path, crashed = tmp_path / "roster.db", tmp_path / "crashed.db"
    enroll(path, person("1", "a" * 32))
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA cache_size = 1")
    connection.execute("PRAGMA synchronous = OFF")
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("DELETE FROM credential")
    connection.executemany(
        "INSERT INTO cardholder (number, name) VALUES (?, ?)", ((str(number), "x" * 500) for number in range(10, 2000))
    )
    for suffix in ("", "-journal"):  # as it lies on the disk, in the middle of the change
        content = path.with_name(path.name + suffix).read_bytes()
        crashed.with_name(crashed.name + suffix).write_bytes(content)
    connection.close()
    assert crashed.stat().st_size > 100_000

    roster = Roster(crashed)

    assert roster.look_up("a" * 32) == person("1", "a" * 32)
    assert roster.version == 1
    assert not crashed.with_name("crashed.db-journal").exists()
    roster.close()


@pytest.mark.parametrize("content", [b"no database at all" * 1000, b""])
def test_what_is_no_roster_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "roster.db").write_bytes(content)

    with pytest.raises(RosterError, match="move it away"):
        Roster(tmp_path / "roster.db")


def test_the_daemon_changes_nothing_in_it(tmp_path: Path) -> None:
    path = tmp_path / "roster.db"
    enroll(path, person("1", "a" * 32))
    roster = Roster(path)
    assert roster._connection is not None

    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        roster._connection.execute("DELETE FROM credential")
    roster.close()


def test_a_look_up_is_a_search_by_key_in_each_table(tmp_path: Path) -> None:
    """Constant time, by the plan and not by the clock."""
    from kazasu.store.roster import _LOOK_UP

    path = tmp_path / "roster.db"
    enroll(path, person("1", "a" * 32))
    connection = sqlite3.connect(path)
    plan = [row[3] for row in connection.execute("EXPLAIN QUERY PLAN " + _LOOK_UP, (b"",))]
    connection.close()

    assert plan == [
        "SEARCH roster USING INTEGER PRIMARY KEY (rowid=?)",
        "SEARCH credential USING PRIMARY KEY (pseudonym=?) LEFT-JOIN",
        "SCALAR SUBQUERY 1",
        "SEARCH revoked USING PRIMARY KEY (pseudonym=?)",
        "SEARCH cardholder USING PRIMARY KEY (number=?) LEFT-JOIN",
    ]

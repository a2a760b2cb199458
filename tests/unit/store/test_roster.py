from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

import pytest

from fakes.roster import person
from kazasu.errors import RosterError
from kazasu.model.pepper import Pepper
from kazasu.store.roster import Roster, _statements
from kazasu.store.roster_file import enroll
from kazasu.store.roster_vouched import revoke

if TYPE_CHECKING:
    from pathlib import Path


PEPPER = Pepper([bytes([number]) * 32 for number in (1, 2, 3)])
FIRST, SECOND, THIRD = PEPPER.ids
CARD = "a" * 32


def layered(path: Path, layer: str | None, known_as: str) -> Roster:
    """A roster under a layer, in which one card stands."""
    enroll(path, person("1", known_as), layer)
    return Roster(path, PEPPER)


@pytest.mark.parametrize(("layer", "place"), [(None, 0), (FIRST, 0), (SECOND, 1), (THIRD, 2)])
def test_a_card_is_found_under_the_layer_that_the_roster_names(tmp_path: Path, layer: str | None, place: int) -> None:
    known_as = PEPPER.forms(CARD)[place]
    roster = layered(tmp_path / "roster.db", layer, known_as)

    assert roster.look_up(CARD) == person("1", known_as)
    assert roster.known_as(CARD) == known_as
    assert roster.look_up(PEPPER.forms(CARD)[1]) is None
    assert roster.layer == (layer or FIRST)
    roster.close()


def test_without_a_roster_a_card_is_known_as_the_next_one_will_call_it(tmp_path: Path) -> None:
    roster = Roster(tmp_path / "roster.db", PEPPER)
    assert roster.look_up(CARD) is None
    assert roster.known_as(CARD) == PEPPER.forms(CARD)[2]


def test_a_roster_of_another_layer_that_takes_its_place_knows_the_same_card(tmp_path: Path) -> None:
    roster = layered(tmp_path / "roster.db", SECOND, PEPPER.forms(CARD)[1])
    assert roster.look_up(CARD) is not None
    layered(tmp_path / "other.db", FIRST, CARD).close()
    (tmp_path / "other.db").replace(tmp_path / "roster.db")

    assert roster.look_up(CARD) == person("1", CARD)
    assert roster.known_as(CARD) == CARD
    roster.close()


@pytest.mark.rule(8)
def test_a_card_is_revoked_under_any_layer(tmp_path: Path) -> None:
    for place in range(3):
        path = tmp_path / f"{place}.db"
        roster = layered(path, SECOND, PEPPER.forms(CARD)[1])
        revoke(path, [PEPPER.forms(CARD)[place]])
        assert roster.look_up(CARD) is None
        assert roster.is_revoked(CARD)
        assert not roster.is_revoked("b" * 32)
        roster.close()


def test_a_roster_under_a_layer_that_is_not_held_knows_nobody_and_says_why(tmp_path: Path) -> None:
    roster = layered(tmp_path / "roster.db", "0" * 16, CARD)
    with pytest.raises(RosterError, match=r"under the layer 0{16} .* kazasu renew"):
        roster.look_up(CARD)
    assert roster.version == 1
    roster.close()


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
    path = tmp_path / "roster.db"
    enroll(path, person("1", "a" * 32))
    connection = sqlite3.connect(path)
    look_up, *_ = _statements(PEPPER)
    plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {look_up}", (b"", b"", b""))]
    connection.close()

    assert plan == [
        "SEARCH roster USING INTEGER PRIMARY KEY (rowid=?)",
        "SEARCH credential USING PRIMARY KEY (pseudonym=?) LEFT-JOIN",
        "SCALAR SUBQUERY 1",
        "SEARCH revoked USING PRIMARY KEY (pseudonym=?)",
        "SEARCH person USING PRIMARY KEY (number=?) LEFT-JOIN",
        "SEARCH day_card USING PRIMARY KEY (number=?) LEFT-JOIN",
        "SEARCH holder USING PRIMARY KEY (number=?) LEFT-JOIN",
    ]

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

import pytest

from fakes.codes import kept, pseudonym
from fakes.roster import person
from kazasu.errors import RosterError
from kazasu.model.access import Cardholder
from kazasu.store.roster import Roster
from kazasu.store.roster_file import CodeTaken, enroll, locked_roster, remove, remove_code, renew, set_code

if TYPE_CHECKING:
    from pathlib import Path


def test_a_change_leaves_nothing_beside_the_file(tmp_path: Path) -> None:
    path = tmp_path / "roster.db"
    enroll(path, person("1", "a" * 32))
    enroll(path, person("2", "b" * 32))
    remove(path, "a" * 32)

    assert [entry.name for entry in tmp_path.iterdir()] == ["roster.db"]
    assert path.stat().st_mode & 0o777 == 0o600


def test_versions_rise_and_removing_takes_the_person_with_the_last_card(tmp_path: Path) -> None:
    path = tmp_path / "roster.db"
    versions = [enroll(path, person("1", digit * 32)) for digit in "ab"]
    versions += [remove(path, digit * 32) for digit in "ab"]

    assert versions == [1, 2, 3, 4]
    connection = sqlite3.connect(path)
    assert connection.execute("SELECT count(*) FROM cardholder").fetchone() == (0,)
    connection.close()


def test_removing_who_is_not_there_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "roster.db"
    with pytest.raises(RosterError, match="missing"):
        remove(path, "a" * 32)

    enroll(path, person("1", "a" * 32))
    with pytest.raises(RosterError, match="not enrolled"):
        remove(path, "b" * 32)
    with locked_roster(path) as version:
        assert version == 1


def test_two_changes_at_once_are_refused_and_look_ups_go_on(tmp_path: Path) -> None:
    path = tmp_path / "roster.db"
    enroll(path, person("1", "a" * 32))
    roster = Roster(path)

    with locked_roster(path) as version:
        assert version == 1
        assert roster.look_up("a" * 32) is not None
        with pytest.raises(RosterError, match="cannot be changed now"):
            enroll(path, person("2", "b" * 32))
    roster.close()


def test_a_directory_that_is_not_there_is_an_error_in_words(tmp_path: Path) -> None:
    with pytest.raises(RosterError, match="cannot be made"):
        enroll(tmp_path / "absent" / "roster.db", person("1", "a" * 32))


def test_a_broken_roster_is_named(tmp_path: Path) -> None:
    path = tmp_path / "roster.db"
    path.write_bytes(b"no database at all" * 1000)

    with pytest.raises(RosterError, match="move it away"):
        enroll(path, person("1", "a" * 32))


@pytest.mark.rule(6)
def test_nobody_is_enrolled_under_what_looks_like_a_my_number(tmp_path: Path) -> None:
    path = tmp_path / "roster.db"

    with pytest.raises(RosterError, match="My Number") as caught:
        enroll(path, person("1234 5678 9012", "a" * 32))

    assert "1234" not in str(caught.value)
    assert not path.exists()


def ends(path: Path, pseudonym: str) -> int | None:
    enrolment = Roster(path).look_up(pseudonym)
    assert enrolment is not None
    return enrolment.credential.valid_until_s


def test_a_renewal_ends_the_old_card_and_takes_up_the_new_one_at_once(tmp_path: Path) -> None:
    path = tmp_path / "roster.db"
    enroll(path, person("1", "a" * 32))
    enroll(path, person("2", "c" * 32))

    assert renew(path, person("1", "b" * 32), "a" * 32, 5000) == 3

    assert [ends(path, digit * 32) for digit in "abc"] == [5000, None, None]
    theirs = {each.credential.pseudonym for each in Roster(path).credentials_of("1")}
    assert theirs == {"a" * 32, "b" * 32}
    # A second renewal gives no card more time than it has.
    renew(path, person("1", "d" * 32), "a" * 32, 9000)
    assert ends(path, "a" * 32) == 5000


@pytest.mark.parametrize(
    ("new", "old", "said"),
    [
        (("1", "a"), "a", "the card a+ itself"),
        (("1", "b"), "c", "1 has no credential c"),  # another person's
        (("1", "b"), "d", "1 has no credential d"),
        (("123456789012", "b"), "a", "My Number"),
    ],
)
def test_a_renewal_that_cannot_be_changes_nothing(tmp_path: Path, new: tuple[str, str], old: str, said: str) -> None:
    path = tmp_path / "roster.db"
    enroll(path, person("1", "a" * 32))
    enroll(path, person("2", "c" * 32))
    before = path.read_bytes()

    with pytest.raises(RosterError, match=said):
        renew(path, person(new[0], new[1] * 32), old * 32, 5000)

    assert path.read_bytes() == before


def test_without_a_roster_there_is_nothing_to_renew(tmp_path: Path) -> None:
    with pytest.raises(RosterError, match="nobody is enrolled"):
        renew(tmp_path / "roster.db", person("1", "b" * 32), "a" * 32, 5000)


def test_levels_are_replaced_for_the_person_with_any_card(tmp_path: Path) -> None:
    path = tmp_path / "roster.db"
    enroll(path, person("1", "a" * 32, levels=("office",)))
    enroll(path, person("1", "b" * 32, levels=("vault", "it")))
    roster = Roster(path)

    found = [roster.look_up(digit * 32) for digit in "ab"]
    assert [each and each.cardholder.levels for each in found] == [("it", "vault")] * 2
    assert roster.find("1") == Cardholder(number="1", name="Person 1", levels=("it", "vault"))
    roster.close()


def test_a_level_that_could_not_be_told_from_two_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RosterError, match="no name of a level"):
        enroll(tmp_path / "roster.db", person("1", "a" * 32, levels=("it vault",)))


def test_a_person_has_one_code_and_a_new_one_takes_its_place(tmp_path: Path) -> None:
    path = tmp_path / "roster.db"
    versions = [enroll(path, person(number, number * 32)) for number in "12"]
    versions += [set_code(path, "1", pseudonym(code), kept(code, "5170")) for code in ("482913", "739146")]
    with pytest.raises(CodeTaken, match="somebody else has this code"):
        set_code(path, "2", pseudonym("739146"), kept("739146", "5170"))
    versions.append(set_code(path, "2", pseudonym("111222"), kept("111222", "5170", "8026")))
    roster = Roster(path)
    assert versions == [1, 2, 3, 4, 5]
    assert roster.codes() == (("1", False), ("2", True))
    assert roster.code_of(pseudonym("482913")) is None
    versions.append(remove_code(path, "1"))
    assert roster.codes() == (("2", True),)
    roster.close()
    with pytest.raises(RosterError, match="1 has no code"):
        remove_code(path, "1")


def test_nobody_has_a_code_who_is_not_in_the_roster(tmp_path: Path) -> None:
    path = tmp_path / "roster.db"
    with pytest.raises(RosterError, match="nobody is enrolled"):
        set_code(path, "9", pseudonym("482913"), kept("482913", "5170"))
    with pytest.raises(RosterError, match="nobody is enrolled"):
        remove_code(path, "9")
    enroll(path, person("1", "a" * 32))
    with pytest.raises(RosterError, match="9 is not in the roster"):
        set_code(path, "9", pseudonym("482913"), kept("482913", "5170"))


def test_who_has_a_code_stays_when_the_last_card_goes(tmp_path: Path) -> None:
    path = tmp_path / "roster.db"
    enroll(path, person("1", "a" * 32))
    set_code(path, "1", pseudonym("482913"), kept("482913", "5170"))
    remove(path, "a" * 32)
    roster = Roster(path)
    assert roster.find("1") is not None
    assert roster.code_of(pseudonym("482913")) is not None
    roster.close()

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING

import msgspec
import pytest

from fakes.roster_desk import RetainedPost, TestDesk
from kazasu.errors import ConfigurationError, RosterError
from kazasu.model.pepper import Pepper
from kazasu.model.roster_manifest import MAX_REVOKED, Offer
from kazasu.site.published import Published, read_published, write_published
from kazasu.site.roster_change import compare
from kazasu.store.keys import new_pepper

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def desk(tmp_path: Path) -> TestDesk:
    return TestDesk(tmp_path / "roster", "city-hall", RetainedPost())


def test_what_is_published_is_kept_as_toml_and_read_back(tmp_path: Path) -> None:
    full = Offer(kind="full", version=3, parts=2, size_bytes=90_000, index=("a" * 64,))
    delta = Offer(kind="delta", version=3, parts=1, size_bytes=900, index=("b" * 64,))
    for published in (
        Published(),
        Published(version=3, sha256="c" * 64, full=full, delta=delta, base=2, revoked=("d" * 32,), left=(full, delta)),
    ):
        write_published(tmp_path / "published.toml", published)
        assert read_published(tmp_path / "published.toml") == published
    assert read_published(tmp_path / "none.toml") == Published()


def test_a_record_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / ".published.toml.new").mkdir()
    with pytest.raises(RosterError, match="cannot be written: Is a directory"):
        write_published(tmp_path / "published.toml", Published())


def test_a_spoilt_record_is_no_reason_to_begin_anew(tmp_path: Path) -> None:
    (tmp_path / "published.toml").write_text("version = 'three'\n")
    with pytest.raises(RosterError, match="bring it back"):
        read_published(tmp_path / "published.toml")


def test_what_changed_is_shown_before_it_is_signed(desk: TestDesk) -> None:
    desk.staff(1, 2, 3)
    desk.publish()
    desk.write(
        f"1,Person 1,{desk.card(1)},serial,,,staff",
        f"3,Person 3,{desk.card(33)},serial,,,it staff",
        f"4,Person 4,{desk.card(3)},serial,,,staff",
    )
    with desk.desk.drafted(desk.now, lambda _: None) as draft:
        change = draft.change
    assert (change.added, change.removed, change.changed) == (1, 1, 1)
    assert (change.cards_added, change.cards_changed, change.cards_ended) == (1, 1, 1)
    assert change.ended == [desk.card(2)]
    assert change.shown == [
        f"- card {desk.card(2)} of 2, which is revoked",
        f"~ card {desk.card(3)} of 4",
        f"+ card {desk.card(33)} of 3",
        "- 2 Person 2",
        "~ 3 Person 3: staff -> it staff",
        "+ 4 Person 4: staff",
    ]


def test_changed_lines_of_the_rules_are_shown_as_they_were_and_are() -> None:
    change = compare(
        [b"rules\t00001\t[[levels]]\n", b'rules\t00002\tdoors = ["gate"]\n'],
        [b"rules\t00001\t[[levels]]\n", b'rules\t00002\tdoors = ["gaet"]\n', b'rules\t00003\tname = "x"\n'],
        UTC,
    )
    assert change.rules_shown == [
        '- levels.toml:2: doors = ["gate"]',
        '+ levels.toml:2: doors = ["gaet"]',
        '+ levels.toml:3: name = "x"',
    ]


def test_a_long_change_is_shown_in_part() -> None:
    change = compare([], [f"person\t{number}\tX\t\n".encode() for number in range(100, 150)], UTC)
    assert (len(change.shown), change.not_shown, change.added) == (20, 30, 50)
    assert not compare([], [], UTC).anything


def test_a_desk_without_people_says_where_they_belong(desk: TestDesk) -> None:
    with pytest.raises(RosterError, match=r"people\.csv is missing: write it, with the columns cardholder,name,"):
        desk.publish()


def test_every_bad_line_is_said_and_nothing_published(desk: TestDesk) -> None:
    desk.write("1,A,zz,serial,,,", "2,B,,signed_data,,,")
    with pytest.raises(RosterError, match=r"line 2: credential: .*\nline 3: min_assurance: "):
        desk.publish()
    assert desk.desk.published == Published()


def test_a_level_that_the_rules_do_not_have_is_said(desk: TestDesk) -> None:
    desk.staff(1, level="staff night")
    (desk.folder / "levels.toml").write_text('[[levels]]\nname = "staff"\n')
    with pytest.raises(RosterError, match="1 has the level night, and levels"):
        desk.publish()


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        ('[[levels]]\nname = "a"\nschedule = "office"\n', "level a: office is no schedule"),
        ('[[levels]]\nname = "a"\n[[levels]]\nname = "a"\n', r"two \[\[levels\]\] are called a"),
        ('[[schedules]]\nname = "a"\nhours = ["07:00-20:00"]\non_holidays = []\n', "there are no"),
        ('[[holidays]]\ncountry = "XX"\n', "XX"),
        ('[[doors]]\nname = "hall"\n', "doors: unknown"),
        ("# " + "x" * 70_000, "bytes"),
    ],
)
def test_rules_that_no_terminal_could_use_are_said(desk: TestDesk, rules: str, words: str) -> None:
    desk.staff(1)
    (desk.folder / "levels.toml").write_text(rules)
    with pytest.raises(ConfigurationError, match=words):
        desk.publish()


def test_the_same_roster_published_twice_is_the_same_bytes_in_parts(desk: TestDesk) -> None:
    desk.staff(*range(1, 3000))
    desk.publish()
    first = parts_at(desk, 1)
    desk.publish()
    assert first.keys() == {"full-index-0", "full-0", "full-1", "full-2"}
    assert parts_at(desk, 2) == first
    desk.pepper = new_pepper(desk.pepper)  # it has come, and the roster's files are not under it yet
    desk.publish()
    assert parts_at(desk, 3) == first


def parts_at(desk: TestDesk, version: int) -> dict[str, bytes]:
    """What stands at the broker below a version."""
    assert isinstance(desk.post, RetainedPost)
    return {
        topic.rpartition("/")[2]: payload for topic, payload in desk.post.retained.items() if f"/{version}/" in topic
    }


def test_a_revocation_needs_a_roster(desk: TestDesk) -> None:
    with pytest.raises(RosterError, match="comes first"):
        desk.revoke("a" * 32)


def test_more_than_a_manifest_holds_is_not_revoked_at_once(desk: TestDesk) -> None:
    desk.staff(1)
    desk.publish()
    with pytest.raises(RosterError, match="too many"):
        desk.revoke(*(desk.card(number) for number in range(1001)))


@pytest.mark.rule(8)
def test_what_a_roster_ended_the_ones_after_it_revoke_too(desk: TestDesk) -> None:
    """A terminal that was away hears of the newest alone; until it has that whole, the list is all that it goes by."""
    desk.staff(1, 2, 3)
    desk.publish()
    desk.staff(1, 3)
    assert desk.publish().revoked == (desk.card(2),)
    desk.staff(1, 3, 4)
    assert desk.publish().revoked == (desk.card(2),)
    desk.staff(1, 4)
    assert desk.publish().revoked == (desk.card(3), desk.card(2))
    desk.staff(1, 2, 4)
    assert desk.publish().revoked == (desk.card(3),), "it was put back on purpose"


@pytest.mark.rule(8)
def test_a_stolen_card_finds_room_although_many_left_at_once(desk: TestDesk) -> None:
    desk.staff(*range(1, MAX_REVOKED + 5))
    desk.publish()
    desk.revoke(desk.card(1))
    desk.staff(1, 2)
    assert len(desk.publish().revoked) == MAX_REVOKED
    published = desk.revoke(desk.card(2))
    assert published.revoked[:2] == (desk.card(2), desk.card(1))
    assert len(published.revoked) == MAX_REVOKED


def test_the_cards_of_a_person_are_found_in_what_was_published(desk: TestDesk) -> None:
    desk.write(f"1,A,{desk.card(1)},serial,,,", f"1,A,{desk.card(5)},serial,,,", f"2,B,{desk.card(2)},serial,,,")
    desk.publish()
    assert desk.desk.text.credentials_of("1") == [desk.card(1), desk.card(5)]
    assert desk.desk.text.credentials_of("3") == []


def test_under_another_layer_nobody_has_changed_and_the_revoked_stay_so(desk: TestDesk) -> None:
    desk.staff(1, 2)
    desk.publish()
    desk.revoke(desk.card(2))
    desk.rekey()
    desk.staff(1, 2)
    lifted = desk.pepper.forms(desk.card(2))[1]

    with desk.desk.drafted(desk.now, lambda _: None) as draft:
        assert not draft.change.anything
        assert draft.revoked == (lifted,)
    published = desk.publish()

    assert (published.pepper, published.delta, published.base) == (desk.pepper.newest, None, 0)
    assert published.revoked == (lifted,)


def test_a_card_may_be_revoked_by_what_an_older_event_calls_it(desk: TestDesk) -> None:
    desk.rekey()
    desk.staff(1, 2)
    desk.publish()

    published = desk.revoke(desk.card(2), "f" * 32)

    assert published.revoked == tuple(sorted([desk.pepper.forms(desk.card(2))[1], "f" * 32]))


def test_files_under_a_layer_from_before_are_not_published(desk: TestDesk) -> None:
    desk.rekey()
    desk.staff(1)
    desk.publish()
    desk.pepper = Pepper(desk.pepper.layers[:1])
    with pytest.raises(RosterError, match="is not held"):
        desk.publish()


def test_a_power_cut_in_publishing_and_a_later_layer_revoke_nobody_and_bring_nobody_back(desk: TestDesk) -> None:
    """The text is there already, and the record is the one of before."""
    record = desk.folder / "published.toml"
    desk.staff(1, 2)
    published = desk.publish()
    write_published(record, Published(version=1))
    desk.rekey()
    desk.staff(1, 2)
    with desk.desk.drafted(desk.now, lambda _: None) as draft:
        assert draft.revoked == ()
    desk.publish()
    write_published(record, msgspec.structs.replace(published, revoked=(desk.card(2),)))
    with desk.desk.drafted(desk.now, lambda _: None) as draft:
        assert draft.revoked == (desk.pepper.forms(desk.card(2))[1],)


def test_the_text_of_the_last_roster_is_nobody_elses_to_read(desk: TestDesk) -> None:
    desk.staff(1)
    desk.publish()
    assert (desk.folder / "published.txt").stat().st_mode & 0o777 == 0o600


def test_the_text_of_a_run_that_lost_its_power_is_nobody_elses_to_read_either(desk: TestDesk) -> None:
    staged = desk.folder / ".published.txt.new"
    staged.write_text("half of it")
    staged.chmod(0o644)
    desk.staff(1)
    desk.publish()
    assert (desk.folder / "published.txt").stat().st_mode & 0o777 == 0o600


@pytest.mark.rule(8)
@pytest.mark.parametrize("left", [None, b""])
def test_without_the_last_text_who_was_revoked_stays_so(desk: TestDesk, left: bytes | None) -> None:
    """It was damaged and removed, as the desk says, or a power cut left nothing in it."""
    desk.staff(1, 2)
    desk.publish()
    desk.revoke(desk.card(2))
    last = desk.folder / "published.txt"
    last.unlink()
    if left is not None:
        last.write_bytes(left)

    assert desk.publish().revoked == (desk.card(2),)


@pytest.mark.parametrize("damage", [b"card\ta", b"\xff\n", b"person\t1\tA\n"])
def test_a_last_text_that_is_damaged_is_said_and_without_it_the_whole_is_sent(desk: TestDesk, damage: bytes) -> None:
    desk.staff(1, 2)
    desk.publish()
    last = desk.folder / "published.txt"
    last.write_bytes(last.read_bytes() + damage)
    for what in (desk.publish, lambda: desk.desk.text.credentials_of("1")):
        with pytest.raises(RosterError, match=r"published\.txt is damaged: .*; remove it"):
            what()
    last.unlink()
    assert desk.publish().full is not None


def test_a_record_that_is_nested_without_an_end_is_said(tmp_path: Path) -> None:
    (tmp_path / "published.toml").write_text("version = " + "[" * 5000)
    with pytest.raises(RosterError, match="bring it back"):
        read_published(tmp_path / "published.toml")

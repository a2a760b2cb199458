"""Day cards at the desk: what a roster says of them, and what is published when one is lent."""

from __future__ import annotations

from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from fakes.roster_desk import RetainedPost, TestDesk
from kazasu.errors import RosterError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from kazasu.site.roster import Publishes


class BrokerAway:
    """Implements the Publishes seam."""

    def publish_all(self, messages: Iterable[tuple[str, bytes]]) -> None:
        raise OSError("away")


@pytest.fixture
def lender(tmp_path: Path) -> TestDesk:
    """A desk that published three people and two day cards."""
    desk = TestDesk(tmp_path / "roster", "city-hall", RetainedPost())
    desk.pool = "day-*"
    desk.staff(1, 2, 3)
    pool = "".join(f"day-{number},Day card,{desk.card(number)},serial,,,\n" for number in (70, 80))
    with (desk.folder / "people.csv").open("a") as file:
        file.write(pool)
    desk.publish()
    return desk


def day_cards(desk: TestDesk) -> list[str]:
    lines = (desk.folder / "published.txt").read_text().splitlines()
    return [line.replace("\t", " ") for line in lines if line.startswith("day_card")]


def in_s(desk: TestDesk, hours: int) -> int:
    return int((desk.now + timedelta(hours=hours)).timestamp())


def test_a_roster_names_each_card_of_the_pool_lent_or_not(lender: TestDesk) -> None:
    assert day_cards(lender) == ["day_card day-70  ", "day_card day-80  "]
    lender.lend("day-80", "2", lender.now + timedelta(hours=5))
    assert day_cards(lender) == ["day_card day-70  ", f"day_card day-80 2 {in_s(lender, 5)}"]
    lender.take_back("day-80")
    assert day_cards(lender) == ["day_card day-70  ", "day_card day-80  "]


def test_a_lending_is_published_alone_by_a_delta_and_all_that_is_revoked_stays_so(lender: TestDesk) -> None:
    lender.staff(*range(1, 400))  # not published yet
    lender.revoke(lender.card(3))
    before = lender.desk.published
    after = lender.lend("day-70", "1", lender.now + timedelta(hours=5))
    assert after.delta is not None
    assert (after.version, after.base, after.delta.parts) == (before.version + 1, before.version, 1)
    assert (after.people, after.credentials, after.revoked) == (5, 5, (lender.card(3),))
    assert (lender.folder / "published.txt").read_text().count("person\t") == 5


def test_what_is_lent_stands_in_the_change_and_is_published_again(lender: TestDesk) -> None:
    lender.lend("day-70", "1", lender.now + timedelta(hours=5))
    (lender.folder / "day_cards.csv").write_text("day_card,cardholder,until\nday-80,2,2026-11-25T00:00\n")
    lender.now = datetime(2026, 11, 24, 12, tzinfo=UTC)
    with lender.desk.drafted(lender.now, lambda _: None) as draft:
        change = draft.change
    assert change.shown == ["- day-70 is not lent to 1 any more", "+ day-80 is lent to 2 until 2026-11-25 00:00"]
    assert (change.lent, change.lent_no_more, change.pooled, change.pooled_no_more) == (1, 1, 0, 0)
    assert change.anything


def test_a_lending_that_is_over_counts_no_longer_and_goes_from_the_file_by_itself(lender: TestDesk) -> None:
    lender.lend("day-70", "1", lender.now + timedelta(hours=5))
    lender.lend("day-80", "2", lender.now + timedelta(hours=7))
    lender.now += timedelta(hours=5)
    lender.publish()
    assert day_cards(lender)[0] == "day_card day-70  "
    assert [line[:8] for line in (lender.folder / "day_cards.csv").read_text().splitlines()] == ["day_card", "day-80,2"]


def test_a_holder_or_a_card_that_left_the_roster_is_told_and_keeps_nobody_from_publishing(lender: TestDesk) -> None:
    lender.lend("day-70", "1", lender.now + timedelta(hours=5))
    lender.lend("day-80", "2", lender.now + timedelta(hours=5))
    lender.write(f"2,Person 2,{lender.card(2)},serial,,,", f"day-70,Day card,{lender.card(70)},serial,,,")
    with lender.desk.drafted(lender.now, lambda _: None) as draft:
        assert draft.not_lent == (
            "day-80 is not lent: it is not in people.csv",
            "day-70 is not lent to 1: 1 is not in people.csv",
        )
        assert draft.change.pooled_no_more == 1
    lender.publish()
    assert day_cards(lender) == ["day_card day-70  "]


def test_who_is_not_known_gets_none_and_who_is_no_card_is_not_lent(lender: TestDesk) -> None:
    until = lender.now + timedelta(hours=5)
    for card, number, words in (
        ("day-90", "1", "day-90 is not in the roster"),
        ("day-70", "9", "9 is not in the roster"),
        ("1", "2", "'1' is no day card: site.toml says day-"),
        ("day-70", "day-80", "'day-80' is a day card, and no person"),
    ):
        with pytest.raises(RosterError, match=f"{words}.*; nothing was changed"):
            lender.lend(card, number, until)
    with pytest.raises(RosterError, match="day-70 is not lent"):
        lender.take_back("day-70")
    assert not (lender.folder / "day_cards.csv").exists()


def test_what_a_broker_that_was_away_did_not_hear_the_next_call_tells(lender: TestDesk) -> None:
    posts: tuple[Publishes, ...] = (BrokerAway(), lender.post)
    until = lender.now + timedelta(hours=5)
    for post in posts:
        lender.post = post
        with pytest.raises(OSError, match="away") if post is posts[0] else nullcontext():
            lender.lend("day-70", "1", until)
    assert day_cards(lender)[0].startswith("day_card day-70 1 ")
    for post in posts:
        lender.post = post
        with pytest.raises(OSError, match="away") if post is posts[0] else nullcontext():
            lender.take_back("day-70")
    assert day_cards(lender)[0] == "day_card day-70  "


def test_nothing_is_lent_beside_a_roster_that_nobody_has(lender: TestDesk) -> None:
    (lender.folder / "published.txt").write_bytes(b"person\t1\tA\t\nperson\tday-70\tB\t\n")
    with pytest.raises(RosterError, match=r"published\.txt is not the roster that was published last"):
        lender.lend("day-70", "1", lender.now + timedelta(hours=5))
    assert not (lender.folder / "day_cards.csv").exists()


def test_under_another_layer_of_the_pepper_the_roster_comes_first(lender: TestDesk) -> None:
    until = lender.now + timedelta(hours=5)
    lender.lend("day-70", "1", until)
    lender.rekey()
    with pytest.raises(RosterError, match="under another layer of the pepper: `kazasu site publish` comes first"):
        lender.lend("day-80", "2", until)
    with pytest.raises(RosterError, match="comes first"):
        lender.take_back("day-70")
    assert "day-80" not in lender.desk.book.lent(lender.now)
    lender.publish()
    assert lender.lend("day-80", "2", until).pepper == lender.pepper.newest
    assert [line.split()[2] for line in day_cards(lender)] == ["1", "2"]


def test_another_pool_is_a_change(lender: TestDesk) -> None:
    other = TestDesk(lender.folder, "city-hall", lender.post, lender.signer)
    other.pool = "day-8*"
    with other.desk.drafted(other.now, lambda _: None) as draft:
        assert (draft.change.anything, draft.change.pooled, draft.change.pooled_no_more) == (True, 0, 1)


def test_before_the_first_roster_nothing_is_lent(tmp_path: Path) -> None:
    desk = TestDesk(tmp_path / "new", "city-hall", RetainedPost())
    desk.pool = "day-*"
    with pytest.raises(RosterError, match="comes first"), desk.day_cards.drafted(desk.now):
        pass

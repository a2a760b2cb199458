"""Each roster, the fake and the real one, keeps the seam's promises (ports.store.Roster)."""

from __future__ import annotations

import heapq
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

import msgspec
import pytest

from fakes.codes import kept, pseudonym
from fakes.roster import FakeRoster, person
from kazasu.model.access import Assurance
from kazasu.model.code import CodeHolder, lifted
from kazasu.model.day_card import Loan, PoolCard
from kazasu.model.pepper import Pepper
from kazasu.model.roster_manifest import Manifest, Offer
from kazasu.model.roster_text import day_card_line, key_of
from kazasu.store.roster import Roster
from kazasu.store.roster_file import enroll, set_code
from kazasu.store.roster_lines import NewRoster, lines_of
from kazasu.store.roster_vouched import revoke

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from kazasu.model.access import Enrolment
    from kazasu.model.code import KeptPin
    from kazasu.ports import store

FULL = Offer(kind="full", version=1, parts=1, size_bytes=1, index=("0" * 64,))
MANIFEST = Manifest(
    site="s", aud="all", version=5, made_s=7, expires_s=9, people=1, credentials=1, codes=0, sha256="0" * 64,
    size_bytes=1, full=FULL, digest="1" * 64, pepper="5" * 16,
)  # fmt: skip

HANAKO = person("1001", "a" * 32, Assurance.SIGNED_DATA, "山田 花子")


class Subject:
    """A roster and the way to enroll somebody in it."""

    def __init__(
        self,
        roster: store.Roster,
        enroll_one: Callable[[Enrolment], object],
        set_code: Callable[[str, str, KeptPin], object],
        revoke_one: Callable[[str], object],
        lend: Callable[[str, Loan | None], object],
    ) -> None:
        self.roster = roster
        self.enroll = enroll_one
        self.set_code = set_code
        self.revoke = revoke_one
        self.lend = lend


@pytest.fixture(params=["fake", "sqlite"])
def subject(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Subject]:
    if request.param == "fake":
        fake = FakeRoster()
        yield Subject(fake, fake.enroll, fake.set_code, fake.revoke, fake.lend)
        return
    path = tmp_path / "roster.db"
    roster = Roster(path)
    yield Subject(
        roster,
        partial(enroll, path),
        partial(set_code, path),
        lambda pseudonym: revoke(path, [pseudonym]),
        partial(put_in_pool, path),
    )
    roster.close()


def put_in_pool(path: Path, card: str, loan: Loan | None) -> None:
    """Let the site's next roster, with nothing else in it that is new, say of a card whose it is."""
    line = day_card_line(card, loan and loan.cardholder, loan and int(loan.until.timestamp()))
    before = (other for other in lines_of(path) if key_of(other) != key_of(line))
    new = NewRoster(path.with_name("new.db"))
    new.add(list(heapq.merge(before, [line], key=key_of)))
    new.take_place_of(path, MANIFEST)
    new.close()


def test_nobody_is_known_at_first(subject: Subject) -> None:
    assert subject.roster.version == 0
    assert subject.roster.look_up("a" * 32) is None


def test_who_is_enrolled_is_found_at_once_and_whole(subject: Subject) -> None:
    subject.enroll(HANAKO)

    assert subject.roster.look_up("a" * 32) == HANAKO
    assert subject.roster.look_up("b" * 32) is None


def test_the_version_is_of_the_last_look_up_and_rises_with_each_change(subject: Subject) -> None:
    versions = []
    for digit in "abc":
        subject.enroll(person("1", digit * 32))
        subject.roster.look_up(digit * 32)
        versions.append(subject.roster.version)

    assert versions == [1, 2, 3]


def test_one_person_can_hold_several_cards(subject: Subject) -> None:
    subject.enroll(HANAKO)
    other = person("1001", "b" * 32, Assurance.SERIAL, "山田 花子")
    subject.enroll(other)

    assert [subject.roster.look_up(digit * 32) for digit in "ab"] == [HANAKO, other]


def test_a_card_enrolled_again_is_changed(subject: Subject) -> None:
    subject.enroll(HANAKO)
    subject.enroll(person("1002", "a" * 32))

    assert subject.roster.look_up("a" * 32) == person("1002", "a" * 32)


def test_a_person_is_found_with_the_levels_that_the_site_gave(subject: Subject) -> None:
    staff = person("1001", "a" * 32, levels=("it", "staff"))
    subject.enroll(staff)

    assert subject.roster.look_up("a" * 32) == staff
    assert subject.roster.made_s is None


def test_a_person_is_found_by_number(subject: Subject) -> None:
    subject.enroll(HANAKO)

    assert subject.roster.find("1001") == HANAKO.cardholder
    assert subject.roster.find("1002") is None


def test_a_code_is_its_persons_and_no_card(subject: Subject) -> None:
    subject.enroll(HANAKO)
    code, pin = pseudonym("482913"), kept("482913", "5170", "8026")
    assert subject.roster.code_of(code) is None
    subject.set_code("1001", code, pin)

    assert subject.roster.code_of(code) == CodeHolder(cardholder=HANAKO.cardholder, kept=pin)
    assert subject.roster.version == 2
    assert subject.roster.look_up(code) is None
    assert subject.roster.code_of("a" * 32) is None


def test_what_was_revoked_is_found_no_more_and_known_to_be_revoked(subject: Subject) -> None:
    assert not subject.roster.is_revoked("a" * 32)  # of no roster at all, too
    subject.enroll(HANAKO)
    assert not subject.roster.is_revoked("a" * 32)
    subject.revoke("a" * 32)
    assert subject.roster.look_up("a" * 32) is None
    assert subject.roster.is_revoked("a" * 32)
    assert not subject.roster.is_revoked("b" * 32)


def test_a_card_of_the_sites_pool_is_found_with_whom_it_is_lent_to(subject: Subject) -> None:
    until = datetime(2026, 11, 30, tzinfo=UTC)
    subject.enroll(HANAKO)
    subject.enroll(person("day-07", "d" * 32))
    found = subject.roster.look_up("d" * 32)
    assert found is not None
    assert (found.pool_card, subject.roster.pool()) == (None, {})
    for loan, holder in ((None, None), (Loan("1001", until), HANAKO.cardholder), (Loan("1009", until), None)):
        subject.lend("day-07", loan)
        found = subject.roster.look_up("d" * 32)
        assert found is not None
        assert (found.cardholder.number, found.pool_card) == ("day-07", PoolCard(loan, holder))
        assert subject.roster.pool() == {"day-07": loan}
    assert subject.roster.look_up("a" * 32) == HANAKO
    subject.revoke("d" * 32)
    assert subject.roster.look_up("d" * 32) is None


PEPPER = Pepper([b"1" * 32, b"2" * 32])
FIRST, SECOND = PEPPER.ids


@pytest.fixture(params=["fake", "sqlite"])
def laid_over(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Subject]:
    """A roster under the second layer of a pepper, in which Hanako stands with a card and a code."""
    if request.param == "fake":
        fake = FakeRoster([HANAKO])
        fake.set_code("1001", pseudonym("482913"), kept("482913", "5170"))
        fake.lay_over(PEPPER)
        yield Subject(fake, fake.enroll, fake.set_code, fake.revoke, fake.lend)
        return
    path = tmp_path / "roster.db"
    credential = msgspec.structs.replace(HANAKO.credential, pseudonym=PEPPER.forms("a" * 32)[1])
    enroll(path, msgspec.structs.replace(HANAKO, credential=credential), SECOND)
    laid = lifted(kept("482913", "5170"), PEPPER, FIRST, SECOND)
    set_code(path, "1001", PEPPER.forms(pseudonym("482913"))[1], laid)
    roster = Roster(path, PEPPER)
    yield Subject(
        roster,
        partial(enroll, path),
        partial(set_code, path),
        lambda card: revoke(path, [card]),
        partial(put_in_pool, path),
    )
    roster.close()


def test_a_card_is_looked_up_by_its_first_name_and_known_by_the_rosters(laid_over: Subject) -> None:
    roster, (first, second) = laid_over.roster, PEPPER.forms("a" * 32)
    found = roster.look_up(first)
    assert found is not None
    assert (found.cardholder, found.credential.pseudonym) == (HANAKO.cardholder, second)
    assert roster.known_as(first) == second
    assert set(roster.forms(first)) == {first, second}
    assert roster.look_up(second) is None


def test_a_code_is_too_and_says_under_which_layer_its_pin_is_kept(laid_over: Subject) -> None:
    found = laid_over.roster.code_of(pseudonym("482913"))
    assert found is not None
    assert (found.kept, found.layer) == (lifted(kept("482913", "5170"), PEPPER, FIRST, SECOND), SECOND)


@pytest.mark.parametrize("place", [0, 1])
def test_a_card_is_revoked_by_either_name(laid_over: Subject, place: int) -> None:
    laid_over.revoke(PEPPER.forms("a" * 32)[place])
    assert laid_over.roster.look_up("a" * 32) is None
    assert laid_over.roster.is_revoked("a" * 32)

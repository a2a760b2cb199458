"""Each roster, the fake and the real one, keeps the seam's promises (ports.Roster)."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest

from fakes.codes import kept, pseudonym
from fakes.roster import FakeRoster, person
from kazasu.model.access import Assurance
from kazasu.model.code import CodeHolder
from kazasu.store.roster import Roster
from kazasu.store.roster_file import enroll, set_code
from kazasu.store.roster_vouched import revoke

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from kazasu import ports
    from kazasu.model.access import Enrolment
    from kazasu.model.code import KeptPin

HANAKO = person("1001", "a" * 32, Assurance.SIGNED_DATA, "山田 花子")


class Subject:
    """A roster and the way to enroll somebody in it."""

    def __init__(
        self,
        roster: ports.Roster,
        enroll_one: Callable[[Enrolment], object],
        set_code: Callable[[str, str, KeptPin], object],
        revoke_one: Callable[[str], object],
    ) -> None:
        self.roster = roster
        self.enroll = enroll_one
        self.set_code = set_code
        self.revoke = revoke_one


@pytest.fixture(params=["fake", "sqlite"])
def subject(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Subject]:
    if request.param == "fake":
        fake = FakeRoster()
        yield Subject(fake, fake.enroll, fake.set_code, fake.revoke)
        return
    path = tmp_path / "roster.db"
    roster = Roster(path)
    yield Subject(roster, partial(enroll, path), partial(set_code, path), lambda pseudonym: revoke(path, [pseudonym]))
    roster.close()


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

"""Which parts are asked for, which of them count, and when one is missing."""

from __future__ import annotations

import hashlib

import pytest

from fakes.clock import FakeClock
from kazasu.errors import RosterRefused
from kazasu.model.roster_manifest import Offer, Refusal
from kazasu.publishers.roster_mail import RosterMail
from kazasu.publishers.roster_request import SILENT_S, RosterRequest
from kazasu.publishers.wire import Topics

TOPICS = Topics("town-hall", "entrance-1")
OFFER = Offer(kind="full", version=7, parts=40, size_bytes=1, index=())


class Rig:
    def __init__(self) -> None:
        self.wakes = 0
        self.clock = FakeClock()
        self.mail = RosterMail((), TOPICS.roster_parts, self._wake)
        self.request = RosterRequest(self.mail, TOPICS, self.clock)

    def _wake(self) -> None:
        self.wakes += 1

    def ask(self, *names: str) -> None:
        self.request.ask(OFFER, {name: digest(name) for name in names})

    def take(self, name: str, payload: bytes | None = None) -> str | None:
        return self.request.take(TOPICS.roster_part(7, name), name.encode() if payload is None else payload)


@pytest.fixture
def rig() -> Rig:
    return Rig()


def digest(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


def test_it_is_open_until_every_part_has_come(rig: Rig) -> None:
    assert not rig.request.open
    rig.ask("full-1", "full-2")
    assert rig.mail.wanted() == {TOPICS.roster_part(7, name): digest(name) for name in ("full-1", "full-2")}
    assert rig.wakes == 1
    assert rig.take("full-2") == digest("full-2")
    assert rig.request.open
    assert rig.take("full-1") == digest("full-1")
    assert not rig.request.open


def test_so_many_are_asked_for_as_may_wait_in_memory(rig: Rig) -> None:
    rig.ask(*(f"full-{number}" for number in range(40)))
    assert list(rig.mail.wanted()) == [TOPICS.roster_part(7, f"full-{number}") for number in range(32)]


def test_what_is_asked_for_next_is_all_that_is_asked_for(rig: Rig) -> None:
    rig.ask("full-1")
    rig.ask("full-2")
    assert rig.take("full-1") is None
    assert rig.request.open
    assert rig.take("full-2") == digest("full-2")


def test_what_nobody_asked_for_or_was_removed_at_the_broker_is_let_fall(rig: Rig) -> None:
    assert rig.take("full-1") is None
    rig.ask("full-1")
    assert rig.take("full-9", b"whatever") is None
    assert rig.take("full-1", b"") is None
    assert rig.request.open


def test_a_part_that_is_not_what_the_index_names_is_refused(rig: Rig) -> None:
    rig.ask("full-1")
    with pytest.raises(RosterRefused, match="full-1 of the roster is not what its index names") as refused:
        rig.take("full-1", b"something else")
    assert refused.value.reason is Refusal.PART
    assert rig.request.open


def test_a_part_is_missing_once_nothing_has_come_for_long(rig: Rig) -> None:
    assert rig.request.unanswered() is None
    rig.ask("full-2", "full-1")
    rig.clock.advance(SILENT_S - 0.1)
    assert rig.request.unanswered() is None
    rig.take("full-2")  # progress
    rig.clock.advance(SILENT_S - 0.1)
    assert rig.request.unanswered() is None
    rig.clock.advance(0.1)
    assert rig.request.unanswered() == "full-1"
    rig.take("full-1")
    rig.clock.advance(SILENT_S)
    assert rig.request.unanswered() is None


def test_what_is_dropped_is_missed_no_longer(rig: Rig) -> None:
    rig.ask("full-1")
    rig.request.drop()
    rig.clock.advance(SILENT_S)
    assert (rig.request.open, rig.request.unanswered(), dict(rig.mail.wanted())) == (False, None, {})
    assert rig.take("full-1") is None

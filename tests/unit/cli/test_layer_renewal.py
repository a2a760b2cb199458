"""A terminal that hears of a new layer of the pepper: what it asks, what it takes, and what it leaves alone."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import msgspec
import pytest

from fakes.configuration import smallest_with_state
from fakes.enrolment import NOW
from fakes.exchange import FakeExchange
from fakes.power import power_for
from kazasu.cli.setup.layer_renewal import LayerRenewal
from kazasu.config import load
from kazasu.enrolment import layers
from kazasu.errors import EnrolmentRefused
from kazasu.model.pepper import Pepper
from kazasu.model.signature import Ed25519Signer, Ed25519Verifier
from kazasu.publishers.news import Received
from kazasu.publishers.wire import Topics
from kazasu.store.keys import generate_pepper, generate_signer, load_pepper, new_pepper, pepper_text, write_public

if TYPE_CHECKING:
    from pathlib import Path

    from kazasu.publishers.exchange import Exchange

SITE, TERMINAL = "town-hall", "entrance-1"
TOPICS = Topics(SITE, TERMINAL)


class Place:
    """A terminal's folder, and the site behind the broker."""

    def __init__(self, folder: Path) -> None:
        (folder / "keys").mkdir()
        self.event = generate_signer(folder / "keys/event.key")
        self.first = generate_pepper(folder / "keys/pepper.key")
        self.site_key = generate_signer(folder / "site.key")
        write_public(folder / "site.pub", self.site_key)
        text = smallest_with_state(folder)
        (folder / "kazasu.toml").write_text(f'{text}\n[site]\nkey = "site.pub"\n')
        self.folder = folder
        self.pepper = new_pepper(self.first)
        self.waiting = False

    @property
    def held(self) -> Pepper:
        return load_pepper(self.folder / "keys/pepper.key")

    def announced(self, pepper: Pepper | None = None, signer: Ed25519Signer | None = None) -> Received:
        said = layers.announcement(SITE, (pepper or self.pepper).ids, NOW, signer or self.site_key)
        return Received(topic=TOPICS.pepper, payload=said.body)

    def gives(self, topic: str, wish: bytes, content: Pepper | None = None) -> tuple[str, bytes]:
        """The desk's answer to what was published."""
        assert topic == TOPICS.pepper_wish
        asked = layers.wish_in(wish, SITE, TERMINAL, Ed25519Verifier(self.event.public))
        gift = layers.gift(SITE, asked, pepper_text(content or self.pepper), self.site_key)
        return TOPICS.pepper_gift, gift.body

    def run(self, exchange: FakeExchange, *there: Received) -> list[str]:
        config = load(self.folder / "kazasu.toml")
        renewal = LayerRenewal(config, self.folder / "site.pub", self.folder, TOPICS)
        changed = renewal.run(as_exchange(exchange), there, NOW, 0.1)
        self.waiting = renewal.waiting
        return changed


def as_exchange(fake: FakeExchange) -> Exchange:
    return fake  # type: ignore[return-value]  # it has what is called


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_what_is_announced_is_asked_for_and_taken(place: Place) -> None:
    exchange = FakeExchange(place.gives)
    [told] = place.run(exchange, place.announced())
    assert place.pepper.newest in told
    assert place.held == place.pepper
    assert (place.folder / "keys/pepper.key.old").read_bytes() == pepper_text(place.first)
    assert (place.folder / "keys/pepper.key").stat().st_mode & 0o777 == 0o600
    assert not (place.folder / "layers").exists()
    assert place.run(exchange, place.announced()) == []
    assert len(exchange.published) == 1


def test_the_answer_may_wait_for_the_next_run(place: Place) -> None:
    silent = FakeExchange()
    assert place.run(silent, place.announced()) == []
    assert (place.waiting, place.held) == (True, place.first)
    [(_, wish)] = silent.published
    topic, gift = place.gives(TOPICS.pepper_wish, wish)

    nobody = FakeExchange()
    assert place.run(nobody, place.announced(), Received(topic=topic, payload=gift)) != []
    assert (nobody.published, place.waiting, place.held) == ([], False, place.pepper)


def test_an_answer_outlives_a_run_that_heard_of_nothing_in_time(place: Place) -> None:
    silent = FakeExchange()
    place.run(silent, place.announced())
    topic, gift = place.gives(TOPICS.pepper_wish, silent.published[0][1])

    assert place.run(FakeExchange()) == []
    assert place.run(FakeExchange(), place.announced(), Received(topic=topic, payload=gift)) != []
    assert place.held == place.pepper


def test_a_terminal_that_got_another_name_asks_by_that(place: Place) -> None:
    place.run(FakeExchange(), place.announced())
    config = place.folder / "kazasu.toml"
    config.write_text(config.read_text().replace(TERMINAL, "entrance-9"))

    exchange = FakeExchange()
    place.run(exchange, place.announced())
    [(_, wish)] = exchange.published
    assert layers.wisher(wish) == "entrance-9"


@pytest.mark.rule(8)
def test_an_older_announcement_or_a_forged_one_asks_for_nothing(place: Place) -> None:
    (place.folder / "keys/pepper.key").write_bytes(pepper_text(place.pepper))
    thief = generate_signer(place.folder / "thief.key")
    for there in (
        place.announced(place.first),
        place.announced(new_pepper(place.pepper), thief),
        msgspec.structs.replace(place.announced(new_pepper(place.pepper)), topic=TOPICS.pepper_gift),
        Received(topic=TOPICS.pepper, payload=b"x" * 100_000),
    ):
        exchange = FakeExchange()
        assert place.run(exchange, there) == []
        assert (exchange.published, place.held) == ([], place.pepper)


@pytest.mark.rule(8)
def test_an_old_gift_rolls_nothing_back(place: Place) -> None:
    silent = FakeExchange()
    place.run(silent, place.announced())
    topic, old = place.gives(TOPICS.pepper_wish, silent.published[0][1])
    place.run(FakeExchange(), place.announced(), Received(topic=topic, payload=old))
    assert place.held == place.pepper
    third = new_pepper(place.pepper)

    exchange = FakeExchange()
    assert place.run(exchange, place.announced(third), Received(topic=topic, payload=old)) == []
    assert (place.waiting, place.held) == (True, place.pepper)
    assert len(exchange.published) == 1


@pytest.mark.rule(8)
def test_layers_that_do_not_go_over_those_that_are_here_are_not_taken(place: Place) -> None:
    foreign = new_pepper(new_pepper())
    for content in (place.first, foreign, Pepper([*place.pepper.layers[::-1]])):
        exchange = FakeExchange(functools.partial(place.gives, content=content))
        with pytest.raises(EnrolmentRefused, match="other layers"):
            place.run(exchange, place.announced())
        assert place.held == place.first
    with pytest.raises(EnrolmentRefused, match="set up with another pepper"):
        place.run(FakeExchange(), place.announced(foreign))


def test_another_layer_that_was_made_meanwhile_is_taken_with_it(place: Place) -> None:
    third = new_pepper(place.pepper)
    exchange = FakeExchange(functools.partial(place.gives, content=third))
    assert place.run(exchange, place.announced()) != []
    assert place.held == third


def test_wherever_the_power_fails_the_pepper_is_the_old_or_the_new_one(place: Place) -> None:
    steps = 0
    while place.held != place.pepper:
        with power_for(steps):
            place.run(FakeExchange(place.gives), place.announced())
        assert place.held in (place.first, place.pepper)
        steps += 1
    assert steps > 5
    assert place.run(FakeExchange(), place.announced()) == []
    assert not (place.folder / "layers").exists()

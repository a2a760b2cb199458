"""A run of `kazasu renew` that breaks off half-way: what is in place already takes effect, and what can goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fakes.configuration import smallest_with_state
from fakes.enrolment import NOW
from fakes.exchange import FakeExchange
from kazasu.cli.renew import taking_effect
from kazasu.cli.setup.renewal import Renewal
from kazasu.config import load
from kazasu.enrolment import layers
from kazasu.errors import BrokerUnsuitable
from kazasu.model.signature import Ed25519Verifier
from kazasu.publishers.wire import Topics
from kazasu.store.keys import generate_pepper, generate_signer, load_pepper, new_pepper, pepper_text, write_public
from kazasu.virtual.site import make_site

if TYPE_CHECKING:
    from pathlib import Path

    from kazasu.publishers.exchange import Exchange
    from kazasu.site.directory import Site

TOPICS = Topics("town-hall", "entrance-1")

_OF_SITE = """
[site]
key = "site.pub"

[mqtt]
host = "localhost"
ca = "ca.pem"
certificate = "client.pem"
key = "client.key"
"""


class Place:
    """A terminal's folder, its site, and a broker where a new layer of the pepper is announced."""

    def __init__(self, folder: Path, site: Site) -> None:
        (folder / "keys").mkdir(parents=True)
        self.event = generate_signer(folder / "keys/event.key")
        self.pepper = new_pepper(generate_pepper(folder / "keys/pepper.key"))
        self.site_key = generate_signer(folder / "site.key")
        write_public(folder / "site.pub", self.site_key)
        (folder / "client.pem").write_bytes(site.certificate_file("desk").read_bytes())
        (folder / "kazasu.toml").write_text(smallest_with_state(folder) + _OF_SITE)
        self.folder = folder
        self.asked: list[str] = []
        config = load(folder / "kazasu.toml")
        assert config.mqtt is not None
        self.renewal = Renewal(config, config.mqtt, folder / "site.pub", folder)

    @property
    def pepper_file(self) -> Path:
        return self.folder / "keys/pepper.key"

    def renew(self, exchange: FakeExchange) -> None:
        said = layers.announcement("town-hall", self.pepper.ids, NOW, self.site_key)
        exchange.retains(TOPICS.pepper, said.body)
        self.renewal.renew(as_exchange(exchange), NOW, 0.1, wanted=True)

    def gives(self, topic: str, payload: bytes, content: bytes = b"") -> tuple[str, bytes]:
        """A desk that gives layers, and a broker that is gone before there is a certificate."""
        self.asked.append(topic)
        if topic != TOPICS.pepper_wish:
            raise ConnectionResetError
        asked = layers.wish_in(payload, "town-hall", "entrance-1", Ed25519Verifier(self.event.public))
        given = layers.gift("town-hall", asked, content or pepper_text(self.pepper), self.site_key)
        return TOPICS.pepper_gift, given.body


def as_exchange(fake: FakeExchange) -> Exchange:
    return fake  # type: ignore[return-value]  # it has what is called


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path / "terminal", make_site(tmp_path / "site"))


def test_a_layer_that_has_come_takes_effect_though_the_broker_went_before_the_certificate_came(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ConnectionResetError), taking_effect(place.renewal.changed, place.folder):
        place.renew(FakeExchange(place.gives))
    assert load_pepper(place.pepper_file) == place.pepper
    shown = capsys.readouterr().out
    assert "the pepper has 2 layers now" in shown
    assert "takes it over when it is started the next time" in shown


@pytest.mark.parametrize("wrong", ["pepper", "gift", "access list"])
def test_whatever_is_wrong_with_the_pepper_the_certificate_is_asked_for(place: Place, wrong: str) -> None:
    def answers(topic: str, payload: bytes) -> tuple[str, bytes]:
        if wrong == "access list" and topic == TOPICS.pepper_wish:
            raise BrokerUnsuitable("not allowed")
        return place.gives(topic, payload, b"no layers\n" if wrong == "gift" else b"")

    if wrong == "pepper":
        place.pepper_file.chmod(0o644)
    with pytest.raises(ConnectionResetError):
        place.renew(FakeExchange(answers))
    assert place.asked[-1] == TOPICS.enrol_request
    assert place.renewal.refused != ""
    assert place.renewal.changed == []


@pytest.mark.parametrize("left", [b"", b"[]", b'{"serial":"\xff'])
def test_a_request_that_a_power_cut_left_half_written_is_made_anew(place: Place, left: bytes) -> None:
    (place.folder / "renewal").mkdir()
    (place.folder / "renewal/request.json").write_bytes(left)
    with pytest.raises(ConnectionResetError):
        place.renew(FakeExchange(place.gives))
    assert place.asked[-1] == TOPICS.enrol_request

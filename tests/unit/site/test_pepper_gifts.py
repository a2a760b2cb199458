"""Who gets the layers of the pepper: the terminal that asks, while it is the site's, and what is written down of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from fakes.enrolment import NOW, Newcomer, admission
from kazasu.enrolment import layers
from kazasu.errors import EnrolmentRefused
from kazasu.model.document import signed
from kazasu.model.signature import Ed25519Signer
from kazasu.site import pepper_rotation
from kazasu.site.pepper_gifts import PepperGifts
from kazasu.store.keys import pepper_text
from kazasu.virtual.site import PASSPHRASE

if TYPE_CHECKING:
    from kazasu.site.directory import Site

TERMINAL = "entrance-1"


class Desk:
    """A site with one terminal, and a new layer under way."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.newcomer = Newcomer(site)
        admission(site).accept(self.newcomer.asks(), NOW)
        self.first = site.pepper().newest
        self.second = pepper_rotation.begin(site)
        self.gifts = PepperGifts(site, site.unlock(PASSPHRASE))
        self.agreement = X25519PrivateKey.generate()

    def wish(self, layer: str = "", event: Ed25519Signer | None = None, terminal: str = TERMINAL) -> bytes:
        signer = event or self.newcomer.event
        asked = layer or self.second
        return layers.wish(self.site.name, terminal, asked, NOW, event=signer, agreement=self.agreement).body

    @property
    def layer(self) -> str | None:
        return self.site.terminal(TERMINAL).layer


@pytest.fixture
def desk(site: Site) -> Desk:
    return Desk(site)


def test_a_terminal_that_asks_gets_all_layers_and_the_record_says_so(desk: Desk) -> None:
    assert desk.layer == desk.first, "what was in its bundle"
    wish = desk.wish()
    gift = desk.gifts.give(wish, TERMINAL)
    content = layers.opened(
        gift.body, desk.site.verifier(), site=desk.site.name, terminal=TERMINAL, asked=wish, agreement=desk.agreement
    )
    assert content == pepper_text(desk.site.pepper())
    assert desk.layer == desk.second
    desk.gifts.give(wish, TERMINAL)  # a desk that lost its power behind the record answers once more


@pytest.mark.rule(8)
def test_whoever_else_asks_gets_nothing(desk: Desk) -> None:
    thief = Ed25519Signer(Ed25519PrivateKey.generate())
    for wish, by in (
        (desk.wish(event=thief), TERMINAL),
        (desk.wish(), "entrance-2"),
        (desk.wish(terminal="entrance-2"), "entrance-2"),
        (desk.wish(terminal="entrance-2"), TERMINAL),
        (desk.wish(layer=desk.first), TERMINAL),
        (desk.wish(layer="0" * 16), TERMINAL),
        (b"{}", TERMINAL),
        (desk.wish()[:-10], TERMINAL),
    ):
        with pytest.raises(EnrolmentRefused):
            desk.gifts.give(wish, by)
    assert desk.layer == desk.first


@pytest.mark.parametrize(
    "wrong",
    [
        {"layer": "\x1b]0;all well\x07\r"},
        {"layer": "\N{RIGHT-TO-LEFT OVERRIDE}"},
        {"layer": 7},
        {"layer": "f" * 9000},
        {"f" * 9000: 7},
    ],
)
def test_a_stolen_terminal_moves_no_cursor_at_the_desk(desk: Desk, wrong: dict[str, str | int]) -> None:
    fields = json.loads(desk.wish())
    del fields["keyid"], fields["sig"]
    with pytest.raises(EnrolmentRefused) as refused:
        desk.gifts.give(signed(fields | wrong, desk.newcomer.event).body, TERMINAL)
    assert str(refused.value).isprintable()
    assert len(str(refused.value)) < 500


@pytest.mark.rule(8)
def test_a_terminal_that_was_revoked_or_only_invited_gets_nothing(desk: Desk) -> None:
    record = desk.site.terminal(TERMINAL)
    for changed in (record.revoked(NOW), msgspec.structs.replace(record, state="invited")):
        desk.site.save(changed)
        with pytest.raises(EnrolmentRefused, match="none of the site's terminals"):
            desk.gifts.give(desk.wish(), TERMINAL)


def test_a_no_goes_to_who_asked_where_it_can_be_said(desk: Desk) -> None:
    assert desk.gifts.refused(desk.wish(), TERMINAL, "no") is not None
    for payload in (b"", b"{}", b'{"terminal":"entrance-1","x":[1]}', b'[["terminal","entrance-1"]]'):
        assert desk.gifts.refused(payload, TERMINAL, "no") is None


def test_a_bundle_brings_all_layers_and_who_comes_with_it_needs_no_more(desk: Desk) -> None:
    late = Newcomer(desk.site, "entrance-2")
    assert late.secrets.pepper.encode() + b"\n" == pepper_text(desk.site.pepper())
    assert pepper_rotation.lacking(desk.site) == (TERMINAL,)
    admission(desk.site).accept(late.asks(), NOW)
    assert desk.site.terminal("entrance-2").layer == desk.second
    assert pepper_rotation.lacking(desk.site) == (TERMINAL,)

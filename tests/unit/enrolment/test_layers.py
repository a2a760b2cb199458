"""A layer of the pepper on its way to a terminal: only who asked opens it, and nothing old or foreign is taken."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from fakes.enrolment import NOW
from kazasu.enrolment import layers
from kazasu.errors import EnrolmentRefused, SignatureInvalid
from kazasu.model.document import signed
from kazasu.model.signature import Ed25519Signer, Ed25519Verifier

if TYPE_CHECKING:
    from kazasu.model.document import Document

SITE, TERMINAL = "town-hall", "entrance-1"
KEY = Ed25519Signer(Ed25519PrivateKey.generate())
EVENT = Ed25519Signer(Ed25519PrivateKey.generate())
THIEF = Ed25519Signer(Ed25519PrivateKey.generate())
IDS = ("1" * 16, "2" * 16)
CONTENT = b"layers, as their file holds them\n"


def verifier(signer: Ed25519Signer) -> Ed25519Verifier:
    return Ed25519Verifier(signer.public)


class Asking:
    """A terminal that has asked."""

    def __init__(self, signer: Ed25519Signer = EVENT, site: str = SITE, terminal: str = TERMINAL) -> None:
        self.key = X25519PrivateKey.generate()
        self.wish = layers.wish(site, terminal, IDS[-1], NOW, event=signer, agreement=self.key)

    def checked(self) -> layers.Wish:
        return layers.wish_in(self.wish.body, SITE, TERMINAL, verifier(EVENT))

    def opens(self, payload: bytes, terminal: str = TERMINAL) -> bytes:
        return layers.opened(
            payload, verifier(KEY), site=SITE, terminal=terminal, asked=self.wish.body, agreement=self.key
        )


@pytest.fixture
def asking() -> Asking:
    return Asking()


def given(asking: Asking, signer: Ed25519Signer = KEY) -> Document:
    return layers.gift(SITE, asking.checked(), CONTENT, signer)


def unsigned(document: Document) -> dict[str, int | str]:
    return {name: value for name, value in document.fields.items() if name not in {"keyid", "sig"}}


def test_who_asked_opens_the_gift_and_the_wire_shows_nothing_of_it(asking: Asking) -> None:
    gift = given(asking)
    assert asking.opens(gift.body) == CONTENT
    assert given(asking).fields["sealed"] != gift.fields["sealed"], "each gift has a key of its own"
    assert CONTENT not in base64.b64decode(str(gift.fields["sealed"]))


@pytest.mark.rule(8)
def test_a_gift_to_another_wish_or_from_nobody_is_none(asking: Asking) -> None:
    earlier, gift = Asking(), given(asking)
    for payload in (given(earlier).body, given(asking, THIEF).body, b"", b"{}", gift.body[:-20], b"x" * 20_000):
        with pytest.raises(SignatureInvalid):
            asking.opens(payload)
    with pytest.raises(SignatureInvalid):
        asking.opens(gift.body, "entrance-2")
    with pytest.raises(SignatureInvalid, match="another wish"):
        earlier.opens(gift.body)


@pytest.mark.rule(8)
def test_what_the_seal_covers_cannot_be_changed_even_by_who_signs(asking: Asking) -> None:
    gift, other = given(asking), given(Asking())
    sealed = bytearray(base64.b64decode(str(gift.fields["sealed"])))
    sealed[0] ^= 1
    for changes in (
        {"sealed": base64.b64encode(sealed).decode()},
        {"sealed": other.fields["sealed"]},
        {"agreement": other.fields["agreement"]},
        {"agreement": base64.b64encode(bytes(32)).decode()},
        {"agreement": "AAAA"},
        {"sealed": "no base64"},
    ):
        with pytest.raises(EnrolmentRefused, match="does not open"):
            asking.opens(signed(unsigned(gift) | changes, KEY).body)


@pytest.mark.rule(8)
def test_a_wish_that_is_not_the_terminals_gets_nothing() -> None:
    for asking in (Asking(THIEF), Asking(site="elsewhere"), Asking(terminal="entrance-2")):
        with pytest.raises(EnrolmentRefused):
            asking.checked()
    good = Asking().wish
    for changes in ({"agreement": "AAAA"}, {"agreement": "?"}, {"more": 1}, {"v": 2}, {"type": "pepper_gift"}):
        with pytest.raises(EnrolmentRefused):
            layers.wish_in(signed(unsigned(good) | changes, EVENT).body, SITE, TERMINAL, verifier(EVENT))


def test_a_key_that_makes_a_secret_which_everybody_knows_gets_nothing(asking: Asking) -> None:
    small = {"agreement": base64.b64encode(bytes(32)).decode()}
    wish = signed(unsigned(asking.wish) | small, EVENT).body
    checked = layers.wish_in(wish, SITE, TERMINAL, verifier(EVENT))
    with pytest.raises(EnrolmentRefused, match="none that anything can be sealed to"):
        layers.gift(SITE, checked, CONTENT, KEY)


def test_a_refusal_says_why_to_who_asked_and_to_nobody_else(asking: Asking) -> None:
    no = layers.refused(SITE, TERMINAL, asking.wish.body, "not you", KEY)
    with pytest.raises(EnrolmentRefused, match="the site says no: not you"):
        asking.opens(no.body)
    with pytest.raises(SignatureInvalid, match="another wish"):
        Asking().opens(no.body)


def test_an_announcement_names_layers_and_is_the_sites() -> None:
    said = layers.announcement(SITE, IDS, NOW, KEY)
    assert layers.layers_in(said.body, SITE, verifier(KEY)) == IDS
    for payload in (
        layers.announcement(SITE, IDS, NOW, THIEF).body,
        layers.announcement("elsewhere", IDS, NOW, KEY).body,
        layers.announcement(SITE, (), NOW, KEY).body,
        layers.announcement(SITE, ("xyz",), NOW, KEY).body,
        layers.announcement(SITE, IDS * 51, NOW, KEY).body,
        signed(unsigned(said) | {"more": 1}, KEY).body,
        b" " * 20_000 + said.body,
        json.dumps([1]).encode(),
    ):
        with pytest.raises(SignatureInvalid):
            layers.layers_in(payload, SITE, verifier(KEY))


@pytest.mark.parametrize(
    "payload", [b"", b"[]", b"{}", b'{"terminal":1}', b'[["terminal","front"]]', b"[" * 9000, b"x" * 20_000]
)
def test_what_is_no_wish_names_nobody(payload: bytes) -> None:
    with pytest.raises(EnrolmentRefused, match=r"no request|larger"):
        layers.wisher(payload)

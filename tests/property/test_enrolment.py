"""A request or a reply that is not quite one is refused; for the rest see test_hostile_desk.py and _terminal.py."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fakes.enrolment import NOW, Newcomer, admission
from kazasu.enrolment import layers
from kazasu.enrolment.reply import certificate_for
from kazasu.enrolment.request import claimed
from kazasu.errors import EnrolmentRefused, SignatureInvalid
from kazasu.model.document import signed
from kazasu.model.pepper import PEPPER_ID
from kazasu.site.pepper_gifts import PepperGifts
from kazasu.virtual.site import make_site

if TYPE_CHECKING:
    from kazasu.site.admission import Admission

VALUES = st.one_of(st.integers(), st.text(max_size=40), st.none(), st.lists(st.integers(), max_size=2))
NAMES = ("v", "type", "site", "terminal", "made", "csr", "event_key", "proof", "request", "certificate", "said", "more")
OF_LAYERS = (
    "v",
    "type",
    "site",
    "terminal",
    "made",
    "layers",
    "layer",
    "agreement",
    "request",
    "sealed",
    "said",
    "more",
)
FEW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


class Desk:
    """A site, one terminal that has asked, and everything to answer it."""

    def __init__(self, folder: Any) -> None:
        self.site = make_site(folder / "site")
        self.newcomer = Newcomer(self.site)
        self.asked = self.newcomer.asks()
        self.admission: Admission = admission(self.site)
        self.record = (self.site.path / "terminals/entrance-1.toml").read_bytes()


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    return Desk(tmp_path_factory.mktemp("desk"))


def is_refused(desk: Desk, payload: bytes) -> None:
    with pytest.raises(EnrolmentRefused):
        desk.admission.accept(payload, NOW)
    assert (desk.site.path / "terminals/entrance-1.toml").read_bytes() == desk.record
    assert sorted(path.name for path in (desk.site.path / "terminals").iterdir()) == ["entrance-1.toml"]


@FEW
@given(st.sampled_from(NAMES), VALUES, st.booleans())
def test_a_request_with_one_field_changed_or_added(desk: Desk, name: str, value: object, resigned: bool) -> None:
    fields = json.loads(desk.asked)
    if fields.get(name) == value:
        return
    changed = fields | {name: value}
    if not resigned:
        is_refused(desk, json.dumps(changed).encode())
        return
    unsigned = {key: each for key, each in changed.items() if key not in {"keyid", "sig"}}
    try:
        body = signed(unsigned, desk.newcomer.one_time).body
    except ValueError:  # no document at all
        return
    is_refused(desk, body)


@FEW
@given(st.dictionaries(st.sampled_from(NAMES), st.text(max_size=40) | st.integers(0, 2**53 - 1), max_size=8))
def test_a_reply_of_any_fields(desk: Desk, fields: dict[str, int | str]) -> None:
    body = signed(fields, desk.admission._signer).body  # the site's own key may sign other documents
    with pytest.raises((SignatureInvalid, EnrolmentRefused)):
        certificate_for(
            body,
            desk.site.verifier(),
            site=desk.site.name,
            terminal="entrance-1",
            request=claimed(desk.asked).digest,
            key=desk.newcomer.client,
        )


JSON = st.recursive(
    VALUES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(OF_LAYERS), inner)
)


@FEW
@given(st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()))
def test_whatever_comes_as_a_wish_for_layers_is_refused_in_words(desk: Desk, payload: bytes) -> None:
    gifts = PepperGifts(desk.site, desk.admission._signer)
    with pytest.raises(EnrolmentRefused):
        gifts.give(payload, "entrance-1")
    no = gifts.refused(payload, "entrance-1", "no")
    assert no is None or no.fields["said"] == "no"
    assert (desk.site.path / "terminals/entrance-1.toml").read_bytes() == desk.record


@FEW
@given(
    st.dictionaries(st.sampled_from(OF_LAYERS), st.text(max_size=40) | st.integers(0, 2**53 - 1), max_size=9),
    st.sampled_from(["pepper", "pepper_gift", "refusal", "pepper_wish", None]),
)
def test_whatever_the_sites_key_signed_is_no_layer(desk: Desk, fields: dict[str, int | str], kind: str | None) -> None:
    whose: dict[str, int | str] = {} if kind is None else {"type": kind, "site": desk.site.name, "v": 1}
    body = signed(fields | whose, desk.admission._signer).body
    with suppress(SignatureInvalid):
        assert all(map(PEPPER_ID.fullmatch, layers.layers_in(body, desk.site.name, desk.site.verifier())))
    key = X25519PrivateKey.generate()
    asked = layers.wish(desk.site.name, "entrance-1", "1" * 16, NOW, event=desk.newcomer.event, agreement=key).body
    with pytest.raises((SignatureInvalid, EnrolmentRefused)):
        layers.opened(
            body, desk.site.verifier(), site=desk.site.name, terminal="entrance-1", asked=asked, agreement=key
        )

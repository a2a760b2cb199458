"""The wire's canonical form and its signature (design, rule 3), for every event that can be."""

from __future__ import annotations

import json

import pytest
import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import example, given
from hypothesis import strategies as st

from fakes.clock import FakeClock
from kazasu.errors import SignatureInvalid
from kazasu.model.document import canonical
from kazasu.model.event import GENESIS, Draft, Place, opened, sealed
from kazasu.model.signature import Ed25519Signer, Ed25519Verifier
from kazasu.store.chain import digest_of

SIGNER = Ed25519Signer(Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
VERIFIER = Ed25519Verifier(SIGNER.public)
CHAIN_FIELDS = set(
    json.loads(
        sealed(
            Draft(event_type="x.y", moment=FakeClock().now(), fields={}),
            Place(site="s", terminal="t", epoch="0" * 16, seq=1, prev=GENESIS),
            SIGNER,
        ).body
    )
)

names = st.from_regex(r"[a-z][a-z0-9_]{0,12}", fullmatch=True) | st.sampled_from(["si", "sig_", "sign", "sit", "site_"])
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=40) | st.sampled_from(
    ['"', "\\", ',"sig":"', ',"site":"', "\x7f", "\u2028", "𠮷野家", "\x00\x1f\b\f"]
)
integers = st.integers(-(2**53) + 1, 2**53 - 1)
fields = st.dictionaries(names, integers | texts, max_size=8)


def event_of(extra: dict[str, int | str]) -> bytes:
    draft = Draft(event_type="attendance.in", moment=FakeClock().now(), fields=extra)
    return sealed(draft, Place(site="市役所", terminal="front", epoch="ab" * 8, seq=7, prev=GENESIS), SIGNER).body


extras = fields.map(lambda given_fields: {n: v for n, v in given_fields.items() if n not in CHAIN_FIELDS})


@given(fields)
def test_canonical_bytes_are_those_of_rfc_8785(mapping: dict[str, int | str]) -> None:
    assert canonical(mapping) == rfc8785.dumps(mapping)


@given(
    st.one_of(
        st.tuples(st.just("n"), st.floats() | st.booleans() | st.none() | st.integers(min_value=2**53)),
        st.tuples(st.text().filter(lambda name: not name.isascii() or not name.islower()), st.just(1)),
        st.tuples(st.just("n"), st.text(st.characters(categories=["Cs"]), min_size=1)),
        st.tuples(st.just("n"), st.lists(st.integers())),
    )
)
def test_what_lies_outside_the_subset_is_refused(item: tuple[str, int | str]) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  (each value has words of its own)
        canonical(dict([item]))


@given(extras)
def test_a_sealed_event_opens_and_its_bytes_are_canonical(extra: dict[str, int | str]) -> None:
    body = event_of(extra)

    event = opened(body, VERIFIER)

    assert event.fields.items() >= extra.items()
    assert canonical(event.fields) == body
    assert digest_of(body) == event.digest


@given(extras)
def test_an_event_survives_those_who_write_json_their_own_way(extra: dict[str, int | str]) -> None:
    body = event_of(extra)

    rewritten = json.dumps(dict(reversed(json.loads(body).items())), indent=2, ensure_ascii=True).encode()

    assert opened(rewritten, VERIFIER).digest == opened(body, VERIFIER).digest


@pytest.mark.rule(3)
@given(extras, st.data())
def test_any_changed_field_is_refused(extra: dict[str, int | str], data: st.DataObject) -> None:
    event = json.loads(event_of(extra))
    name = data.draw(st.sampled_from(sorted(event)))
    other = data.draw((integers | texts).filter(lambda value: value != event[name]))

    with pytest.raises(SignatureInvalid):
        opened(json.dumps(event | {name: other}).encode(), VERIFIER)


@pytest.mark.rule(3)
@given(extras, st.data())
def test_a_removed_added_or_doubled_field_is_refused(extra: dict[str, int | str], data: st.DataObject) -> None:
    body = event_of(extra)
    event = json.loads(body)
    name = data.draw(st.sampled_from(sorted(event)))
    removed = {key: value for key, value in event.items() if key != name}
    added = event | {"zz_added": 1}
    doubled = body[:-1] + b"," + json.dumps({name: event[name]}).encode()[1:]

    for changed in (json.dumps(removed).encode(), json.dumps(added).encode(), doubled):
        with pytest.raises(SignatureInvalid):
            opened(changed, VERIFIER)


@example(b"[" * 100_000)
@given(
    st.binary(max_size=200)
    | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(lambda value: json.dumps(value).encode())
)
def test_what_is_no_event_is_refused_and_never_a_traceback(body: bytes) -> None:
    with pytest.raises(SignatureInvalid):
        opened(body, VERIFIER)

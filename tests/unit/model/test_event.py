from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from fakes.clock import FakeClock
from kazasu.errors import SignatureInvalid
from kazasu.model.document import canonical
from kazasu.model.event import GENESIS, Draft, Place, opened, sealed
from kazasu.model.signature import Ed25519Signer, Ed25519Verifier

if TYPE_CHECKING:
    from kazasu.model.access import EventFields

# RFC 8032, section 7.1, test 1, page 24.
SIGNER = Ed25519Signer(
    Ed25519PrivateKey.from_private_bytes(
        bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
    )
)
VERIFIER = Ed25519Verifier(SIGNER.public)
PLACE = Place(site="city", terminal="front", epoch="00112233445566aa", seq=1, prev=GENESIS)


def event_of(fields: EventFields, place: Place = PLACE) -> bytes:
    draft = Draft(event_type="attendance.in", moment=FakeClock().now(), fields=fields)
    return sealed(draft, place, SIGNER).body


def test_the_key_and_its_signatures_are_those_of_the_rfc() -> None:
    assert SIGNER.public.public_bytes_raw().hex() == "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
    assert SIGNER.sign(b"").hex().startswith("e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155")


def test_an_event_is_flat_json_as_the_wire_says() -> None:
    event = json.loads(event_of({"reader": "front"}))

    signature = event.pop("sig")
    assert len(base64.b64decode(signature)) == 64
    assert event == {
        "boot": "b" * 32,
        "epoch": "00112233445566aa",
        "event_type": "attendance.in",
        "id": "00112233445566aa.1",
        "keyid": SIGNER.keyid,
        "mono_ms": 1_000_000,
        "prev": GENESIS,
        "reader": "front",
        "seq": 1,
        "site": "city",
        "terminal": "front",
        "time": "2026-04-01T08:30:00.000+00:00",
        "time_error_ms": 5,
        "time_source": "ntp",
        "v": 1,
    }


@pytest.mark.parametrize("name", ["seq", "prev", "keyid", "time", "site"])
def test_what_the_chain_writes_cannot_be_given(name: str) -> None:
    with pytest.raises(ValueError, match=name):
        event_of({name: "x"})


@pytest.mark.rule(3)
def test_another_key_does_not_open_it() -> None:
    other = Ed25519Signer(Ed25519PrivateKey.from_private_bytes(bytes(32)))

    with pytest.raises(SignatureInvalid, match=f"'{SIGNER.keyid}', not {other.keyid}"):
        opened(event_of({}), Ed25519Verifier(other.public))


@pytest.mark.rule(3)
def test_a_key_that_claims_another_keys_name_does_not_open_it() -> None:
    event = json.loads(event_of({}))
    other = Ed25519Signer(Ed25519PrivateKey.from_private_bytes(bytes(32)))

    with pytest.raises(SignatureInvalid):
        opened(json.dumps(event | {"keyid": other.keyid}).encode(), Ed25519Verifier(other.public))


def test_a_number_that_is_no_integer_is_refused_even_if_signed() -> None:
    fields: EventFields = json.loads(event_of({}))
    del fields["sig"]
    fields["seq"] = "1"
    fields["sig"] = base64.b64encode(SIGNER.sign(canonical(fields))).decode()

    with pytest.raises(SignatureInvalid, match="seq is '1'"):
        opened(json.dumps(fields).encode(), VERIFIER)


def test_a_signer_does_not_show_its_key() -> None:
    assert repr(SIGNER) == f"<Ed25519Signer {SIGNER.keyid}>"

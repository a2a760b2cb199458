from __future__ import annotations

import base64
import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from fakes.backlog import FakeBacklog
from kazasu.errors import SignatureInvalid
from kazasu.model.document import canonical
from kazasu.model.receipt import Receipt
from kazasu.model.signature import Ed25519Signer, Ed25519Verifier
from kazasu.publishers.receipt_trust import ReceiptReader
from kazasu.virtual.subscriber import Chain, signed_receipt

EPOCH, DIGEST = "0123456789abcdef", "ab" * 32
COLLECTOR = Ed25519Signer(Ed25519PrivateKey.from_private_bytes(b"c" * 32))
FORGER = Ed25519Signer(Ed25519PrivateKey.from_private_bytes(b"f" * 32))
READER = ReceiptReader("s", "t", Ed25519Verifier(COLLECTOR.public))

pytestmark = pytest.mark.rule(5)


def signed(signer: Ed25519Signer = COLLECTOR, **changes: int | str | None) -> bytes:
    fields: dict[str, int | str | None] = {
        "v": 1,
        "site": "s",
        "terminal": "t",
        "epoch": EPOCH,
        "seq": 5,
        "hash": DIGEST,
        "keyid": signer.keyid,
    }
    present = {name: value for name, value in (fields | changes).items() if value is not None}
    return canonical(present | {"sig": base64.b64encode(signer.sign(canonical(present))).decode()})


def test_a_good_receipt_is_read() -> None:
    assert READER.read(signed()) == Receipt(epoch=EPOCH, seq=5, digest=DIGEST)


def test_the_stand_in_of_the_collector_signs_the_same_bytes() -> None:
    assert signed_receipt(COLLECTOR, "s", "t", EPOCH, Chain(seq=5, digest=DIGEST)) == signed()


def test_a_receipt_may_be_written_anew_on_its_way() -> None:
    assert READER.read(json.dumps(json.loads(signed()), indent=2).encode()).seq == 5


@pytest.mark.parametrize(
    ("payload", "why"),
    [
        (signed(FORGER), "names the key"),
        (signed(FORGER, keyid=COLLECTOR.keyid), "was not made by the key"),
        (signed().replace(b'"seq":5', b'"seq":6'), "was not made by the key"),
        (signed(terminal="other"), "not for this terminal"),
        (signed(site="other"), "not for this terminal"),
        (signed(v=2), "wire version"),
        (signed(seq=0), "seq"),
        (signed(seq=-1), "seq"),
        (signed(seq="5"), "seq"),
        (signed(epoch="x"), "epoch"),
        (signed(epoch=7), "epoch"),
        (signed(hash="x"), "hash"),
        (signed(hash=7), "hash"),
        (signed(hash=None), "fields"),
        (signed(extra=1), "fields"),
        (signed().replace(b'{"epoch"', b'{"seq":9,"epoch"'), "twice"),
        (b"", "no signed document"),
        (b"[" * 100_000, "no signed document"),
        (b'{"sig":', "no signed document"),
        (b'"sig"', "no signed document"),
    ],
)
def test_anything_else_is_refused(payload: bytes, why: str) -> None:
    with pytest.raises(SignatureInvalid, match=why):
        READER.read(payload)


def test_an_event_never_passes_for_a_receipt_not_even_with_one_key_for_both() -> None:
    backlog = FakeBacklog(COLLECTOR)
    backlog.grow(1)
    with pytest.raises(SignatureInvalid, match="fields"):
        READER.read(backlog.events[0].body)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["sig", "v", "keyid", "seq", "epoch"]), inner),
)


@given(st.binary() | JSON.map(lambda value: json.dumps(value).encode()))
def test_garbage_raises_nothing_but_signature_invalid(payload: bytes) -> None:
    with pytest.raises(SignatureInvalid):
        READER.read(payload)


@given(position=st.integers(0, len(signed()) - 1), byte=st.integers(0, 255))
def test_no_changed_byte_changes_what_a_receipt_says(position: int, byte: int) -> None:
    changed = bytearray(signed())
    changed[position] = byte
    try:
        assert READER.read(bytes(changed)) == READER.read(signed())
    except SignatureInvalid:
        return

"""Whatever a card answers to the PIV kind: only a genuine signature makes more of it than a number."""

from __future__ import annotations

import itertools
import secrets
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fakes.card_channel import FakeCardChannel, ScriptedCard
from fakes.clock import FakeClock
from kazasu.cards.identify import CardKinds
from kazasu.cards.piv import Piv
from kazasu.cards.pseudonym import Pseudonymizer
from kazasu.errors import CardError
from kazasu.model.access import Assurance
from kazasu.virtual.piv_issuer import PivIssuer, certificate_object, chuid, ec_key
from kazasu.virtual.tlv import tlv

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fakes.card_channel import AnswersApdus
    from kazasu.model.access import Identifier

ISSUER = PivIssuer()
KEY = ec_key("card")
GUID = bytes(range(16))
CERTIFICATE = ISSUER.certificate(KEY.public_key(), guid=GUID)
DER = CERTIFICATE.public_bytes(Encoding.DER)
CARD = ISSUER.card(KEY, guid=GUID, certificate=CERTIFICATE)
MOST_APDUS = 200

SIGNATURE = KEY.sign(bytes(32), ec.ECDSA(hashes.SHA256()))  # over another challenge than any that is drawn

status_words = st.sampled_from([0x9000, 0x9000, 0x9000, 0x6100, 0x6110, 0x6A82, 0x6982, 0x6F00]) | st.integers(
    0, 0xFFFF
)
contents = st.sampled_from(
    [
        b"",
        chuid(GUID, signature=b""),
        chuid(GUID)[:80],
        certificate_object(DER),
        certificate_object(DER, compressed=True),
        certificate_object(DER)[:256],
        tlv(0x7C, tlv(0x82, SIGNATURE)),
    ]
) | st.binary(max_size=300)


PSEUDONYMIZER = Pseudonymizer(bytes(32))


@pytest.fixture(scope="module")
def ca_file() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "ca.pem"
        file.write_bytes(ISSUER.ca_certificate.public_bytes(Encoding.PEM))
        yield file


def kinds_of(ca_file: Path) -> CardKinds:
    """Kinds that have seen no card yet."""
    clock = FakeClock(CERTIFICATE.not_valid_before_utc)
    return CardKinds([Piv([ca_file], PSEUDONYMIZER, clock, secrets.token_bytes)])


def tap(kinds: CardKinds, card: AnswersApdus) -> Identifier | None:
    """What came of it; None if the card was refused."""
    channel = FakeCardChannel(card)
    try:
        return kinds.identify(channel, CARD.atr)
    except CardError:
        return None
    finally:
        assert len(channel.sent) <= MOST_APDUS


@settings(max_examples=1000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(contents, status_words), min_size=1, max_size=8))
def test_answers_without_sense_prove_no_key(ca_file: Path, script: list[tuple[bytes, int]]) -> None:
    rest = itertools.cycle(script)

    def answer(_: bytes) -> bytes:
        data, sw = next(rest)
        return data + sw.to_bytes(2)

    identifier = tap(kinds_of(ca_file), ScriptedCard(answer))
    assert identifier is None or identifier.assurance is Assurance.SERIAL


@settings(max_examples=1500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    warm=st.booleans(),
    which=st.integers(0, 7),
    at=st.integers(0, 300),
    removed=st.integers(0, 300),
    put_in=st.binary(max_size=8),
    sw=st.none() | status_words,
)
def test_one_changed_answer_makes_no_other_card_of_it(
    ca_file: Path, warm: bool, which: int, at: int, removed: int, put_in: bytes, sw: int | None
) -> None:
    kinds = kinds_of(ca_file)
    CARD.power_on()
    genuine = tap(kinds, CARD)
    assert genuine is not None
    count = itertools.count()

    def answer(apdu: bytes) -> bytes:
        whole = CARD.transmit(apdu)
        if next(count) != which:
            return whole
        data = whole[:-2]
        return data[:at] + put_in + data[at + removed :] + (whole[-2:] if sw is None else sw.to_bytes(2))

    identifier = tap(kinds if warm else kinds_of(ca_file), ScriptedCard(answer))
    assert identifier is None or identifier.assurance is Assurance.SERIAL or identifier == genuine

"""Whatever a card answers while its PIN is verified: only a genuine signature makes an identifier of it."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fakes.card_channel import FakeCardChannel, ScriptedCard
from fakes.clock import FakeClock
from kazasu.cards.identify import CardKinds
from kazasu.cards.jpki import Jpki
from kazasu.cards.jpki_authentication import Authentication
from kazasu.cards.pseudonym import Pseudonymizer
from kazasu.errors import CardError
from kazasu.model.access import Assurance
from kazasu.readers.demand import FixedDemand
from kazasu.virtual.issuer import JpkiIssuer, rsa_key
from kazasu.virtual.jpki import ATR_CONTACTLESS, TOKEN_ANDROID, TOKEN_CARD

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ISSUER = JpkiIssuer()
KEY = rsa_key("card")
CERTIFICATE = ISSUER.certificate(KEY.public_key())
PIN = "4711"
SIGN = 0x2A

status_words = st.sampled_from([0x9000, 0x63C0, 0x63C1, 0x63C3, 0x6100, 0x6110, 0x6983, 0x6984, 0x6A82, 0x6F00])
odd_answers = st.tuples(
    st.binary(max_size=4) | st.binary(min_size=254, max_size=260), status_words | st.integers(0, 0xFFFF)
)


class Pins:
    """Implements the PinSource seam: always the right PIN."""

    def ask(self, tries_left: int, length: range, meanwhile: Callable[[], None]) -> str | None:
        meanwhile()
        return PIN


@pytest.fixture(scope="module")
def kinds() -> Iterator[CardKinds]:
    authentication = Authentication(Pins(), FixedDemand(Assurance.CHALLENGE_PIN))
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "ca.pem"
        file.write_bytes(ISSUER.ca_certificate.public_bytes(Encoding.PEM))
        clock = FakeClock(CERTIFICATE.not_valid_before_utc)
        yield CardKinds([Jpki([file], Pseudonymizer(bytes(32)), clock, authentication)])


@settings(max_examples=1500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    token=st.sampled_from([TOKEN_CARD, TOKEN_ANDROID]),
    odd=st.dictionaries(st.integers(1, 16), odd_answers, min_size=1, max_size=4),
)
def test_no_answer_but_a_signature_proves_the_key(
    kinds: CardKinds, token: str, odd: dict[int, tuple[bytes, int]]
) -> None:
    card = ISSUER.card(KEY, CERTIFICATE, pin=PIN, token=token)
    card.power_on()
    genuine = False
    count = 0

    def answer(apdu: bytes) -> bytes:
        nonlocal count, genuine
        count += 1
        if count in odd:
            data, sw = odd[count]
            return data + sw.to_bytes(2)
        answered = card.transmit(apdu)
        genuine |= apdu[1] == SIGN and answered[-2:] == b"\x90\x00"
        return answered

    try:
        identifier = kinds.identify(FakeCardChannel(ScriptedCard(answer)), ATR_CONTACTLESS)
    except CardError:
        return
    assert genuine
    assert identifier.assurance is Assurance.CHALLENGE_PIN

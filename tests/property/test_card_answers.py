"""Whatever a card answers, the daemon lives: an identifier, or an error of the card, and nothing else."""

from __future__ import annotations

import itertools
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fakes.card_channel import FakeCardChannel, ScriptedCard
from fakes.clock import FakeClock
from kazasu.cards.felica import Felica
from kazasu.cards.identify import CardKinds
from kazasu.cards.jpki import Jpki
from kazasu.cards.mifare import Mifare
from kazasu.cards.pseudonym import Pseudonymizer
from kazasu.errors import CardError
from kazasu.model.access import Assurance
from kazasu.virtual.felica import FELICA_ATR
from kazasu.virtual.issuer import JpkiIssuer, rsa_key
from kazasu.virtual.jpki import ATR_CONTACTLESS
from kazasu.virtual.mifare import CLASSIC_1K_ATR
from kazasu.virtual.type_b import DRIVING_LICENCE_ATR

if TYPE_CHECKING:
    from collections.abc import Iterator

ISSUER = JpkiIssuer()
CERTIFICATE = ISSUER.certificate(rsa_key("card").public_key())
DER = CERTIFICATE.public_bytes(Encoding.DER)
TOKEN = b"JPKIAPICCTOKEN2".ljust(32).ljust(160, b"\0")
MOST_APDUS = 200

atrs = st.sampled_from([ATR_CONTACTLESS, FELICA_ATR, CLASSIC_1K_ATR, DRIVING_LICENCE_ATR]) | st.binary(max_size=33)
status_words = st.sampled_from([0x9000, 0x9000, 0x9000, 0x6282, 0x6100, 0x6120, 0x6C00, 0x6C10, 0x6A82, 0x6F00])
answers = st.tuples(
    st.sampled_from([b"", TOKEN, TOKEN[:32], DER, DER[:64], DER[64:320]]) | st.binary(max_size=300),
    status_words | st.integers(0, 0xFFFF),
)


@pytest.fixture(scope="module")
def kinds() -> Iterator[CardKinds]:
    clock = FakeClock(CERTIFICATE.not_valid_before_utc)
    pseudonymizer = Pseudonymizer(bytes(32))
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "ca.pem"
        file.write_bytes(ISSUER.ca_certificate.public_bytes(Encoding.PEM))
        yield CardKinds([Jpki([file], pseudonymizer, clock), Felica(pseudonymizer), Mifare(pseudonymizer)])


def identify(kinds: CardKinds, card: ScriptedCard, atr: bytes) -> None:
    channel = FakeCardChannel(card)
    try:
        identifier = kinds.identify(channel, atr)
    except CardError:
        pass
    else:
        assert identifier.assurance is (Assurance.SIGNED_DATA if identifier.kind == "jpki" else Assurance.SERIAL)
    assert len(channel.sent) <= MOST_APDUS


@settings(max_examples=4000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(atr=atrs, script=st.lists(answers, min_size=1, max_size=12))
def test_answers_without_sense_are_errors_of_the_card(
    kinds: CardKinds, atr: bytes, script: list[tuple[bytes, int]]
) -> None:
    rest = itertools.cycle(script)

    def answer(_: bytes) -> bytes:
        data, sw = next(rest)
        return data + sw.to_bytes(2)

    identify(kinds, ScriptedCard(answer), atr)


class NearlyGenuine:
    """A card with the right files, or nearly; its n-th answer may be cut or have another status."""

    def __init__(self, certificate: bytes, token: bytes, odd: dict[int, tuple[int, int]]) -> None:
        self._files = {"0006": token, "000a": certificate}
        self._selected = b""
        self._odd = odd
        self._count = 0

    def answer(self, apdu: bytes) -> bytes:
        self._count += 1
        data, sw = b"", 0x9000
        if apdu[1] == 0xA4:
            self._selected = self._files.get(apdu[-2:].hex(), b"")
        elif apdu[1] == 0xB0:
            offset = int.from_bytes(apdu[2:4])
            data = self._selected[offset : offset + (int.from_bytes(apdu[4:]) or 256)]
        cut, other = self._odd.get(self._count, (len(data), sw))
        return data[:cut] + other.to_bytes(2)


@st.composite
def changed(draw: st.DrawFn, content: bytes) -> bytes:
    """The content with a few bytes set, put in or taken out."""
    result = bytearray(content)
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(result) - 1) | st.integers(0, 40))
        match draw(st.integers(0, 2)):
            case 0:
                result[at] = draw(st.integers(0, 255))
            case 1:
                result[at:at] = draw(st.binary(max_size=8))
            case _:
                del result[at : at + draw(st.integers(1, 8))]
    return bytes(result)


@settings(max_examples=6000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    certificate=changed(DER),
    token=st.just(TOKEN) | changed(TOKEN),
    odd=st.dictionaries(st.integers(1, 14), st.tuples(st.integers(0, 300), status_words), max_size=2),
)
def test_a_nearly_genuine_card_is_read_or_refused(
    kinds: CardKinds, certificate: bytes, token: bytes, odd: dict[int, tuple[int, int]]
) -> None:
    identify(kinds, ScriptedCard(NearlyGenuine(certificate, token, odd).answer), ATR_CONTACTLESS)

"""A PIV card in a real pcscd's reader: what it proves there, and what a copy of it does."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from fakes.clock import FakeClock
from kazasu.cards.identify import CardKinds
from kazasu.cards.piv import Piv
from kazasu.cards.pseudonym import Pseudonymizer
from kazasu.model.access import Assurance, DenyReason
from kazasu.readers.one_tap import one_tap
from kazasu.virtual.issuer import rsa_key
from kazasu.virtual.piv import CARD_AUTHENTICATION, CERTIFICATES
from kazasu.virtual.piv_issuer import PivIssuer, clone, ec_key

if TYPE_CHECKING:
    from pathlib import Path

    from kazasu.model.input import CardRead
    from kazasu.virtual.piv import PivCard, PrivateKey
    from kazasu.virtual.vpcd import Slot

ISSUER = PivIssuer()
KEYS = [rsa_key("card"), ec_key("card"), ec_key("card", "secp384r1")]


@pytest.fixture
def kinds(tmp_path: Path) -> CardKinds:
    file = tmp_path / "piv-ca.pem"
    file.write_bytes(ISSUER.ca_certificate.public_bytes(Encoding.PEM))
    clock = FakeClock(ISSUER.ca_certificate.not_valid_after_utc)
    clock.advance(-8 * 365 * 86400)  # two years after the authority began: its cards are a year old
    return CardKinds([Piv([file], Pseudonymizer(bytes(32)), clock, secrets.token_bytes)])


def tap(kinds: CardKinds, slot: Slot, card: PivCard) -> CardRead:
    slot.swap(card)
    slot.wait_for(lambda: slot.powered)
    read = one_tap("Virtual PCD 00 00", kinds, FakeClock(), 30.0)
    slot.remove()
    slot.wait_for(lambda: slot.vacant)
    assert read is not None
    return read


@pytest.mark.parametrize("key", KEYS, ids=["rsa", "p256", "p384"])
def test_the_card_is_read_twice_and_its_copies_are_worth_a_number_at_most(
    kinds: CardKinds, slot: Slot, key: PrivateKey
) -> None:
    card = ISSUER.card(key)
    number_only = clone(card)
    del number_only.objects[CERTIFICATES[CARD_AUTHENTICATION]]

    reads = [tap(kinds, slot, each) for each in (card, card, clone(card, key=ec_key("copier")), number_only)]

    identifiers = [read.identifier for read in reads]
    proved = identifiers[0]
    assert proved is not None
    assert (proved.kind, proved.assurance) == ("piv", Assurance.CHALLENGE)
    assert identifiers[1] == proved
    assert reads[2].refusal is DenyReason.AUTHENTICATION_FAILED
    assert identifiers[3] is not None
    assert identifiers[3].pseudonym == proved.pseudonym
    assert identifiers[3].assurance is Assurance.SERIAL
    assert card.used == {CARD_AUTHENTICATION}

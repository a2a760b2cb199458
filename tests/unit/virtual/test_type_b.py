from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kazasu.virtual.issuer import JpkiIssuer, rsa_key
from kazasu.virtual.type_b import DRIVING_LICENCE_ATR, DrivingLicence

if TYPE_CHECKING:
    from kazasu.virtual.jpki import JpkiCard


@pytest.fixture(params=["driving licence", "My Number Card"])
def card(request: pytest.FixtureRequest, issuer: JpkiIssuer) -> DrivingLicence | JpkiCard:
    return DrivingLicence() if request.param == "driving licence" else issuer.card(rsa_key("card"))


def test_the_number_is_another_at_each_activation_and_the_same_in_between(card: DrivingLicence | JpkiCard) -> None:
    numbers = set()
    for _ in range(8):
        card.power_on()
        number = card.transmit(bytes.fromhex("FFCA000000"))
        assert (len(number), number[-2:]) == (6, b"\x90\x00")
        card.reset()
        assert card.transmit(bytes.fromhex("FFCA000000")) == number
        numbers.add(number)
        card.power_off()

    assert len(numbers) > 1


def test_a_driving_licence_has_none_of_our_applications() -> None:
    card = DrivingLicence()

    assert card.atr == DRIVING_LICENCE_ATR
    assert card.transmit(bytes.fromhex("00A4040C0AD392F000260100000001")) == b"\x6a\x82"
    assert card.transmit(bytes.fromhex("00B0000000")) == b"\x6d\x00"

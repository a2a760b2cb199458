"""Which kind gets the card, and what is said when none does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fakes.card_channel import FakeCardChannel, scripted
from kazasu.cards.felica import Felica
from kazasu.cards.guard import Allowance
from kazasu.cards.identify import CardKinds
from kazasu.cards.mifare import Mifare
from kazasu.errors import CardGone, CardRefused, ForbiddenApdu, UnexpectedStatus
from kazasu.model.access import Assurance, DenyReason, Identifier
from kazasu.virtual.felica import FELICA_ATR, FelicaCard
from kazasu.virtual.mifare import CLASSIC_1K_ATR, ULTRALIGHT_ATR, MifareCard
from kazasu.virtual.type_b import DRIVING_LICENCE_ATR, DrivingLicence

if TYPE_CHECKING:
    from kazasu.cards.pseudonym import Pseudonymizer

DESFIRE_ATR = bytes.fromhex("3B8180018080")
# ACS, ACR122U Application Programming Interface, "How to access FeliCa tags": 212 kbit/s; 424 kbit/s likewise.
ACR122U_FELICA_ATRS = [
    bytes.fromhex("3B8F8001804F0CA00000030603F011000000008A"),
    bytes.fromhex("3B8F8001804F0CA00000030603F0120000000089"),
]
IDM = bytes.fromhex("0123456789ABCDEF")


@pytest.fixture
def kinds(pseudonymizer: Pseudonymizer) -> CardKinds:
    return CardKinds([Felica(pseudonymizer), Mifare(pseudonymizer)])


def refusal(kinds: CardKinds, channel: FakeCardChannel, atr: bytes) -> CardRefused:
    with pytest.raises(CardRefused) as caught:
        kinds.identify(channel, atr)
    return caught.value


def test_felica_is_known_by_its_idm(kinds: CardKinds, pseudonymizer: Pseudonymizer) -> None:
    channel = FakeCardChannel(FelicaCard(IDM))
    assert kinds.identify(channel, FELICA_ATR) == Identifier(
        kind="felica",
        pseudonym=pseudonymizer.pseudonym("felica", IDM),
        assurance=Assurance.SERIAL,
        why_not_more="its IDm is all that is asked of it here, and can be copied",
    )
    assert channel.sent == [bytes.fromhex("FFCA000000")]


@pytest.mark.parametrize("uid", ["04A1B2C3", "04A1B2C3D4E5F6", "04A1B2C3D4E5F6A7B8C9"])
@pytest.mark.parametrize("atr", [CLASSIC_1K_ATR, ULTRALIGHT_ATR])
def test_mifare_is_known_by_its_whole_uid(kinds: CardKinds, pseudonymizer: Pseudonymizer, uid: str, atr: bytes) -> None:
    number = bytes.fromhex(uid)
    assert kinds.identify(FakeCardChannel(MifareCard(number, atr)), atr) == Identifier(
        kind="mifare",
        pseudonym=pseudonymizer.pseudonym("mifare", number),
        assurance=Assurance.SERIAL,
        why_not_more="its UID is all that is read of it, and can be copied",
    )


def test_a_random_uid_is_no_number(kinds: CardKinds) -> None:
    error = refusal(kinds, FakeCardChannel(MifareCard(bytes.fromhex("08A1B2C3"))), CLASSIC_1K_ATR)
    assert error.reason is DenyReason.NO_STABLE_NUMBER


def test_a_long_uid_that_starts_with_08_is_not_random(kinds: CardKinds) -> None:
    card = MifareCard(bytes.fromhex("08A1B2C3D4E5F6"))
    assert kinds.identify(FakeCardChannel(card), CLASSIC_1K_ATR).kind == "mifare"


def test_the_first_part_of_a_longer_uid_is_no_number(kinds: CardKinds) -> None:
    error = refusal(kinds, FakeCardChannel(MifareCard(bytes.fromhex("8804A1B2"))), CLASSIC_1K_ATR)
    assert error.reason is DenyReason.CARD_UNREADABLE


@pytest.mark.parametrize("idm", ["01FE010203040506", "02FE010203040506", "0000000000000000"])
def test_a_number_that_a_phone_made_up_or_that_is_none_is_not_stable(kinds: CardKinds, idm: str) -> None:
    error = refusal(kinds, FakeCardChannel(FelicaCard(bytes.fromhex(idm))), FELICA_ATR)
    assert error.reason is DenyReason.NO_STABLE_NUMBER


@pytest.mark.parametrize("uid", ["00000000", "00000000000000"])
def test_a_uid_of_zeros_is_no_number(kinds: CardKinds, uid: str) -> None:
    error = refusal(kinds, FakeCardChannel(MifareCard(bytes.fromhex(uid))), CLASSIC_1K_ATR)
    assert error.reason is DenyReason.NO_STABLE_NUMBER


@pytest.mark.parametrize("atr", ACR122U_FELICA_ATRS)
def test_felica_is_known_on_a_reader_that_calls_it_type_a(kinds: CardKinds, atr: bytes) -> None:
    at_another_reader = kinds.identify(FakeCardChannel(FelicaCard(IDM)), FELICA_ATR)
    assert kinds.identify(FakeCardChannel(FelicaCard(IDM)), atr) == at_another_reader


@pytest.mark.parametrize("atr", [FELICA_ATR, CLASSIC_1K_ATR])
@pytest.mark.parametrize("number", ["", "01", "0102030405", "010203040506070809", "AA" * 200])
def test_a_number_of_another_length_is_unreadable(kinds: CardKinds, atr: bytes, number: str) -> None:
    error = refusal(kinds, FakeCardChannel(scripted(number + "9000")), atr)
    assert error.reason is DenyReason.CARD_UNREADABLE


@pytest.mark.rule(7)
def test_a_refusal_does_not_name_the_number(kinds: CardKinds) -> None:
    error = refusal(kinds, FakeCardChannel(MifareCard(bytes.fromhex("08A1B2C3"))), CLASSIC_1K_ATR)
    assert "a1b2c3" not in str(error).lower()


def test_a_reader_without_the_command_is_an_unexpected_status(kinds: CardKinds) -> None:
    with pytest.raises(UnexpectedStatus, match="function not supported"):
        kinds.identify(FakeCardChannel(scripted("6A81")), FELICA_ATR)


def test_a_type_b_card_that_nobody_reads_has_no_stable_number(kinds: CardKinds) -> None:
    channel = FakeCardChannel(DrivingLicence())
    error = refusal(kinds, channel, DRIVING_LICENCE_ATR)
    assert error.reason is DenyReason.NO_STABLE_NUMBER
    assert str(error) == "this card has no stable number"
    assert channel.sent == []  # the PUPI is not even asked for


@pytest.mark.parametrize(
    "atr",
    [
        DESFIRE_ATR,
        bytes.fromhex("3B86800106757781028000"),
        bytes.fromhex("3B888001000000000000000009"),  # type A with eight historical bytes
        bytes.fromhex("3B888001000000009181C100D9"),  # a driving licence's with a wrong check byte
        bytes.fromhex("3B888001000000009881C100D1"),  # one with a reserved bit
        bytes.fromhex("3B8F8001804F0CA00000030611003B00000000")[:19],  # cut short
        b"",
        b"\x3b",
    ],
)
def test_a_card_that_nobody_reads_is_foreign(kinds: CardKinds, atr: bytes) -> None:
    assert refusal(kinds, FakeCardChannel(scripted()), atr).reason is DenyReason.FOREIGN_CARD


def test_a_kind_that_is_not_configured_is_foreign(pseudonymizer: Pseudonymizer) -> None:
    error = refusal(CardKinds([Mifare(pseudonymizer)]), FakeCardChannel(scripted()), FELICA_ATR)
    assert error.reason is DenyReason.FOREIGN_CARD


def test_a_card_that_leaves_is_gone(kinds: CardKinds) -> None:
    with pytest.raises(CardGone):
        kinds.identify(FakeCardChannel(FelicaCard(IDM), remove_at=1), FELICA_ATR)


def test_the_first_command_after_power_up_may_fail_once(kinds: CardKinds) -> None:
    assert kinds.identify(FakeCardChannel(scripted("6F00", IDM.hex() + "9000")), FELICA_ATR).kind == "felica"


class Careless:
    """A kind that sends what it did not name."""

    name = "careless"
    reach = Assurance.SERIAL
    allow = Allowance()

    def read(self, channel: object, atr: bytes) -> Identifier | None:
        return channel.transmit(bytes.fromhex("FFCA000000"))  # type: ignore[attr-defined,no-any-return]


@pytest.mark.rule(6)
def test_every_kind_talks_through_the_guard() -> None:
    channel = FakeCardChannel(scripted())
    with pytest.raises(ForbiddenApdu):
        CardKinds([Careless()]).identify(channel, DESFIRE_ATR)
    assert channel.sent == []

"""The common card application: a number that can be copied, where the configuration asks for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.card_channel import FakeCardChannel, ScriptedCard
from kazasu.cards.common import Common
from kazasu.cards.identify import CardKinds
from kazasu.cards.jpki import Jpki
from kazasu.cards.pseudonym import Pseudonymizer
from kazasu.errors import CardGone, CardRefused
from kazasu.model.access import Assurance, DenyReason, Identifier
from kazasu.model.configuration import Cards
from kazasu.virtual.felica import FELICA_ATR, FelicaCard
from kazasu.virtual.files import File, FileCard
from kazasu.virtual.issuer import JpkiIssuer, rsa_key
from kazasu.virtual.jpki import AID_COMMON, AID_JPKI, ATR_CONTACTLESS
from kazasu.virtual.type_b import DRIVING_LICENCE_ATR, DrivingLicence

if TYPE_CHECKING:
    from pathlib import Path

    from fakes.card_channel import AnswersApdus
    from fakes.clock import FakeClock
    from kazasu.virtual.jpki import JpkiCard

# soltia48/myna-card, src/ap/common.rs, tests: record 1 of EF 0001 on a test card, byte for byte
DIGITS = "4000000127198431322120350217"
SERIAL = b"400000012719843"
KEY = rsa_key("card")


@pytest.fixture
def card(issuer: JpkiIssuer) -> JpkiCard:
    return issuer.card(KEY, common=DIGITS)


@pytest.fixture
def kinds(pseudonymizer: Pseudonymizer) -> CardKinds:
    return CardKinds([Common(pseudonymizer)])


def tap(kinds: CardKinds, card: AnswersApdus, atr: bytes = ATR_CONTACTLESS) -> Identifier:
    return kinds.identify(FakeCardChannel(card), atr)


def refusal(kinds: CardKinds, card: AnswersApdus) -> CardRefused:
    with pytest.raises(CardRefused) as caught:
        tap(kinds, card)
    return caught.value


def answering(record: bytes, sw: int = 0x9000) -> ScriptedCard:
    """A card with this record."""
    return ScriptedCard(lambda apdu: b"\x90\x00" if apdu[1] == 0xA4 else record + sw.to_bytes(2))


def test_the_serial_number_proves_serial_and_nothing_more(
    kinds: CardKinds, card: JpkiCard, pseudonymizer: Pseudonymizer
) -> None:
    identifier = tap(kinds, card)
    assert (identifier.kind, identifier.assurance) == ("common", Assurance.SERIAL)
    assert identifier.pseudonym == pseudonymizer.pseudonym("common", SERIAL)
    assert "copied" in identifier.why_not_more


@pytest.mark.rule(6)
def test_no_other_application_is_touched(kinds: CardKinds, card: JpkiCard) -> None:
    card.power_on()
    channel = FakeCardChannel(card)
    kinds.identify(channel, ATR_CONTACTLESS)
    assert card.touched == {AID_COMMON}
    assert channel.sent == [b"\x00\xa4\x04\x0c\x0a" + AID_COMMON, bytes.fromhex("00B2010C00")]


def test_municipality_and_expiry_may_change_and_the_card_stays_the_same(kinds: CardKinds, issuer: JpkiIssuer) -> None:
    later = issuer.card(KEY, common=DIGITS[:15] + "0110020360401")
    other = issuer.card(KEY, common="5" + DIGITS[1:])
    assert tap(kinds, later) == tap(kinds, issuer.card(KEY, common=DIGITS)) != tap(kinds, other)


def test_it_is_read_only_where_the_configuration_names_it() -> None:
    kinds = next(field.default for field in msgspec.structs.fields(Cards) if field.name == "kinds")
    assert "common" not in kinds


def test_what_proves_more_is_asked_first(
    card: JpkiCard, ca_file: Path, pseudonymizer: Pseudonymizer, clock: FakeClock
) -> None:
    kinds = CardKinds([Common(pseudonymizer), Jpki([ca_file], pseudonymizer, clock)])
    card.power_on()
    assert tap(kinds, card).kind == "jpki"
    assert card.touched == {AID_JPKI}


def test_a_copy_is_read_as_the_original_and_proves_as_little(kinds: CardKinds, card: JpkiCard) -> None:
    copied = FileCard(ATR_CONTACTLESS, b"", {AID_COMMON: {1: File(records=(b"\x01\x1c" + DIGITS.encode(),))}})
    assert tap(kinds, copied) == tap(kinds, card)
    assert tap(kinds, copied).assurance is Assurance.SERIAL


def test_a_card_without_the_application_is_none_of_this_kind(kinds: CardKinds, pseudonymizer: Pseudonymizer) -> None:
    assert Common(pseudonymizer).read(FakeCardChannel(DrivingLicence()), DRIVING_LICENCE_ATR) is None
    felica = FakeCardChannel(FelicaCard(bytes(range(8))))
    assert Common(pseudonymizer).read(felica, FELICA_ATR) is None
    assert not felica.sent


@pytest.mark.parametrize(
    "record",
    [
        b"",
        b"\x01\x1c",
        b"\x01\x1c" + DIGITS.encode()[:-1],
        b"\x01\x1c" + DIGITS.encode() + b"0",
        b"\x01\x1c" + DIGITS.encode()[:-1] + b"X",
        b"\x01\x1b" + DIGITS.encode(),
        DIGITS.encode() + b"00",
    ],
)
def test_another_record_is_unreadable(kinds: CardKinds, record: bytes) -> None:
    assert refusal(kinds, answering(record)).reason is DenyReason.CARD_UNREADABLE


@pytest.mark.parametrize("sw", [0x6982, 0x6A83, 0x6283])
def test_a_record_that_is_not_given_is_unreadable(kinds: CardKinds, sw: int) -> None:
    assert refusal(kinds, answering(b"\x01\x1c" + DIGITS.encode(), sw)).reason is DenyReason.CARD_UNREADABLE


def test_a_card_that_fails_at_select_is_not_called_foreign(kinds: CardKinds) -> None:
    assert refusal(kinds, ScriptedCard(lambda _: b"\x6f\x00")).reason is DenyReason.CARD_UNREADABLE


def test_a_card_without_a_number_is_refused(kinds: CardKinds) -> None:
    error = refusal(kinds, answering(b"\x01\x1c" + b"0" * 15 + DIGITS[15:].encode()))
    assert error.reason is DenyReason.NO_STABLE_NUMBER


@pytest.mark.parametrize("number", [1, 2])
def test_a_card_that_leaves_at_any_moment_is_gone(kinds: CardKinds, card: JpkiCard, number: int) -> None:
    with pytest.raises(CardGone):
        kinds.identify(FakeCardChannel(card, remove_at=number), ATR_CONTACTLESS)
    assert tap(kinds, card).kind == "common"


@pytest.mark.rule(7)
@given(answers=st.lists(st.binary(max_size=40) | st.just(b"\x01\x1c" + DIGITS.encode()), min_size=1, max_size=4))
def test_whatever_a_card_answers_it_is_read_or_refused_without_its_number(answers: list[bytes]) -> None:
    kinds = CardKinds([Common(Pseudonymizer(bytes(32)))])
    script = iter(answers * 200)
    words = ""
    try:
        tap(kinds, ScriptedCard(lambda apdu: b"\x90\x00" if apdu[1] == 0xA4 else next(script) + b"\x90\x00"))
    except CardRefused as error:
        words = repr(error)
    assert DIGITS[:15] not in words

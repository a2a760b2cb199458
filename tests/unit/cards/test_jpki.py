"""A My Number Card, read as the trusted CA's certificate and no further."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from fakes.card_channel import FakeCardChannel, ScriptedCard
from kazasu.cards.felica import Felica
from kazasu.cards.identify import CardKinds
from kazasu.cards.jpki import Jpki
from kazasu.errors import CardError, CardGone, CardRefused, UnexpectedStatus
from kazasu.model.access import Assurance, DenyReason, Identifier
from kazasu.model.moment import TimeSource
from kazasu.virtual.felica import FELICA_ATR, FelicaCard
from kazasu.virtual.issuer import JpkiIssuer, rsa_key
from kazasu.virtual.jpki import AID_JPKI, ATR_CONTACT_OPENSC, ATR_CONTACTLESS
from kazasu.virtual.type_b import DRIVING_LICENCE_ATR, DrivingLicence

if TYPE_CHECKING:
    from pathlib import Path

    from fakes.clock import FakeClock
    from kazasu.cards.pseudonym import Pseudonymizer
    from kazasu.virtual.jpki import JpkiCard

WARM_BYTES = 500
KEY = rsa_key("card")


@pytest.fixture
def card(issuer: JpkiIssuer) -> JpkiCard:
    return issuer.card(KEY)


@pytest.fixture
def kinds(ca_file: Path, pseudonymizer: Pseudonymizer, clock: FakeClock) -> CardKinds:
    return CardKinds([Jpki([ca_file], pseudonymizer, clock), Felica(pseudonymizer)])


def tap(kinds: CardKinds, card: JpkiCard, atr: bytes = ATR_CONTACTLESS) -> tuple[Identifier, FakeCardChannel]:
    card.power_on()
    channel = FakeCardChannel(card)
    return kinds.identify(channel, atr), channel


def refusal(kinds: CardKinds, card: JpkiCard) -> CardRefused:
    with pytest.raises(CardRefused) as caught:
        tap(kinds, card)
    return caught.value


def test_the_certificate_proves_signed_data(kinds: CardKinds, card: JpkiCard) -> None:
    identifier, _ = tap(kinds, card)
    assert (identifier.kind, identifier.assurance) == ("jpki", Assurance.SIGNED_DATA)


@pytest.mark.rule(6)
def test_no_application_but_jpki_is_touched(kinds: CardKinds, card: JpkiCard) -> None:
    tap(kinds, card)
    tap(kinds, card)
    assert card.touched == {AID_JPKI}


@pytest.mark.rule(7)
def test_the_pseudonym_is_over_the_issuers_key_and_the_serial_number(
    kinds: CardKinds, issuer: JpkiIssuer, pseudonymizer: Pseudonymizer
) -> None:
    card = issuer.card(KEY, issuer.certificate(KEY.public_key(), serial=0x80FF01))
    ski = issuer.ca_certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    identifier, _ = tap(kinds, card)
    assert identifier.pseudonym == pseudonymizer.pseudonym("jpki", ski, bytes.fromhex("0080FF01"))


def test_the_atr_decides_nothing(kinds: CardKinds, card: JpkiCard) -> None:
    identifiers = {tap(kinds, card, atr)[0] for atr in (ATR_CONTACTLESS, ATR_CONTACT_OPENSC, DRIVING_LICENCE_ATR, b"")}
    assert len(identifiers) == 1


def test_a_storage_card_is_not_asked_for_jpki(kinds: CardKinds) -> None:
    channel = FakeCardChannel(FelicaCard(bytes(range(8))))
    assert kinds.identify(channel, FELICA_ATR).kind == "felica"
    assert channel.sent == [bytes.fromhex("FFCA000000")]


def test_a_type_b_card_without_jpki_has_no_stable_number(kinds: CardKinds) -> None:
    with pytest.raises(CardRefused, match="no stable number") as caught:
        kinds.identify(FakeCardChannel(DrivingLicence()), DRIVING_LICENCE_ATR)
    assert caught.value.reason is DenyReason.NO_STABLE_NUMBER


def test_a_card_that_fails_at_select_is_not_called_foreign(kinds: CardKinds) -> None:
    with pytest.raises(UnexpectedStatus, match="selecting JPKI"):
        kinds.identify(FakeCardChannel(ScriptedCard(lambda _: b"\x6f\x00")), ATR_CONTACTLESS)


@pytest.mark.parametrize(
    ("token", "detail"),
    [
        ("JPKIAPICCTOKEN", "Resident Register"),
        ("JPKIAPICCTOKEN3", "unknown"),
        ("", "unknown"),
    ],
)
def test_other_tokens_are_refused_by_name(kinds: CardKinds, issuer: JpkiIssuer, token: str, detail: str) -> None:
    error = refusal(kinds, issuer.card(KEY, token=token))
    assert error.reason is DenyReason.FOREIGN_CARD
    assert detail in str(error)


def test_a_card_whose_first_command_fails_is_read(kinds: CardKinds, issuer: JpkiIssuer) -> None:
    assert tap(kinds, issuer.card(KEY, first_apdu_6f00=True))[0].kind == "jpki"


def test_without_extended_apdus_the_same_is_read_in_pieces(
    kinds: CardKinds, issuer: JpkiIssuer, ca_file: Path, pseudonymizer: Pseudonymizer, clock: FakeClock
) -> None:
    certificate = issuer.certificate(KEY.public_key())
    whole, pieces = (CardKinds([Jpki([ca_file], pseudonymizer, clock)]) for _ in range(2))
    expected, _ = tap(whole, issuer.card(KEY, certificate))
    identifier, channel = tap(pieces, issuer.card(KEY, certificate, no_extended=True))
    assert identifier == expected
    assert channel.sent[5][:2] == b"\x00\xb0"
    assert [len(apdu) for apdu in channel.sent[5:]] == [7] + [5] * (len(channel.sent) - 6)


def test_a_reader_that_breaks_off_extended_apdus_is_read_in_pieces(kinds: CardKinds, card: JpkiCard) -> None:
    def short_only(apdu: bytes) -> bytes:
        if len(apdu) == 7 and apdu[1] == 0xB0:
            raise CardGone("transmit failed")
        return card.transmit(apdu)

    channel = FakeCardChannel(ScriptedCard(short_only))
    assert kinds.identify(channel, ATR_CONTACTLESS).kind == "jpki"


@pytest.mark.parametrize("ec_key", [False, True])
def test_a_warm_tap_moves_at_most_500_bytes_and_keeps_its_assurance(
    ec_key: bool, tmp_path: Path, pseudonymizer: Pseudonymizer, clock: FakeClock
) -> None:
    issuer = JpkiIssuer(ec.generate_private_key(ec.SECP384R1()) if ec_key else None)
    file = tmp_path / "ca.pem"
    file.write_bytes(issuer.ca_certificate.public_bytes(Encoding.PEM))
    kinds = CardKinds([Jpki([file], pseudonymizer, clock)])
    card = issuer.card(ec.generate_private_key(ec.SECP384R1()) if ec_key else KEY)
    cold, cold_channel = tap(kinds, card)
    warm, warm_channel = tap(kinds, card)
    assert warm == cold
    assert warm_channel.air_bytes <= WARM_BYTES < cold_channel.air_bytes
    assert len(warm_channel.sent) == 6


def test_the_same_serial_under_another_signature_is_read_and_checked_anew(
    kinds: CardKinds, issuer: JpkiIssuer, clock: FakeClock
) -> None:
    valid = {"not_before": clock.at - dt.timedelta(days=1)}
    genuine = issuer.certificate(KEY.public_key(), serial=77, common_name="A" * 26, **valid)
    tap(kinds, issuer.card(KEY, genuine))
    forger = JpkiIssuer(rsa_key("forger"))
    forged = forger.certificate(KEY.public_key(), serial=77, common_name="A" * 26, **valid)
    head = [certificate.public_bytes(Encoding.DER)[:64] for certificate in (genuine, forged)]
    assert head[0] == head[1]
    assert refusal(kinds, issuer.card(KEY, forged)).reason is DenyReason.CERTIFICATE_UNTRUSTED


def test_a_changed_tail_is_read_and_checked_anew(kinds: CardKinds, card: JpkiCard) -> None:
    tap(kinds, card)

    def tampered(apdu: bytes) -> bytes:
        answer = card.transmit(apdu)
        return answer[:-3] + bytes([answer[-3] ^ 1]) + answer[-2:] if apdu[1] == 0xB0 and len(answer) > 60 else answer

    with pytest.raises(CardError):
        kinds.identify(FakeCardChannel(ScriptedCard(tampered)), ATR_CONTACTLESS)


def test_a_certificate_that_expires_while_known_is_refused_warm(
    kinds: CardKinds, issuer: JpkiIssuer, clock: FakeClock
) -> None:
    until = clock.at + dt.timedelta(hours=1)
    certificate = issuer.certificate(KEY.public_key(), not_before=clock.at - dt.timedelta(days=1), not_after=until)
    card = issuer.card(KEY, certificate)
    tap(kinds, card)
    clock.advance(3601)
    assert refusal(kinds, card).reason is DenyReason.CERTIFICATE_EXPIRED
    clock.step(-2 * 86400)
    assert refusal(kinds, card).reason is DenyReason.CERTIFICATE_NOT_YET_VALID


def test_the_first_and_the_last_second_count(kinds: CardKinds, issuer: JpkiIssuer, clock: FakeClock) -> None:
    first, last = clock.at + dt.timedelta(seconds=5), clock.at + dt.timedelta(seconds=9)
    card = issuer.card(KEY, issuer.certificate(KEY.public_key(), not_before=first, not_after=last))
    for moment in (first, last):
        clock.at = moment
        assert tap(kinds, card)[0].kind == "jpki"


def test_an_unset_clock_judges_no_dates_and_still_the_chain(
    kinds: CardKinds, issuer: JpkiIssuer, clock: FakeClock
) -> None:
    clock.source = TimeSource.NONE
    clock.at = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
    card = issuer.card(KEY)
    assert tap(kinds, card)[0].assurance is Assurance.SIGNED_DATA
    forged = JpkiIssuer(rsa_key("forger")).card(KEY)
    assert refusal(kinds, forged).reason is DenyReason.CERTIFICATE_UNTRUSTED
    clock.source = TimeSource.NTP  # and what was learnt meanwhile is judged once the clock is set
    assert refusal(kinds, card).reason is DenyReason.CERTIFICATE_NOT_YET_VALID


def test_a_copy_of_everything_readable_proves_signed_data_and_no_more(kinds: CardKinds, issuer: JpkiIssuer) -> None:
    """The threat that `signed_data` names: who wants more than a copy can give asks for a challenge."""
    certificate = issuer.certificate(KEY.public_key())
    original, _ = tap(kinds, issuer.card(KEY, certificate))
    copy, _ = tap(kinds, issuer.card(rsa_key("copier"), certificate))
    assert copy == original
    assert Assurance.SERIAL < copy.assurance < Assurance.CHALLENGE


@pytest.mark.parametrize("warm", [False, True])
def test_a_card_that_leaves_at_any_moment_is_gone(kinds: CardKinds, card: JpkiCard, warm: bool) -> None:
    if warm:
        tap(kinds, card)
    for number in range(1, 7):
        card.power_on()
        with pytest.raises(CardGone):
            kinds.identify(FakeCardChannel(card, remove_at=number), ATR_CONTACTLESS)
    assert tap(kinds, card)[0].kind == "jpki"


@pytest.mark.parametrize("head", ["", "30820000", "3082FFFF", "308200FB", "30822000", "31820400", "30810400"])
def test_a_file_that_does_not_begin_like_a_certificate_is_unreadable(kinds: CardKinds, head: str) -> None:
    token = b"JPKIAPICCTOKEN2".ljust(32)

    def answer(apdu: bytes) -> bytes:
        if apdu[1] == 0xA4:
            return b"\x90\x00"
        return (token if apdu[4] == 32 else bytes.fromhex(head).ljust(64, b"\0")) + b"\x90\x00"

    channel = FakeCardChannel(ScriptedCard(answer))
    with pytest.raises(CardRefused) as caught:
        kinds.identify(channel, ATR_CONTACTLESS)
    assert caught.value.reason is DenyReason.CARD_UNREADABLE
    assert len(channel.sent) == 5  # nothing is read on the word of such a header


@pytest.mark.rule(7)
def test_no_error_names_the_serial_number_or_the_subject(
    kinds: CardKinds, issuer: JpkiIssuer, clock: FakeClock
) -> None:
    certificate = issuer.certificate(
        KEY.public_key(), serial=123_456_789, common_name="B" * 26, not_before=clock.at + dt.timedelta(days=1)
    )
    words = repr(refusal(kinds, issuer.card(KEY, certificate)))
    for secret in ("123456789", "75bcd15", "BBBB"):
        assert secret not in words

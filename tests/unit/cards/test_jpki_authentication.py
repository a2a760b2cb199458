"""The PIN of a My Number Card, and the signature that proves its key."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from fakes.card_channel import FakeCardChannel, ScriptedCard
from fakes.pins import Asked, FakePins
from kazasu.cards.guard import AllowList, Guarded, select_application, select_file
from kazasu.cards.identify import CardKinds
from kazasu.cards.jpki import Jpki
from kazasu.cards.jpki_authentication import Authentication
from kazasu.errors import CardError, CardGone, CardRefused, ForbiddenApdu, UnexpectedStatus
from kazasu.model.access import Assurance, DenyReason
from kazasu.readers.demand import FixedDemand
from kazasu.virtual.issuer import JpkiIssuer, rsa_key
from kazasu.virtual.jpki import AID_JPKI, ATR_CONTACTLESS, TOKEN_ANDROID, TOKEN_CARD, TOKEN_IPHONE

if TYPE_CHECKING:
    from collections.abc import Callable

    from fakes.clock import FakeClock
    from kazasu.cards.pseudonym import Pseudonymizer
    from kazasu.model.access import Identifier
    from kazasu.virtual.jpki import JpkiCard

KEY = rsa_key("card")
PIN = "4711"
WRONG = "0815"
VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "jpki_pin_outcomes.json").read_text(encoding="utf-8"))


class Door:
    """A terminal's card kinds, with somebody before it who enters what a test says."""

    def __init__(self, ca_file: Path, pseudonymizer: Pseudonymizer, clock: FakeClock) -> None:
        self._of = ca_file, pseudonymizer, clock
        self.pins = FakePins()
        self.challenges = iter(bytes([number]) * 32 for number in range(256))
        self.channel = FakeCardChannel(ScriptedCard(lambda _: b""))

    def jpki(self, demand: Assurance = Assurance.CHALLENGE_PIN) -> Jpki:
        def random(count: int) -> bytes:
            challenge = next(self.challenges)
            assert len(challenge) == count
            return challenge

        ca_file, pseudonymizer, clock = self._of
        return Jpki([ca_file], pseudonymizer, clock, Authentication(self.pins, FixedDemand(demand), random))

    def read(
        self, card: JpkiCard | ScriptedCard, *answers: str | None, remove_at: int | None = None, **ways: Assurance
    ) -> Identifier:
        self.pins = FakePins(*answers)
        kinds = CardKinds([self.jpki(**ways)])
        if not isinstance(card, ScriptedCard):
            card.power_on()
        self.channel = FakeCardChannel(card, remove_at)
        return kinds.identify(self.channel, ATR_CONTACTLESS)

    def refusal(self, card: JpkiCard | ScriptedCard, *answers: str | None) -> CardRefused:
        with pytest.raises(CardRefused) as caught:
            self.read(card, *answers)
        return caught.value

    @property
    def verified(self) -> list[bytes]:
        """Every VERIFY that carried a PIN."""
        return [apdu for apdu in self.channel.sent if apdu[1] == 0x20 and len(apdu) > 4]


@pytest.fixture
def door(ca_file: Path, pseudonymizer: Pseudonymizer, clock: FakeClock) -> Door:
    return Door(ca_file, pseudonymizer, clock)


@pytest.fixture
def card(issuer: JpkiIssuer) -> JpkiCard:
    return issuer.card(KEY, pin=PIN)


def answering(card: JpkiCard, change: Callable[[bytes, bytes], bytes]) -> ScriptedCard:
    """The card, with its answers changed: from the command and the answer to another answer."""
    card.power_on()
    return ScriptedCard(lambda apdu: change(apdu, card.transmit(apdu)))


def is_signing(apdu: bytes) -> bool:
    return apdu[1] == 0x2A


# What it proves


def test_pin_and_signature_prove_challenge_pin(door: Door, card: JpkiCard) -> None:
    identifier = door.read(card, PIN)
    assert (identifier.kind, identifier.assurance, identifier.why_not_more) == ("jpki", Assurance.CHALLENGE_PIN, "")
    assert door.pins.asked == [Asked(tries_left=3, length=range(4, 5))]
    assert card.pin.left == 3
    assert card.touched == {AID_JPKI}


def test_with_and_without_a_pin_it_is_the_same_card(door: Door, card: JpkiCard) -> None:
    with_pin = door.read(card, PIN)
    without = door.read(card, demand=Assurance.SIGNED_DATA)
    assert with_pin.pseudonym == without.pseudonym
    assert without.assurance is Assurance.SIGNED_DATA
    assert "not asked for" in without.why_not_more


@pytest.mark.parametrize("demand", [Assurance.SERIAL, Assurance.SIGNED_DATA])
def test_where_less_is_asked_for_nobody_enters_a_pin(door: Door, card: JpkiCard, demand: Assurance) -> None:
    door.read(card, demand=demand)
    assert not door.pins.asked
    assert not [apdu for apdu in door.channel.sent if apdu[1] in {0x20, 0x2A}]


def test_a_challenge_is_asked_for_with_its_pin(door: Door, card: JpkiCard) -> None:
    assert door.read(card, PIN, demand=Assurance.CHALLENGE).assurance is Assurance.CHALLENGE_PIN


def test_the_demand_is_that_for_this_very_card(
    ca_file: Path, pseudonymizer: Pseudonymizer, clock: FakeClock, card: JpkiCard
) -> None:
    asked: list[str | None] = []

    class Enrolled:
        def of(self, pseudonym: str | None) -> Assurance:
            asked.append(pseudonym)
            return Assurance.SERIAL

    kinds = CardKinds([Jpki([ca_file], pseudonymizer, clock, Authentication(FakePins(), Enrolled()))])
    card.power_on()
    identifier = kinds.identify(FakeCardChannel(card), ATR_CONTACTLESS)
    assert asked == [identifier.pseudonym]


def test_without_a_keypad_no_pin_may_be_sent(
    ca_file: Path, pseudonymizer: Pseudonymizer, clock: FakeClock, card: JpkiCard
) -> None:
    jpki = Jpki([ca_file], pseudonymizer, clock)
    assert jpki.reach is Assurance.SIGNED_DATA
    card.power_on()
    guarded = Guarded(FakeCardChannel(card), AllowList([jpki.allow]))
    guarded.transmit(select_application(AID_JPKI))
    with pytest.raises(ForbiddenApdu):
        guarded.transmit(select_file(bytes.fromhex("0018")))
    identifier = CardKinds([jpki]).identify(FakeCardChannel(card), ATR_CONTACTLESS)
    assert identifier.assurance is Assurance.SIGNED_DATA
    assert "no keypad" in identifier.why_not_more


def test_a_card_that_is_known_already_signs_with_the_certificates_key(door: Door, issuer: JpkiIssuer) -> None:
    certificate = issuer.certificate(KEY.public_key())
    kinds = CardKinds([door.jpki()])
    for key, expected in ((KEY, Assurance.CHALLENGE_PIN), (KEY, Assurance.CHALLENGE_PIN), (rsa_key("copier"), None)):
        door.pins._answers.append(PIN)
        card = issuer.card(key, certificate, pin=PIN)
        if expected is not None:
            assert kinds.identify(FakeCardChannel(card), ATR_CONTACTLESS).assurance is expected
        else:
            with pytest.raises(CardRefused, match="a copy"):
                kinds.identify(FakeCardChannel(card), ATR_CONTACTLESS)


def test_an_elliptic_key_signs_by_the_algorithm_of_its_certificate(
    tmp_path: Path, pseudonymizer: Pseudonymizer, clock: FakeClock
) -> None:
    from cryptography.hazmat.primitives.serialization import Encoding

    issuer = JpkiIssuer(ec.generate_private_key(ec.SECP384R1()))
    file = tmp_path / "ca.pem"
    file.write_bytes(issuer.ca_certificate.public_bytes(Encoding.PEM))
    door = Door(file, pseudonymizer, clock)
    key = ec.generate_private_key(ec.SECP384R1())
    certificate = issuer.certificate(key.public_key())
    assert door.read(issuer.card(key, certificate, pin=PIN), PIN).assurance is Assurance.CHALLENGE_PIN
    other = ec.generate_private_key(ec.SECP384R1())
    assert door.refusal(issuer.card(other, certificate, pin=PIN), PIN).reason is DenyReason.AUTHENTICATION_FAILED


@pytest.mark.parametrize("longer", [False, True])
def test_a_key_that_cannot_be_asked_costs_nobody_a_pin(door: Door, issuer: JpkiIssuer, longer: bool) -> None:
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey = (
        rsa.generate_private_key(public_exponent=65_537, key_size=3072)
        if longer
        else ec.generate_private_key(ec.SECP256R1())
    )
    certificate = issuer.certificate(key.public_key())
    identifier = door.read(issuer.card(KEY, certificate))
    assert identifier.assurance is Assurance.SIGNED_DATA
    assert "cannot be asked to sign" in identifier.why_not_more
    assert not door.pins.asked


# Tries


def test_a_wrong_pin_is_tried_once_and_says_what_is_left(door: Door, card: JpkiCard) -> None:
    error = door.refusal(card, WRONG)
    assert error.reason is DenyReason.PIN_WRONG
    assert "2 more tries" in str(error)
    assert len(door.verified) == 1
    assert not any(is_signing(apdu) for apdu in door.channel.sent)


def test_the_last_try_is_not_made_here(door: Door, card: JpkiCard) -> None:
    door.refusal(card, WRONG)
    assert "1 more try" in str(door.refusal(card, WRONG))
    error = door.refusal(card, PIN)
    assert error.reason is DenyReason.PIN_LAST_TRY
    assert "municipality" in str(error)
    assert not door.pins.asked
    assert not door.verified
    assert card.pin.left == 1


def test_a_right_pin_gives_all_tries_back(door: Door, card: JpkiCard) -> None:
    door.refusal(card, WRONG)
    door.read(card, PIN)
    assert card.pin.left == 3


@pytest.mark.parametrize("status", ["63C0", "6983", "6984"])
@pytest.mark.parametrize("at_verify", [False, True])
def test_a_blocked_card_is_told_by_every_status_word_for_it(
    door: Door, card: JpkiCard, status: str, at_verify: bool
) -> None:
    def blocked(apdu: bytes, answer: bytes) -> bytes:
        return bytes.fromhex(status) if apdu[1] == 0x20 and (len(apdu) > 4) == at_verify else answer

    error = door.refusal(answering(card, blocked), PIN)
    assert error.reason is DenyReason.CARD_BLOCKED
    assert "municipality" in str(error)
    assert len(door.verified) == at_verify


def test_a_pin_that_another_program_left_open_is_not_taken_for_entered(door: Door, card: JpkiCard) -> None:
    error = door.refusal(answering(card, lambda apdu, answer: b"\x90\x00" if apdu[1] == 0x20 else answer), PIN)
    assert error.reason is DenyReason.CARD_UNREADABLE
    assert not door.pins.asked


@pytest.mark.parametrize("entered", [None, "", "123", "12345", "12a4", "１２３４"])  # noqa: RUF001  (full-width digits)
def test_what_is_no_pin_never_becomes_a_command(door: Door, card: JpkiCard, entered: str | None) -> None:
    assert door.refusal(card, entered).reason is DenyReason.PIN_NEEDED
    assert not door.verified
    assert card.pin.left == 3


def test_a_card_taken_away_while_typing_loses_no_try(door: Door, card: JpkiCard) -> None:
    with pytest.raises(CardGone):
        door.read(card, PIN, remove_at=9)
    assert len(door.pins.asked) == 1
    assert not door.verified
    assert card.pin.left == 3


@pytest.mark.parametrize("answer", ["6986", "6A88", "6D00", "63C1", "9000"])
def test_a_card_exchanged_while_typing_gets_no_pin(door: Door, card: JpkiCard, answer: str) -> None:
    """Nothing is selected on the card that came, so it answers the question otherwise."""
    questions = []

    def exchanged(apdu: bytes, genuine: bytes) -> bytes:
        if apdu[1] == 0x20:
            questions.append(apdu)
        return bytes.fromhex(answer) if apdu[1] == 0x20 and len(questions) > 1 else genuine

    with pytest.raises(CardGone, match="exchanged"):
        door.read(answering(card, exchanged), PIN)
    assert not door.verified


@pytest.mark.parametrize("token", [TOKEN_CARD, TOKEN_ANDROID])
def test_a_card_that_leaves_at_any_moment_is_gone(door: Door, issuer: JpkiIssuer, token: str) -> None:
    certificate = issuer.certificate(KEY.public_key())
    card = issuer.card(KEY, certificate, pin=PIN, token=token)
    whole = door.read(card, PIN)
    commands = len(door.channel.sent)
    for number in range(1, commands + 1):
        with pytest.raises(CardGone):
            door.read(card, PIN, remove_at=number)
        assert card.pin.left == 3
    assert door.read(card, PIN) == whole


# Copies and forgeries


def test_a_copy_without_the_key_gets_no_more_than_signed_data(door: Door, issuer: JpkiIssuer) -> None:
    certificate = issuer.certificate(KEY.public_key())
    copies = [issuer.card(None, certificate, pin=PIN), issuer.card(rsa_key("copier"), certificate, pin=PIN)]
    original = door.read(issuer.card(KEY, certificate), demand=Assurance.SERIAL)
    for copy in copies:
        assert door.read(copy, demand=Assurance.SERIAL) == original
        assert door.refusal(copy, PIN).reason is DenyReason.AUTHENTICATION_FAILED


def test_a_card_that_takes_any_pin_and_signs_nothing_is_refused(door: Door, card: JpkiCard) -> None:
    def careless(apdu: bytes, answer: bytes) -> bytes:
        return b"\x90\x00" if apdu[1] == 0x20 and len(apdu) > 4 else answer

    assert door.refusal(answering(card, careless), WRONG).reason is DenyReason.AUTHENTICATION_FAILED


@pytest.mark.parametrize(
    "forge",
    [
        lambda _: b"",
        lambda signature: signature[:-1],
        lambda signature: signature + b"\0",
        lambda signature: bytes([signature[0] ^ 1]) + signature[1:],
        lambda signature: bytes(len(signature)),
    ],
    ids=["empty", "truncated", "overlong", "changed", "zeros"],
)
def test_an_answer_that_is_no_signature_is_refused(door: Door, card: JpkiCard, forge: Callable[[bytes], bytes]) -> None:
    def forged(apdu: bytes, answer: bytes) -> bytes:
        return forge(answer[:-2]) + answer[-2:] if is_signing(apdu) else answer

    assert door.refusal(answering(card, forged), PIN).reason is DenyReason.AUTHENTICATION_FAILED


def test_the_answer_to_another_challenge_is_refused(door: Door, card: JpkiCard) -> None:
    heard: list[bytes] = []

    def replayed(apdu: bytes, answer: bytes) -> bytes:
        if is_signing(apdu):
            heard.append(answer)
            return heard[0]
        return answer

    genuine = door.read(answering(card, replayed), PIN)
    assert genuine.assurance is Assurance.CHALLENGE_PIN
    assert door.refusal(answering(card, replayed), PIN).reason is DenyReason.AUTHENTICATION_FAILED
    assert len(heard) == 2


def test_no_challenge_comes_twice(door: Door, card: JpkiCard) -> None:
    signed = set()
    for _ in range(3):
        door.read(card, PIN)
        signed |= {apdu for apdu in door.channel.sent if is_signing(apdu)}
    assert len(signed) == 3


def test_a_signature_that_is_fetched_in_pieces_is_whole(door: Door, card: JpkiCard) -> None:
    rest = b""

    def in_pieces(apdu: bytes, answer: bytes) -> bytes:
        nonlocal rest
        if is_signing(apdu):
            rest = answer[200:-2]
            return answer[:200] + b"\x61\x38"
        return rest + b"\x90\x00" if apdu[1] == 0xC0 else answer

    assert door.read(answering(card, in_pieces), PIN).assurance is Assurance.CHALLENGE_PIN


def test_a_card_that_fails_while_it_signs_may_be_tapped_again(door: Door, card: JpkiCard) -> None:
    def failing(apdu: bytes, answer: bytes) -> bytes:
        return b"\x6f\x00" if is_signing(apdu) else answer

    with pytest.raises(UnexpectedStatus, match="signing"):
        door.read(answering(card, failing), PIN)


# Phones


@pytest.mark.parametrize(("token", "word"), [(TOKEN_ANDROID, "Android"), (TOKEN_IPHONE, "iPhone")])
def test_a_phone_needs_its_pin_before_its_certificate(
    door: Door, issuer: JpkiIssuer, kinds_without_keypad: CardKinds, token: str, word: str
) -> None:
    phone = issuer.card(KEY, pin=PIN, token=token)
    identifier = door.read(phone, PIN, demand=Assurance.SERIAL)
    assert identifier.assurance is Assurance.CHALLENGE_PIN
    assert door.refusal(phone, None).reason is DenyReason.PIN_NEEDED
    phone.power_on()
    with pytest.raises(CardRefused, match=word) as caught:
        kinds_without_keypad.identify(FakeCardChannel(phone), ATR_CONTACTLESS)
    assert caught.value.reason is DenyReason.PIN_NEEDED
    assert "plastic card" in str(caught.value)


@pytest.fixture
def kinds_without_keypad(ca_file: Path, pseudonymizer: Pseudonymizer, clock: FakeClock) -> CardKinds:
    return CardKinds([Jpki([ca_file], pseudonymizer, clock)])


def test_a_phone_is_read_through_a_reader_that_breaks_off_extended_commands(door: Door, issuer: JpkiIssuer) -> None:
    """Where the application were selected anew, what the PIN has opened would be shut."""
    phone = issuer.card(KEY, pin=PIN, token=TOKEN_ANDROID)
    phone.power_on()

    def short_only(apdu: bytes) -> bytes:
        if len(apdu) == 7 and apdu[1] == 0xB0:
            raise CardGone("transmit failed")
        return phone.transmit(apdu)

    assert door.read(ScriptedCard(short_only), PIN).assurance is Assurance.CHALLENGE_PIN


# What may be sent


@pytest.mark.rule(6)
@pytest.mark.parametrize(
    "apdu",
    [
        "00A4020C02001B",  # the signature password
        "00A4020C02001A",  # the signature key
        "00A4020C020001",  # the signature certificate
        "0020009B0434373131",  # VERIFY by the short identifier of the password
        "002000980434373131",  # and of the PIN
        "00200080",  # no PIN's file is selected any more
        "00200080063437313131",
        "0020008003343731",
        "002000800434373161",
        "00200080050434373131",
        "00240080083437313130303030",  # CHANGE REFERENCE DATA
        "002C008004343731",  # RESET RETRY COUNTER
    ],
)
@pytest.mark.parametrize("file", ["0018", "0017", "000A"])
def test_only_this_pin_goes_and_only_to_its_file(door: Door, card: JpkiCard, file: str, apdu: str) -> None:
    card.power_on()
    channel = FakeCardChannel(card)
    guarded = Guarded(channel, AllowList([door.jpki().allow]))
    guarded.transmit(select_application(AID_JPKI))
    guarded.transmit(select_file(bytes.fromhex(file)))
    if (file, apdu) == ("0018", "00200080"):
        assert guarded.transmit(bytes.fromhex(apdu)) == (b"", 0x63C3)
        return
    with pytest.raises(ForbiddenApdu):
        guarded.transmit(bytes.fromhex(apdu))
    assert len(channel.sent) == 2


def test_the_key_signs_digests_of_challenges_and_no_other_data(door: Door, card: JpkiCard) -> None:
    card.power_on()
    guarded = Guarded(FakeCardChannel(card), AllowList([door.jpki().allow]))
    guarded.transmit(select_application(AID_JPKI))
    guarded.transmit(select_file(bytes.fromhex("0017")))
    for body in ("33" + "00" * 51 + "00", "23" + "3021300906052B0E03021A05000414" + "00" * 20 + "00", "01FF00"):
        with pytest.raises(ForbiddenApdu):
            guarded.transmit(bytes.fromhex("802A0080" + body))


# Recorded


@pytest.mark.parametrize("vector", VECTORS, ids=[vector["name"] for vector in VECTORS])
def test_what_goes_over_the_air_is_what_was_recorded(door: Door, issuer: JpkiIssuer, vector: dict[str, object]) -> None:
    """Every command byte for byte but the PIN's digits and the challenge's digest, and the status word of each."""
    certificate = issuer.certificate(KEY.public_key())
    door.read(issuer.card(KEY, certificate, pin=PIN), demand=Assurance.SERIAL)
    card = issuer.card(KEY, certificate, pin=PIN, **vector["card"])  # type: ignore[arg-type]
    card.pin.left = vector["tries_left"]  # type: ignore[assignment]
    statuses: list[str] = []

    def noted(apdu: bytes, answer: bytes) -> bytes:
        statuses.append(answer[-2:].hex().upper())
        return answer

    outcome = "challenge_pin"
    try:
        door.read(answering(card, noted), vector["entered"])  # type: ignore[arg-type]
    except CardRefused as error:
        outcome = error.reason.value
    except CardError:
        outcome = "error"
    said = [_masked(apdu) for apdu in door.channel.sent if apdu[1] != 0xB0]
    assert outcome == vector["outcome"]
    assert said == [line["command"] for line in vector["apdus"]]  # type: ignore[attr-defined]
    kept = [status for apdu, status in zip(door.channel.sent, statuses, strict=True) if apdu[1] != 0xB0]
    assert kept == [line["status"] for line in vector["apdus"]]  # type: ignore[attr-defined]


def _masked(apdu: bytes) -> str:
    if apdu[1] == 0x20 and len(apdu) > 4:
        return apdu[:5].hex().upper() + "<4 digits>"
    if is_signing(apdu):
        return apdu[:24].hex().upper() + "<SHA-256>" + apdu[-1:].hex().upper()
    return apdu.hex().upper()


@pytest.mark.rule(7)
def test_no_error_names_the_pin(door: Door, card: JpkiCard, issuer: JpkiIssuer) -> None:
    copy = issuer.card(rsa_key("copier"), issuer.certificate(KEY.public_key()), pin=WRONG)
    for error in (door.refusal(card, WRONG), door.refusal(card, "08155"), door.refusal(copy, WRONG)):
        assert "0815" not in f"{error!r} {error} {error.__cause__!r}"

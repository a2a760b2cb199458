"""The virtual My Number Card refuses what the real one's documents refuse."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.serialization import Encoding

from kazasu.virtual.issuer import JpkiIssuer, rsa_key
from kazasu.virtual.jpki import (
    AID_CARD_FACE,
    AID_CARD_FACE_INPUT,
    AID_COMMON,
    AID_JPKI,
    AID_RESIDENT,
    FORBIDDEN,
    TOKEN_ANDROID,
    TOKEN_IPHONE,
    JpkiCard,
)

KEY = rsa_key("card")
PIN, WRONG_PIN = b"1234".hex(), b"0000".hex()
PASSWORD, WRONG_PASSWORD = b"ABC123".hex(), b"XYZ999".hex()
DIGEST = bytes(range(32))
DIGEST_INFO = "3031300D060960864801650304020105000420" + DIGEST.hex()
SIGN = f"802A008033{DIGEST_INFO}00"

AUTHENTICATION_KEY, AUTHENTICATION_PIN = "0017", "0018"
SIGNING_KEY, SIGNING_PASSWORD = "001A", "001B"


@pytest.fixture
def card(issuer: JpkiIssuer) -> JpkiCard:
    return in_jpki(issuer.card(KEY))


def in_jpki(card: JpkiCard) -> JpkiCard:
    card.power_on()
    assert say(card, "00A4040C0A" + AID_JPKI.hex()) == "9000"
    return card


def say(card: JpkiCard, *apdus: str) -> str:
    """The status word of the last of these commands."""
    return [card.transmit(bytes.fromhex(apdu))[-2:] for apdu in apdus][-1].hex().upper()


def data(card: JpkiCard, apdu: str) -> bytes:
    answer = card.transmit(bytes.fromhex(apdu))
    assert answer[-2:] == b"\x90\x00"
    return answer[:-2]


def select(file: str) -> str:
    return "00A4020C02" + file


def verify(secret: str) -> str:
    return f"00200080{len(secret) // 2:02X}{secret}"


QUERY = "00200080"
READ = "00B0000000"


@pytest.mark.parametrize(
    ("apdu", "sw"),
    [
        pytest.param("00A4040C07A0000000031010", "6A82", id="an application that is not there"),
        pytest.param("00A4040C", "6700", id="no name"),
        pytest.param("00A4040C0A" + AID_JPKI.hex() + "00", "9000", id="Le although nothing is asked for"),
        pytest.param("00A404000A" + AID_JPKI.hex(), "9000", id="asking for file control information"),
        pytest.param("00A404020A" + AID_JPKI.hex(), "6A86", id="the next occurrence of a name"),
        pytest.param("00A40000", "6A86", id="the master file"),
        pytest.param("00A4000C02000A", "6A86", id="a file by P1 00"),
        pytest.param(select("0003"), "6A82", id="a file that is not there"),
        pytest.param("00A4020C010A", "6700", id="half a file identifier"),
        pytest.param("01A4040C0A" + AID_JPKI.hex(), "6E00", id="another logical channel"),
        pytest.param("0CA4040C0A" + AID_JPKI.hex(), "6E00", id="secure messaging"),
        pytest.param("0088000004DEADBEEF00", "6D00", id="an instruction that it does not know"),
        pytest.param("002A9E9A04DEADBEEF00", "6D00", id="signing in the wrong class"),
        pytest.param(READ, "6986", id="no file selected"),
        pytest.param("00B0000004" + "00" * 4, "6700", id="reading with data"),
    ],
)
def test_what_select_and_the_header_say(card: JpkiCard, apdu: str, sw: str) -> None:
    assert say(card, apdu) == sw


def test_nothing_is_selected_after_power_up(issuer: JpkiIssuer) -> None:
    card = issuer.card(KEY)
    card.power_on()

    assert say(card, select("000A")) == "6A82"
    assert say(card, READ) == "6986"
    assert (card.application, card.touched) == (b"", set())


@pytest.mark.parametrize(
    ("file", "sw"),
    [
        pytest.param("0001", "6982", id="signing certificate"),
        pytest.param("0002", "9000", id="its CA"),
        pytest.param("0006", "9000", id="token"),
        pytest.param("000A", "9000", id="authentication certificate"),
        pytest.param("000B", "9000", id="its CA's"),
        pytest.param(AUTHENTICATION_KEY, "6981", id="authentication key"),
        pytest.param(AUTHENTICATION_PIN, "6981", id="its PIN"),
        pytest.param(SIGNING_KEY, "6981", id="signing key"),
        pytest.param(SIGNING_PASSWORD, "6981", id="its password"),
    ],
)
def test_what_can_be_read_without_a_pin(card: JpkiCard, file: str, sw: str) -> None:
    assert say(card, select(file), READ) == sw
    short = int(file, 16) | 0x80
    assert say(card, f"00B0{short:02X}0000") == sw


def test_the_signing_certificate_needs_the_password_and_not_the_pin(card: JpkiCard) -> None:
    assert say(card, select(AUTHENTICATION_PIN), verify(PIN), select("0001"), READ) == "6982"
    assert say(card, select(SIGNING_PASSWORD), verify(PASSWORD), select("0001"), READ) == "9000"


def test_reading_to_the_end_and_past_it(issuer: JpkiIssuer) -> None:
    certificate = issuer.certificate(KEY.public_key())
    card = in_jpki(issuer.card(KEY, certificate))
    whole = certificate.public_bytes(Encoding.DER)
    end = len(whole)
    say(card, select("000A"))

    assert data(card, "00B00000000000") == whole
    assert data(card, "00B0000007") == whole[:7]
    assert data(card, "00B0010000") == whole[256:512]
    assert data(card, f"00B0{end - 4:04X}00") == whole[-4:]
    assert card.transmit(bytes.fromhex(f"00B0{end - 4:04X}05")) == whole[-4:] + b"\x62\x82"
    assert say(card, f"00B0{end:04X}00") == "6B00"
    assert say(card, "00B07FFF00") == "6B00"
    assert say(card, "00B00000") == "6700"


@pytest.mark.parametrize("short", ["80", "9F", "AA", "CA"])
def test_short_identifiers_that_are_none(card: JpkiCard, short: str) -> None:
    assert say(card, select("000A"), f"00B0{short}0000") == "6A86"


def test_a_short_identifier_selects(card: JpkiCard) -> None:
    assert data(card, "00B0860020") == data(card, "00B0000020")


@pytest.mark.parametrize(
    ("token", "read"), [("JPKIAPICCTOKEN2", "9000"), (TOKEN_ANDROID, "6982"), (TOKEN_IPHONE, "6982")]
)
def test_a_phone_wants_its_pin_before_it_shows_the_certificate(issuer: JpkiIssuer, token: str, read: str) -> None:
    card = in_jpki(issuer.card(KEY, token=token))

    name = data(card, "00B0860000")
    assert len(name) == 160
    assert name[:32] == token.encode().ljust(32)
    assert say(card, select("000A"), READ) == read
    assert say(card, select(AUTHENTICATION_PIN), verify(PIN), select("000A"), READ) == "9000"


@pytest.mark.parametrize(
    ("file", "right", "wrong", "tries"),
    [
        pytest.param(AUTHENTICATION_PIN, PIN, WRONG_PIN, 3, id="PIN"),
        pytest.param(SIGNING_PASSWORD, PASSWORD, WRONG_PASSWORD, 5, id="password"),
    ],
)
def test_a_pin_counts_down_and_blocks(card: JpkiCard, file: str, right: str, wrong: str, tries: int) -> None:
    assert say(card, select(file), QUERY) == f"63C{tries}"
    for left in reversed(range(1, tries)):
        assert say(card, verify(wrong)) == f"63C{left}"
    assert say(card, verify(right)) == "9000"
    assert say(card, QUERY) == f"63C{tries}"
    for left in reversed(range(tries)):
        assert say(card, verify(wrong)) == f"63C{left}"
    assert say(card, verify(right)) == "6984"
    assert say(card, QUERY) == "63C0"

    card.power_off()
    in_jpki(card)
    assert say(card, select(file), verify(right)) == "6984"


def test_a_pin_that_is_no_prefix_of_the_right_one_counts_too(card: JpkiCard) -> None:
    assert say(card, select(AUTHENTICATION_PIN), verify(PIN[:4])) == "63C2"
    assert say(card, verify(PIN + "35")) == "63C1"


@pytest.mark.parametrize(
    ("file", "apdu", "sw"),
    [
        pytest.param(AUTHENTICATION_PIN, verify("31" * 17), "6700", id="longer than any PIN"),
        pytest.param(AUTHENTICATION_PIN, verify(PIN) + "00", "6700", id="with Le"),
        pytest.param(AUTHENTICATION_PIN, f"0020018004{PIN}", "6A86", id="P1"),
        pytest.param(AUTHENTICATION_PIN, f"0020000004{PIN}", "6A86", id="a PIN of the whole card"),
        pytest.param("000A", verify(PIN), "6981", id="a certificate is no PIN"),
        pytest.param("000A", f"0020008304{PIN}", "6A82", id="a short identifier that is none"),
    ],
)
def test_what_verify_refuses_without_a_try(card: JpkiCard, file: str, apdu: str, sw: str) -> None:
    assert say(card, select(file), apdu) == sw
    assert card.pin.left == 3


def test_verify_with_a_short_identifier(card: JpkiCard) -> None:
    assert say(card, f"0020009804{PIN}") == "9000"


def test_a_signature_over_a_challenge(card: JpkiCard) -> None:
    assert say(card, select(AUTHENTICATION_KEY), SIGN) == "6982"
    assert say(card, select(AUTHENTICATION_PIN), verify(PIN), select(AUTHENTICATION_KEY)) == "9000"

    signature = data(card, SIGN)

    assert len(signature) == 256
    KEY.public_key().verify(signature, DIGEST, padding.PKCS1v15(), Prehashed(hashes.SHA256()))


@pytest.mark.parametrize(
    ("apdu", "sw"),
    [
        pytest.param(SIGN[:-2], "6700", id="without Le"),
        pytest.param("802A008000", "6700", id="without data"),
        pytest.param(SIGN[:-2] + "10", "6C00", id="Le below the signature's length"),
        pytest.param(f"802A9E9A33{DIGEST_INFO}00", "6A86", id="P1 and P2 of other cards"),
        pytest.param(f"802A008020{DIGEST.hex()}00", "6A80", id="a bare digest"),
        pytest.param(f"802A008032{DIGEST_INFO[:-2]}00", "6A80", id="a digest that is too short"),
    ],
)
def test_what_signing_refuses(card: JpkiCard, apdu: str, sw: str) -> None:
    assert say(card, select(AUTHENTICATION_PIN), verify(PIN), select(AUTHENTICATION_KEY), apdu) == sw


def test_a_certificate_does_not_sign(card: JpkiCard) -> None:
    assert say(card, SIGN) == "6986"
    assert say(card, select(AUTHENTICATION_PIN), verify(PIN), select("000A"), SIGN) == "6981"


def test_the_pin_does_not_open_the_signing_key(card: JpkiCard) -> None:
    assert say(card, select(AUTHENTICATION_PIN), verify(PIN), select(SIGNING_KEY), SIGN) == "6982"
    assert say(card, select(SIGNING_PASSWORD), verify(PASSWORD), select(SIGNING_KEY), SIGN) == "9000"


def test_a_warm_reset_leaves_a_verified_pin(card: JpkiCard) -> None:
    say(card, select(AUTHENTICATION_PIN), verify(PIN))
    card.reset()

    assert say(card, select(AUTHENTICATION_KEY), SIGN) == "9000"


@pytest.mark.parametrize("application", [AID_JPKI, AID_COMMON])
def test_selecting_an_application_ends_a_verified_pin(card: JpkiCard, application: bytes) -> None:
    say(card, select(AUTHENTICATION_PIN), verify(PIN), "00A4040C0A" + application.hex())
    say(card, "00A4040C0A" + AID_JPKI.hex())

    assert say(card, select(AUTHENTICATION_KEY), SIGN) == "6982"


def test_a_failed_select_leaves_a_verified_pin(card: JpkiCard) -> None:
    say(card, select(AUTHENTICATION_PIN), verify(PIN), "00A4040C07A0000000031010")

    assert say(card, select(AUTHENTICATION_KEY), SIGN) == "9000"


def test_power_off_ends_a_verified_pin(card: JpkiCard) -> None:
    say(card, select(AUTHENTICATION_PIN), verify(PIN))
    card.power_off()
    in_jpki(card)

    assert say(card, select(AUTHENTICATION_KEY), SIGN) == "6982"


def test_a_wrong_pin_ends_a_verified_one(card: JpkiCard) -> None:
    say(card, select(AUTHENTICATION_PIN), verify(PIN), verify(WRONG_PIN))

    assert say(card, select(AUTHENTICATION_KEY), SIGN) == "6982"


def test_the_common_application_tells_its_28_digits(issuer: JpkiIssuer) -> None:
    digits = "123456789012345" + "13101" + "20310401"
    card = issuer.card(KEY, common=digits)
    card.power_on()
    say(card, "00A4040C0A" + AID_COMMON.hex())

    assert data(card, "00B2010C00") == b"\x01\x1c" + digits.encode()
    assert say(card, "00B2020C00") == "6A83"
    assert say(card, "00B2000C00") == "6A83"
    assert say(card, "00B2010800") == "6A86"
    assert say(card, "00B2011400") == "6A82"
    assert say(card, "00B2010C") == "6700"
    assert say(card, "00B0810000") == "6981"


def test_jpki_has_no_records(card: JpkiCard) -> None:
    assert say(card, "00B2013400") == "6981"


@pytest.mark.parametrize("application", sorted(FORBIDDEN))
def test_the_forbidden_applications_are_there_and_tell_on_whom_selects_them(
    issuer: JpkiIssuer, application: bytes
) -> None:
    card = in_jpki(issuer.card(KEY))
    assert card.touched == {AID_JPKI}

    assert say(card, "00A4040C0A" + application.hex()) == "9000"
    assert card.touched == {AID_JPKI, application}


@pytest.mark.parametrize(
    ("application", "short"), [(AID_CARD_FACE_INPUT, 0x81), (AID_CARD_FACE, 0x85), (AID_RESIDENT, 0x81)]
)
def test_what_they_hold_is_obviously_fake(card: JpkiCard, application: bytes, short: int) -> None:
    say(card, "00A4040C0A" + application.hex())

    assert b"VIRTUAL CARD" in data(card, f"00B0{short:02X}0000")


def test_the_my_number_is_twelve_zeros(card: JpkiCard) -> None:
    say(card, "00A4040C0A" + AID_CARD_FACE_INPUT.hex())

    assert data(card, "00B081000C") == b"000000000000"


def test_a_shortened_aid_lands_in_a_forbidden_application(card: JpkiCard) -> None:
    assert say(card, "00A4040C07" + AID_COMMON[:7].hex()) == "9000"
    assert card.application in FORBIDDEN


def test_the_first_command_after_each_power_up_fails_once(issuer: JpkiIssuer) -> None:
    card = issuer.card(KEY, first_apdu_6f00=True)
    for _ in range(2):
        card.power_on()
        assert say(card, "FFCA000000") == "9000"
        assert say(card, "00A4040C0A" + AID_JPKI.hex()) == "6F00"
        assert say(card, "00A4040C0A" + AID_JPKI.hex()) == "9000"
        card.reset()
        assert say(card, select("000A")) == "9000"


def test_a_reader_without_extended_commands(issuer: JpkiIssuer) -> None:
    card = in_jpki(issuer.card(KEY, no_extended=True))

    assert say(card, select("000A"), "00B00000000000") == "6700"
    assert say(card, READ) == "9000"


def test_an_elliptic_key_signs_a_bare_digest() -> None:
    key = ec.generate_private_key(ec.SECP384R1())
    card = in_jpki(JpkiIssuer(ec.generate_private_key(ec.SECP384R1())).card(key))
    digest = bytes(48)
    say(card, select(AUTHENTICATION_PIN), verify(PIN), select(AUTHENTICATION_KEY))

    signature = data(card, f"802A008030{digest.hex()}00")

    key.public_key().verify(signature, digest, ec.ECDSA(Prehashed(hashes.SHA384())))
    assert say(card, SIGN) == "6A80"

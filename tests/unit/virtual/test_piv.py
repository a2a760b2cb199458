"""The virtual PIV card refuses what NIST SP 800-73-4 part 2 refuses."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from kazasu.virtual.issuer import rsa_key
from kazasu.virtual.piv import AID, AUTHENTICATION, CARD_AUTHENTICATION, CCC, CHUID, SIGNATURE, PivCard
from kazasu.virtual.piv_issuer import PivIssuer, clone, ec_key
from kazasu.virtual.tlv import objects

KEY = ec_key("card")
PIN, WRONG = b"123456\xff\xff".hex(), b"000000\xff\xff".hex()
VERIFY = "0020008008"
SELECT = "00A404000B" + AID.hex() + "00"
DIGEST = bytes(range(32))
TEMPLATE = "7C2482008120" + DIGEST.hex()


def of(*keys: int, contactless: bool = False) -> PivCard:
    card = PivIssuer().card(dict.fromkeys(keys or (CARD_AUTHENTICATION,), KEY), contactless=contactless)
    card.power_on()
    say(card, SELECT)
    return card


@pytest.fixture
def card() -> PivCard:
    return of(AUTHENTICATION, SIGNATURE, CARD_AUTHENTICATION)


def say(card: PivCard, *apdus: str) -> str:
    """The status word of the last of these commands."""
    return [card.transmit(bytes.fromhex(apdu))[-2:] for apdu in apdus][-1].hex().upper()


def sign(key: int, algorithm: int = 0x11, template: str = TEMPLATE) -> str:
    return f"0087{algorithm:02X}{key:02X}{len(template) // 2:02X}{template}00"


@pytest.mark.parametrize(
    ("name", "sw"),
    [
        ("0BA000000308000010000100", "9000"),
        ("09A00000030800001000", "9000"),
        ("08A000000308000010", "6A82"),
        ("0BA000000308000010000200", "6A82"),
        ("0CA00000030800001000010000", "6A82"),
        ("0AD392F000260100000001", "6A82"),
    ],
)
def test_it_is_selected_by_its_name_with_or_without_version(card: PivCard, name: str, sw: str) -> None:
    assert say(card, f"00A40400{name}00") == sw


def test_its_answer_to_select_names_it(card: PivCard) -> None:
    answer = card.transmit(bytes.fromhex(SELECT))
    assert answer == bytes.fromhex("61114F0600001000010079074F05A0000003089000")
    assert say(card, SELECT[:-2] + "05") == "610E"


def test_select_has_one_form(card: PivCard) -> None:
    assert say(card, "00A4040C0B" + AID.hex()) == "6A86"
    assert say(card, "00A4020C020006") == "6A86"


def test_without_select_there_is_nothing(card: PivCard) -> None:
    card.power_on()
    assert say(card, "00CB3FFF055C035FC10200") == "6D00"
    say(card, SELECT)
    card.reset()
    assert say(card, "00CB3FFF055C035FC10200") == "6D00"


@pytest.mark.parametrize(
    ("apdu", "sw"),
    [
        ("00CB3FFF055C035FC10200", "6100"),
        ("00CB3FFF055C035FC10300", "6A82"),
        ("00CB3FFF035C017E00", "9000"),
        ("00CB3F00055C035FC10200", "6A86"),
        ("00CB3FFF055C045FC10200", "6A80"),
        ("00CB3FFF054C035FC10200", "6A80"),
        ("00CB3FFF075C035FC1025C0000", "6A80"),
        ("00CB3FFF00", "6700"),
        ("00CB3FFF055C035FC102", "6700"),
        ("00CB3FFF055C035FC10900", "6982"),
        ("00CA000000", "6D00"),
        ("80CB3FFF055C035FC10200", "6E00"),
    ],
)
def test_get_data(card: PivCard, apdu: str, sw: str) -> None:
    assert say(card, apdu) == sw


def test_what_is_longer_than_le_is_fetched_in_pieces(card: PivCard) -> None:
    answer = card.transmit(bytes.fromhex("00CB3FFF055C035FC10264"))
    content = answer[:-2]
    assert (len(content), answer[-2:]) == (100, b"\x61\x00")
    while answer[-2] == 0x61:
        answer = card.transmit(b"\0\xc0\0\0" + answer[-1:])
        content += answer[:-2]
    assert answer[-2:] == b"\x90\x00"
    assert content == card.objects[CHUID]
    assert say(card, "00C0000000") == "6985"


def test_a_rest_is_lost_with_the_next_command(card: PivCard) -> None:
    assert say(card, "00CB3FFF055C035FC10200", "00CB3FFF035C017E00", "00C0000000") == "6985"
    assert say(card, "00CB3FFF055C035FC10200", "00C0010000") == "6A86"


@pytest.mark.parametrize("tag", [CCC, bytes.fromhex("5FC105")])
def test_without_contacts_most_objects_are_out_of_reach(tag: bytes) -> None:
    read = f"00CB3FFF055C03{tag.hex()}00"
    assert say(of(AUTHENTICATION), read)[:2] in {"90", "61"}
    assert say(of(AUTHENTICATION, contactless=True), read) == "6982"


def test_without_contacts_there_is_no_pin() -> None:
    card = of(AUTHENTICATION, CARD_AUTHENTICATION, contactless=True)
    assert say(card, VERIFY + PIN) == "6982"
    assert say(card, sign(AUTHENTICATION)) == "6982"
    assert say(card, sign(CARD_AUTHENTICATION)) == "9000"
    assert card.pin.left == 3


def test_the_pin_is_counted_and_blocked(card: PivCard) -> None:
    assert say(card, "00200080") == "63C3"
    assert say(card, VERIFY + WRONG) == "63C2"
    assert say(card, VERIFY + PIN) == "9000"
    assert say(card, "00200080") == "9000"
    assert say(card, "0020FF80") == "9000"
    assert say(card, "00200080") == "63C3"
    assert [say(card, VERIFY + WRONG) for _ in range(3)] == ["63C2", "63C1", "63C0"]
    assert say(card, VERIFY + PIN) == "6983"
    assert say(card, "00200080") == "6983"


@pytest.mark.parametrize(
    ("apdu", "sw"),
    [
        ("0020008006313233343536", "6A80"),
        ("00200080083132333435FFFFFF", "6A80"),
        ("002000800831323334353A36FF", "6A80"),
        ("0020008108313233343536FFFF", "6A88"),
        ("0020018008313233343536FFFF", "6A86"),
    ],
)
def test_a_pin_has_one_form_and_one_place(card: PivCard, apdu: str, sw: str) -> None:
    assert say(card, apdu) == sw
    assert card.pin.left == 3


def test_the_key_for_cards_needs_no_pin_and_the_others_do(card: PivCard) -> None:
    assert say(card, sign(CARD_AUTHENTICATION)) == "9000"
    assert say(card, sign(AUTHENTICATION)) == "6982"
    assert say(card, VERIFY + PIN, sign(AUTHENTICATION)) == "9000"
    assert say(card, sign(AUTHENTICATION)) == "9000"
    assert card.used == {CARD_AUTHENTICATION, AUTHENTICATION}


def test_the_key_for_signatures_needs_the_pin_right_before(card: PivCard) -> None:
    assert say(card, VERIFY + PIN, sign(SIGNATURE)) == "9000"
    assert say(card, sign(SIGNATURE)) == "6982"
    assert say(card, VERIFY + PIN, "00CB3FFF035C017E00", sign(SIGNATURE)) == "6982"
    assert say(card, sign(AUTHENTICATION)) == "9000"


def test_selecting_anew_ends_the_pin(card: PivCard) -> None:
    assert say(card, VERIFY + PIN, SELECT, sign(AUTHENTICATION)) == "6982"


@pytest.mark.parametrize(
    ("apdu", "sw"),
    [
        (sign(0x9D), "6A86"),
        (sign(0x9B), "6A86"),
        (sign(CARD_AUTHENTICATION, 0x14), "6A86"),
        (sign(CARD_AUTHENTICATION, 0x07), "6A86"),
        (sign(CARD_AUTHENTICATION, template="7C02810082008120"[:8]), "6A80"),
        (sign(CARD_AUTHENTICATION, template="7C048200" + "8100"), "6A80"),
        (sign(CARD_AUTHENTICATION, template="7C2382008" + "11F" + DIGEST.hex()[2:]), "6A80"),
        (sign(CARD_AUTHENTICATION, template="7C2482008520" + DIGEST.hex()), "6A80"),
        (sign(CARD_AUTHENTICATION, template="7C25820100" + "8120" + DIGEST.hex()), "6A80"),
        (sign(CARD_AUTHENTICATION, template=TEMPLATE[:-2]), "6A80"),
    ],
)
def test_what_it_does_not_sign(card: PivCard, apdu: str, sw: str) -> None:
    assert say(card, apdu) == sw


def response(answer: bytes) -> bytes:
    whole = objects(answer)
    assert whole is not None
    inner = objects(whole[0x7C])
    assert inner is not None
    return inner[0x82]


def test_its_signature_is_over_the_digest_as_it_came(card: PivCard) -> None:
    signature = response(card.transmit(bytes.fromhex(sign(CARD_AUTHENTICATION)))[:-2])
    KEY.public_key().verify(signature, DIGEST, ec.ECDSA(Prehashed(hashes.SHA256())))


def rsa_card() -> PivCard:
    card = PivIssuer().card(rsa_key("card"))
    card.power_on()
    say(card, SELECT)
    return card


BLOCK = b"\0\1" + b"\xff" * 202 + b"\0" + bytes.fromhex("3031300D060960864801650304020105000420") + DIGEST
DATA = bytes.fromhex("7C82010682008182" + "0100") + BLOCK
FIRST = "1087079EFF" + DATA[:255].hex()
LAST = f"0087079E{len(DATA) - 255:02X}{DATA[255:].hex()}00"


def test_an_rsa_key_is_given_its_block_in_a_chain() -> None:
    card = rsa_card()
    assert say(card, FIRST) == "9000"
    answer = card.transmit(bytes.fromhex(LAST))
    assert answer[-2:] == b"\x61\x08"
    content = answer[:-2] + card.transmit(bytes.fromhex("00C0000008"))[:-2]
    rsa_key("card").public_key().verify(response(content), DIGEST, padding.PKCS1v15(), Prehashed(hashes.SHA256()))


def test_a_chain_is_one_command_and_nothing_between() -> None:
    card = rsa_card()
    assert say(card, FIRST, SELECT) == "6883"
    assert say(card, LAST) == "6A80"
    assert say(card, FIRST, LAST.replace("0087079E", "0087079A", 1)) == "6883"
    assert say(card, FIRST, LAST) == "6108"
    assert say(card, FIRST + "00") == "6700"
    assert say(card, *[FIRST] * 17) == "6A80"


def test_a_block_above_the_modulus_is_not_signed() -> None:
    above = DATA[:10] + b"\xff" * 256
    card = rsa_card()
    assert say(card, "1087079EFF" + above[:255].hex(), f"0087079E0B{above[255:].hex()}00") == "6A80"


@pytest.mark.parametrize("instruction", ["24", "2C", "47", "DB"])
def test_nobody_manages_it(card: PivCard, instruction: str) -> None:
    assert say(card, f"00{instruction}3FFF0101") == "6982"


def test_a_clone_has_every_object_and_no_key_of_the_card(card: PivCard) -> None:
    copy = clone(card)
    copy.power_on()
    assert copy.objects == card.objects
    assert say(copy, SELECT, sign(CARD_AUTHENTICATION)) == "6A86"

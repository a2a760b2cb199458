"""The virtual staff applications refuse what ISO/IEC 7816-4 and 7816-8 refuse."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.hashes import SHA256

from fakes.staff import CARD_KEY, CARD_NUMBER, card_with, number_only, rsa
from kazasu.virtual.staff_card import (
    AID_AES,
    AID_NUMBER,
    AID_RSA,
    StaffApplication,
    aes_application,
    encrypting,
    holder_of,
    number_application,
)

if TYPE_CHECKING:
    from kazasu.virtual.files import FileCard

CARD = bytes(range(16))
CHALLENGE = bytes(range(16, 32))
DIGEST_INFO = bytes.fromhex("3031300D060960864801650304020105000420") + bytes(32)


def say(card: FileCard, *apdus: str) -> str:
    """The status word of the last of these commands."""
    return [card.transmit(bytes.fromhex(apdu))[-2:] for apdu in apdus][-1].hex().upper()


def data(card: FileCard, apdu: str) -> bytes:
    answer = card.transmit(bytes.fromhex(apdu))
    assert answer[-2:] == b"\x90\x00"
    return answer[:-2]


def select(aid: bytes) -> str:
    return f"00A4040C{len(aid):02X}{aid.hex()}"


@pytest.fixture
def card() -> FileCard:
    """With all three, on a My Number Card; none is selected."""
    aes = aes_application(CARD, holder_of(1, CARD_NUMBER, "1001"))
    return card_with(aes, number_only(), rsa(), on_my_number_card=True)


INTERNAL_AUTHENTICATE = f"0088008110{CHALLENGE.hex()}00"
SET_SIGNATURE_KEY = "002241B603840101"
SIGN = f"002A9E9A{len(DIGEST_INFO):02X}{DIGEST_INFO.hex()}00"


def test_what_is_in_the_files(card: FileCard) -> None:
    assert say(card, select(AID_AES)) == "9000"
    assert data(card, "00B0810010") == b"\x01" + CARD_NUMBER + b"1001    "
    assert say(card, select(AID_NUMBER)) == "9000"
    assert data(card, "00B0810000")[:6] == bytes.fromhex("700CC1040000")
    assert number_application("123").files[1].content[:6] == bytes.fromhex("700AC102123F")


def test_the_key_encrypts_a_challenge(card: FileCard) -> None:
    say(card, select(AID_AES))
    encryptor = Cipher(AES(CARD), modes.ECB()).encryptor()  # noqa: S305
    assert data(card, INTERNAL_AUTHENTICATE) == encryptor.update(CHALLENGE)


def test_the_key_signs_a_digest(card: FileCard) -> None:
    say(card, select(AID_RSA), SET_SIGNATURE_KEY)
    signature = data(card, SIGN)
    from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

    CARD_KEY.public_key().verify(signature, bytes(32), padding.PKCS1v15(), Prehashed(SHA256()))


@pytest.mark.parametrize(
    ("apdus", "sw"),
    [
        ([INTERNAL_AUTHENTICATE], "6D00"),  # no application is selected
        ([select(AID_NUMBER), INTERNAL_AUTHENTICATE], "6A88"),  # it has no key
        ([select(AID_AES), "0088018110" + "00" * 17], "6A86"),
        ([select(AID_AES), "0088004110" + "00" * 17], "6A86"),
        ([select(AID_AES), "0088008210" + "00" * 17], "6A88"),
        ([select(AID_AES), "0088000010" + "00" * 17], "6985"),  # no key was set
        ([select(AID_AES), "0088008108" + "00" * 9], "6700"),
        ([select(AID_AES), "0088008110" + "00" * 16], "6700"),  # without Le
        ([select(AID_AES), "0088008100"], "6700"),
        ([select(AID_AES), "8088008110" + "00" * 17], "6D00"),
        ([select(AID_AES), "00A4020C020002", "00B0000000"], "6982"),
        ([select(AID_AES), "00A4020C020003"], "6A82"),
        ([select(AID_AES), "00B0820000"], "6982"),
        ([select(AID_AES), "00D6000001FF"], "6D00"),
        ([select(AID_AES), "0022F3B603840101"], "6A86"),
        ([select(AID_AES), "002241B803840101"], "6A86"),
        ([select(AID_AES), "002241A403840102"], "6A88"),
        ([select(AID_AES), "002241A403830101"], "6A80"),
        ([select(AID_AES), "002241A40484010101"], "6A80"),
        ([select(AID_AES), "002241A40384010100"], "6700"),
        ([select(AID_AES), "002241A403840101", "0088000010" + "00" * 17], "9000"),
        ([select(AID_AES), "002241A403840101", select(AID_AES), "0088000010" + "00" * 17], "6985"),
        ([select(AID_RSA), SIGN], "6985"),
        ([select(AID_RSA), SET_SIGNATURE_KEY, SIGN], "9000"),
        ([select(AID_RSA), SET_SIGNATURE_KEY, "00A4020C020003", SIGN], "9000"),
        ([select(AID_RSA), SET_SIGNATURE_KEY, select(AID_AES), select(AID_RSA), SIGN], "6985"),
        ([select(AID_RSA), SET_SIGNATURE_KEY, "002A9E9A20" + "00" * 33], "6A80"),
        ([select(AID_RSA), SET_SIGNATURE_KEY, SIGN.replace("9E9A", "8680")], "6A86"),
        ([select(AID_RSA), SET_SIGNATURE_KEY, SIGN[:-2]], "6700"),
        ([select(AID_RSA), "002241A403840101"], "6A88"),
        ([select(bytes.fromhex("F04B415A5553550109"))], "6A82"),
        (["00A4040C02F04B"], "9000"),  # a shortened AID finds the first
    ],
)
def test_each_command_has_its_conditions(card: FileCard, apdus: list[str], sw: str) -> None:
    assert say(card, *apdus) == sw


def test_power_takes_the_key_that_was_set_away(card: FileCard) -> None:
    assert say(card, select(AID_RSA), SET_SIGNATURE_KEY) == "9000"
    card.power_off()
    card.power_on()
    assert say(card, select(AID_RSA), SIGN) == "6985"


def test_the_my_number_cards_own_applications_stay_as_they_are(card: FileCard) -> None:
    assert say(card, select(bytes.fromhex("D392F000260100000001")), "00A4020C02000A", "00B0000000") == "9000"
    assert say(card, INTERNAL_AUTHENTICATE) == "6D00"
    assert card.touched == {bytes.fromhex("D392F000260100000001")}


@pytest.mark.parametrize(("algorithm", "key", "block"), [("aes-256", bytes(32), 16), ("3des", bytes(range(24)), 8)])
def test_a_block_is_the_ciphers(algorithm: str, key: bytes, block: int) -> None:
    application = StaffApplication(AID_AES, {}, {1: encrypting(algorithm, key)})
    card = card_with(application)
    say(card, select(AID_AES))
    assert say(card, f"00880081{block:02X}{'00' * block}00") == "9000"
    assert say(card, f"00880081{24 - block:02X}{'00' * (24 - block)}00") == "6700"


@pytest.mark.parametrize(("card_number", "staff_number"), [(bytes(6), "1"), (bytes(7), "123456789")])
def test_a_holder_has_a_card_number_and_a_staff_number(card_number: bytes, staff_number: str) -> None:
    with pytest.raises(ValueError, match="7 bytes"):
        holder_of(1, card_number, staff_number)

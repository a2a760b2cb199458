"""DESFire's cryptography against published examples, byte for byte."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.ciphers.algorithms import AES

from fakes.card_channel import FakeCardChannel, ScriptedCard, scripted
from kazasu.cards.cmac import cmac, encrypt
from kazasu.cards.desfire_session import Ev1Session, Ev2Session, authenticate
from kazasu.errors import CardRefused, UnexpectedStatus
from kazasu.model.access import DenyReason

ZERO_KEY = bytes(16)


def random(ours: str) -> bytes:
    return bytes.fromhex(ours)


# NXP, AN12196, rev. 2.0, table 14 (key 0) and table 20 (key 3), both keys zero.
TABLE_14 = (
    "A04C124213C186F22399D33AC2A3021591AF",
    "3FA64DB5446D1F34CD6EA311167F5E4985B89690C04A05F17FA7AB2F081206639100",
)
OURS_14 = "13C5DB8A5930439FC3DEF9A4C675360F"


def test_an12196_table_14_ev2_first() -> None:
    channel = FakeCardChannel(scripted(*TABLE_14))

    session = authenticate(channel, 0, ZERO_KEY, lambda _: random(OURS_14))

    assert [apdu.hex().upper() for apdu in channel.sent] == [
        "9071000002000000",
        "90AF00002035C3E05A752E0144BAC0DE51C1F22C56B34408A23D8AEA266CAB947EA8E0118D00",
    ]
    assert isinstance(session, Ev2Session)
    assert bytes(session._cipher.key).hex().upper() == "1309C877509E5A215007FF0ED19CA564"
    assert bytes(session._mac_cipher.key).hex().upper() == "4C6626F5E72EA694202139295C7A7FC7"
    assert session._transaction.hex().upper() == "9D00C4DF"


def test_an12196_table_28_get_card_uid_in_full_mode() -> None:
    session = Ev2Session(
        bytes.fromhex("2B4D963C014DC36F24F69A50A394F875"),
        bytes.fromhex("379D32130CE61705DD5FD8C36B95D764"),
        bytes.fromhex("DF055522"),
    )
    channel = FakeCardChannel(scripted("70756055688505B52A5E26E59E329CD6595F672298EA41B79100"))

    uid = session.request(channel, 0x51, b"", full=True, length=7)

    assert channel.sent == [bytes.fromhex("90510000088E2C155ADDA99BE300")]
    assert uid.hex().upper() == "04958CAA5C5E80"


def test_an12196_table_8_a_command_in_mac_mode() -> None:
    session = Ev2Session(bytes(16), bytes.fromhex("8248134A386E86EB7FAF54A52E536CB6"), bytes.fromhex("7A21085E"))
    channel = FakeCardChannel(scripted("0040EEEE000100D1FE001F00004400004400002000006A00002A474282E7A479869100"))

    settings = session.request(channel, 0xF5, b"\x02", full=False, length=25)

    assert channel.sent == [bytes.fromhex("90F5000009026597A457C8CD442C00")]
    assert settings.hex().upper() == "0040EEEE000100D1FE001F00004400004400002000006A0000"


def test_aes_of_ev1() -> None:
    # The exchange that is printed in M. Ridrich's notes on DESFire and used by many implementations; key zero.
    channel = FakeCardChannel(
        scripted("911C", "B969FDFE56FD91FC9DE6F6F213B8FD1E91AF", "800DB680BC146BD121D6578F2D2E20599100")
    )

    session = authenticate(channel, 0, ZERO_KEY, lambda _: random("F44B26F5686F3A391CD38EBD10772281"))

    assert [apdu.hex().upper() for apdu in channel.sent] == [
        "9071000002000000",
        "90AA0000010000",
        "90AF00002036AAD7DF6E436BA08D18613830A70D5AD43E3D3F4A8D47541EEE623A934E477400",
    ]
    assert isinstance(session, Ev1Session)
    assert bytes(session._cipher.key).hex().upper() == "F44B26F5C05DDD7110772281C4D066E8"


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        (["91AE"], DenyReason.AUTHENTICATION_FAILED),
        (["9140"], DenyReason.AUTHENTICATION_FAILED),
        ([TABLE_14[0], "91AE"], DenyReason.AUTHENTICATION_FAILED),
        ([TABLE_14[0], "00" * 32 + "9100"], DenyReason.AUTHENTICATION_FAILED),
        ([TABLE_14[0], TABLE_14[1][2:]], DenyReason.CARD_UNREADABLE),
        ([TABLE_14[0], "00" + TABLE_14[1]], DenyReason.CARD_UNREADABLE),
        ([TABLE_14[0][2:]], DenyReason.CARD_UNREADABLE),
        (["00" + TABLE_14[0]], DenyReason.CARD_UNREADABLE),
    ],
)
def test_a_card_that_does_not_prove_the_key_is_refused(answers: list[str], reason: DenyReason) -> None:
    with pytest.raises(CardRefused) as caught:
        authenticate(FakeCardChannel(scripted(*answers)), 0, ZERO_KEY, lambda _: random(OURS_14))
    assert caught.value.reason is reason


def test_an_answer_to_another_challenge_is_refused() -> None:
    with pytest.raises(CardRefused) as caught:
        authenticate(FakeCardChannel(scripted(*TABLE_14)), 0, ZERO_KEY, lambda _: bytes(16))
    assert caught.value.reason is DenyReason.AUTHENTICATION_FAILED


def test_frames_without_end_are_no_answer() -> None:
    session = Ev2Session(bytes(16), bytes(16), bytes(4))
    with pytest.raises(UnexpectedStatus, match="91AF"):
        session.request(
            FakeCardChannel(ScriptedCard(lambda _: bytes(59) + b"\x91\xaf")), 0xBD, b"", full=False, length=1
        )


def test_an_ev1_that_does_not_prove_the_key_is_asked_nothing_more() -> None:
    channel = FakeCardChannel(scripted("911C", "B969FDFE56FD91FC9DE6F6F213B8FD1E91AF", "00" * 16 + "9100"))
    with pytest.raises(CardRefused) as caught:
        authenticate(channel, 0, ZERO_KEY, lambda _: random("F44B26F5686F3A391CD38EBD10772281"))
    assert caught.value.reason is DenyReason.AUTHENTICATION_FAILED


@pytest.mark.parametrize("plain", [bytes(16), b"\x80" + bytes(14) + b"\x01", b"1001\x80\x00\x00\x01" + bytes(8)])
def test_authentic_data_with_wrong_padding_is_not_guessed_at(plain: bytes) -> None:
    keys, transaction = (bytes(16), bytes(range(16))), b"abcd"
    encryption_key, mac_key = map(AES, keys)
    vector = encrypt(encryption_key, bytes(16), b"\x5a\xa5" + transaction + b"\x01\x00" + bytes(8))
    enciphered = encrypt(encryption_key, vector, plain)
    mac = cmac(mac_key, b"\x00\x01\x00" + transaction + enciphered)[1::2]
    session = Ev2Session(*keys, transaction)

    with pytest.raises(CardRefused, match="padding"):
        session.request(
            FakeCardChannel(ScriptedCard(lambda _: enciphered + mac + b"\x91\x00")), 0xBD, b"", full=True, length=4
        )

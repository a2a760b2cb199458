"""FeliCa frames: as they are sent, and what comes back taken apart."""

from __future__ import annotations

import pytest

from kazasu.cards.felica_frames import (
    CardStatus,
    block_written,
    blocks_read,
    polled,
    polling,
    reading,
    same_card,
    writing,
)
from kazasu.errors import CardRefused
from kazasu.model.access import DenyReason

IDM = bytes.fromhex("0102030405060708")
STEP = "reading"


def test_frames_as_nfcpy_sends_them() -> None:
    # nfcpy, tests/test_tag_tt3_sony.py, test_protect_ndef_tag_readonly: commands 1, 5, 6 and 10.
    service, challenge = bytes.fromhex("000B"), bytes.fromhex("07060504030201000f0e0d0c0b0a0908")
    assert reading(service, [0x88]).filled(IDM).hex() == "10060102030405060708010b00018088"
    assert reading(service, [0x82, 0x81]).filled(IDM).hex() == "12060102030405060708010b000280828081"
    written = writing(bytes.fromhex("0009"), 0x80).filled(IDM, challenge)
    assert written.hex() == "20080102030405060708010900018080" + challenge.hex()
    assert polling(bytes.fromhex("12FC")).filled().hex() == "060012fc0000"


def test_who_answered_a_polling() -> None:
    who = polled(bytes.fromhex("1201 0102030405060708 00F1FFFFFFFFFFFF"))
    assert (who.idm, who.pmm.hex()) == (IDM, "00f1ffffffffffff")
    assert IDM.hex() not in repr(who)


def test_the_blocks_of_a_read() -> None:
    answer = bytes.fromhex("2D07 0102030405060708 0000 02" + "11" * 16 + "22" * 16)
    assert blocks_read(answer, IDM, 2, STEP) == [b"\x11" * 16, b"\x22" * 16]


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "00",
        "01",
        "1D09 0102030405060708 0000 01" + "11" * 16,  # to a write
        "1C07 0102030405060708 0000 01" + "11" * 16,  # another length than it says
        "1D07 0102030405060708 0000 02" + "11" * 16,  # another count than was asked for
        "2D07 0102030405060708 0000 02" + "11" * 32,
        "1C07 0102030405060708 0000 01" + "11" * 15,
        "0C07 0102030405060708 0000",
        "0B07 0102030405060708 00",
        "0207",
    ],
)
def test_a_read_that_is_none_is_unreadable(answer: str) -> None:
    with pytest.raises(CardRefused) as caught:
        blocks_read(bytes.fromhex(answer), IDM, 1, STEP)
    assert caught.value.reason is DenyReason.CARD_UNREADABLE


@pytest.mark.parametrize("answer", ["", "1101" + "00" * 15, "1301" + "00" * 17, "1200" + "00" * 16, "1207" + "00" * 16])
def test_a_polling_that_is_none_is_unreadable(answer: str) -> None:
    with pytest.raises(CardRefused) as caught:
        polled(bytes.fromhex(answer))
    assert caught.value.reason is DenyReason.CARD_UNREADABLE


def test_an_answer_of_another_card_says_that_there_are_two() -> None:
    for answer, take in (
        ("1D07 0102030405060709 0000 01" + "11" * 16, lambda got: blocks_read(got, IDM, 1, STEP)),
        ("0C09 0102030405060709 0000", lambda got: block_written(got, IDM, STEP)),
        ("0C09 0102030405060709 01A6", lambda got: block_written(got, IDM, STEP)),
    ):
        with pytest.raises(CardRefused) as caught:
            take(bytes.fromhex(answer))
        assert caught.value.reason is DenyReason.TWO_CARDS


@pytest.mark.parametrize("flags", ["01A6", "FFA1", "02B2", "FF70"])
def test_a_card_that_says_no(flags: str) -> None:
    with pytest.raises(CardStatus, match=f"writing: the card answered the status flags {flags}") as caught:
        block_written(bytes.fromhex("0C09 0102030405060708" + flags), IDM, "writing")
    assert caught.value.flag_2 == bytes.fromhex(flags)[1]


@pytest.mark.parametrize("flags", ["0000", "FF71"])  # done; done, and the memory was written often
def test_a_block_that_was_written(flags: str) -> None:
    block_written(bytes.fromhex("0C09 0102030405060708" + flags), IDM, "writing")


def test_a_write_is_not_answered_with_data() -> None:
    with pytest.raises(CardRefused):
        block_written(bytes.fromhex("0D09 0102030405060708 0000 00"), IDM, "writing")


def test_the_systems_of_one_card() -> None:
    assert same_card(IDM, bytes.fromhex("2102030405060708"))
    assert not same_card(IDM, bytes.fromhex("0202030405060708"))
    assert not same_card(IDM, bytes.fromhex("0102030405060709"))

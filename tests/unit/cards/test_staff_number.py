"""The staff number, cut out of the card's answers and read."""

from __future__ import annotations

import pytest

from kazasu.cards.staff_cut import Cut, Encoding
from kazasu.cards.staff_number import cut_out, expect_number, number_of
from kazasu.errors import CardRefused
from kazasu.model.access import DenyReason

ANSWERS = {"a": bytes.fromhex("700CC20144C10155700401020304"), "b": b"0123456789", "empty": b""}


def refusal(call: object, *arguments: object) -> CardRefused:
    assert callable(call)
    with pytest.raises(CardRefused) as caught:
        call(*arguments)
    return caught.value


@pytest.mark.parametrize(
    ("cut", "raw"),
    [
        (Cut(from_="b"), b"0123456789"),
        (Cut(from_="b", offset=3), b"3456789"),
        (Cut(from_="b", offset=3, length=2), b"34"),
        (Cut(from_="b", offset=8, length=2), b"89"),
        (Cut(from_="a", tlv=("70", "C1")), b"\x55"),
        (Cut(from_="a", tlv=("70", "70"), offset=1, length=2), b"\x02\x03"),
    ],
)
def test_a_cut_is_so_many_bytes_from_there(cut: Cut, raw: bytes) -> None:
    assert cut_out(ANSWERS, cut, "x") == raw


@pytest.mark.parametrize(
    ("cut", "said"),
    [
        (Cut(from_="b", offset=9, length=2), "too short for the staff number"),
        (Cut(from_="b", offset=10), "too short"),
        (Cut(from_="empty"), "too short"),
        (Cut(from_="a", tlv=("70", "C3")), "holds no object 70/C3"),
        (Cut(from_="b", tlv=("70",)), "longer than what holds it"),
    ],
)
def test_an_answer_without_it_is_unreadable(cut: Cut, said: str) -> None:
    error = refusal(cut_out, ANSWERS, cut, "staff number")
    assert error.reason is DenyReason.CARD_UNREADABLE
    assert said in str(error)


@pytest.mark.parametrize(
    ("raw", "encoding", "number"),
    [
        (b"1001", "ascii", "1001"),
        (b"0000AB12", "ascii", "0000AB12"),
        (b"1001    ", "ascii", "1001"),
        (b"  1001\x00\xff", "ascii", "1001"),
        (bytes.fromhex("904588F58250824F824F8250"), "shift_jis", "職員1001"),
        (bytes.fromhex("8250824F824F82508140"), "shift_jis", "1001"),
        (bytes.fromhex("00012345"), "bcd", "00012345"),
        (bytes.fromhex("0012345F"), "bcd", "0012345"),
        (bytes.fromhex("1001FFFF"), "bcd", "1001"),
        (bytes.fromhex("00ab01"), "hex", "00AB01"),
        (bytes.fromhex("03E9"), "integer", "1001"),
        (bytes.fromhex("FFFFFFFFFFFFFFFE"), "integer", "18446744073709551614"),
    ],
)
def test_the_same_number_is_the_same_text(raw: bytes, encoding: Encoding, number: str) -> None:
    assert number_of(raw, encoding) == number


@pytest.mark.parametrize(
    ("raw", "encoding"),
    [
        (b"10\x0001", "ascii"),
        (b"10\x7f1", "ascii"),
        (bytes.fromhex("8250"), "ascii"),
        (b"\x81", "shift_jis"),
        (b"10\n01", "shift_jis"),
        (bytes.fromhex("12A4"), "bcd"),
        (bytes.fromhex("12F4"), "bcd"),
    ],
)
@pytest.mark.rule(7)
def test_a_number_written_otherwise_is_unreadable_and_not_quoted(raw: bytes, encoding: Encoding) -> None:
    error = refusal(number_of, raw, encoding)
    assert error.reason is DenyReason.CARD_UNREADABLE
    assert raw.hex() not in repr(error)
    assert repr(raw)[2:-1] not in repr(error)


@pytest.mark.parametrize(
    ("raw", "encoding"),
    [
        (b"\x00\x00", "ascii"),
        (b"\xff\xff", "ascii"),
        (b"    ", "ascii"),
        (b"0000", "ascii"),
        (bytes.fromhex("8140"), "shift_jis"),
        (bytes.fromhex("824F824F"), "shift_jis"),
        (b"\x00\x00", "bcd"),
        (b"\xff\xff", "bcd"),
        (b"\x00\x00", "hex"),
        (b"\xff\xff", "hex"),
        (b"\x00\x00", "integer"),
        (b"\xff\xff", "integer"),
    ],
)
def test_a_blank_that_many_cards_have_is_no_number(raw: bytes, encoding: Encoding) -> None:
    assert refusal(number_of, raw, encoding).reason is DenyReason.NO_STABLE_NUMBER


def test_a_subjects_number_is_held_to_the_same() -> None:
    assert expect_number(" \uff11001 ") == "1001"
    assert refusal(expect_number, "0").reason is DenyReason.NO_STABLE_NUMBER
    assert refusal(expect_number, "1\n2").reason is DenyReason.CARD_UNREADABLE


@pytest.mark.parametrize(
    ("one", "other", "covers"),
    [
        (Cut(from_="a", offset=1, length=15), Cut(from_="a", offset=8, length=8), True),
        (Cut(from_="a", offset=8, length=8), Cut(from_="a", offset=8, length=8), True),
        (Cut(from_="a", offset=9, length=8), Cut(from_="a", offset=8, length=8), False),
        (Cut(from_="a", offset=1, length=14), Cut(from_="a", offset=8, length=8), False),
        (Cut(from_="a", offset=1, length=15), Cut(from_="a", offset=8), False),
        (Cut(from_="a", offset=1), Cut(from_="a", offset=8, length=1), False),
        (Cut(from_="a", offset=1, length=15), Cut(from_="b", offset=8, length=8), False),
        (Cut(from_="a", tlv=("70",), length=15), Cut(from_="a", offset=8, length=2), False),
        (Cut(from_="a", tlv=("c1",), length=15), Cut(from_="a", tlv=("C1",), length=2), True),
    ],
)
def test_a_cut_covers_another_only_whatever_the_card_answers(one: Cut, other: Cut, covers: bool) -> None:
    assert one.covers(other) is covers

from __future__ import annotations

import pytest

from kazasu.virtual.card import Command, IsoCard, StatusWord, parse

HEAD = bytes.fromhex("00010203")
FIVE = bytes.fromhex("A1A2A3A4A5")


def command(data: bytes = b"", ne: int = 0, *, any_length: bool = False, extended: bool = False) -> Command:
    return Command(cla=0, ins=1, p1=2, p2=3, data=data, ne=ne, any_length=any_length, extended=extended)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param(b"", command(), id="1"),
        pytest.param(b"\x05", command(ne=5), id="2 short"),
        pytest.param(b"\x00", command(ne=256, any_length=True), id="2 short, all"),
        pytest.param(b"\x05" + FIVE, command(FIVE), id="3 short"),
        pytest.param(b"\x05" + FIVE + b"\x07", command(FIVE, 7), id="4 short"),
        pytest.param(b"\x05" + FIVE + b"\x00", command(FIVE, 256, any_length=True), id="4 short, all"),
        pytest.param(b"\x00\x01\x02", command(ne=258, extended=True), id="2 extended"),
        pytest.param(b"\x00\x00\x00", command(ne=65536, any_length=True, extended=True), id="2 extended, all"),
        pytest.param(b"\x00\x00\x05" + FIVE, command(FIVE, extended=True), id="3 extended"),
        pytest.param(b"\x00\x00\x05" + FIVE + b"\x01\x00", command(FIVE, 256, extended=True), id="4 extended"),
        pytest.param(b"\x00\x01\x00" + bytes(256), command(bytes(256), extended=True), id="3 extended, 256"),
    ],
)
def test_each_case_of_a_command(body: bytes, expected: Command) -> None:
    assert parse(HEAD + body) == expected


@pytest.mark.parametrize(
    "apdu",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(HEAD[:3], id="half a header"),
        pytest.param(HEAD + b"\x05" + FIVE[:4], id="less than Lc"),
        pytest.param(HEAD + b"\x05" + FIVE + b"\x00\x00", id="short Lc, long Le"),
        pytest.param(HEAD + b"\x00\x00", id="half a long Le"),
        pytest.param(HEAD + b"\x00\x00\x00\x01", id="a long Lc of zero, half a long Le"),
        pytest.param(HEAD + b"\x00\x00\x00\x00\x01", id="a long Lc of zero"),
        pytest.param(HEAD + b"\x00\x00\x05" + FIVE[:4], id="less than a long Lc"),
        pytest.param(HEAD + b"\x00\x00\x05" + FIVE + b"\x00", id="long Lc, short Le"),
        pytest.param(HEAD + b"\x00\x00\x05" + FIVE + b"\x00\x00\x00", id="a byte too many"),
    ],
)
def test_lengths_that_do_not_add_up(apdu: bytes) -> None:
    with pytest.raises(StatusWord, match="6700"):
        parse(apdu)
    assert IsoCard(b"\x3b\x00", b"\x01").transmit(apdu) == b"\x67\x00"


@pytest.mark.parametrize(
    ("apdu", "answer"),
    [
        pytest.param("FFCA000000", "010203049000", id="all there is"),
        pytest.param("FFCA000004", "010203049000", id="exactly"),
        pytest.param("FFCA00000000FF", "010203046282", id="more than there is, extended"),
        pytest.param("FFCA000005", "010203046282", id="more than there is"),
        pytest.param("FFCA000003", "6C04", id="less than there is"),
        pytest.param("FFCA0000", "6C04", id="no Le"),
        pytest.param("FFCA010000", "6A81", id="no such number"),
        pytest.param("FFCA000100", "6A81", id="wrong P2"),
        pytest.param("FFCA0000010000", "6A81", id="data that nobody asked for"),
        pytest.param("FFB0000000", "6D00", id="unknown instruction"),
        pytest.param("00A4000000", "6E00", id="unknown class"),
    ],
)
def test_what_the_reader_says_of_a_card(apdu: str, answer: str) -> None:
    card = IsoCard(b"\x3b\x00", bytes.fromhex("01020304"))

    assert card.transmit(bytes.fromhex(apdu)).hex().upper() == answer

"""A virtual FeliCa Lite-S against nfcpy's recorded exchanges and the documents' access rules."""

from __future__ import annotations

import pytest

from kazasu.cards.felica_lite_s import mac, mac_of_read, session_key
from kazasu.virtual.felica_lite_s import LITE_S_PMM, OPEN, LiteSCard

IDM = bytes.fromhex("0102030405060708")
# nfcpy, tests/test_tag_tt3_sony.py, test_protect_ndef_tag_readonly.
CARD_KEY = bytes.fromhex("37363534 33323130 66656463 62613938")
CHALLENGE = bytes.fromhex("07060504 03020100 0f0e0d0c 0b0a0908")
DATA = bytes(range(16))


def card(mc: bytes = OPEN) -> LiteSCard:
    fresh = LiteSCard(IDM, CARD_KEY, 1, {0: DATA}, mc)
    fresh.power_on()
    return fresh


def mc(changes: dict[int, int]) -> bytes:
    content = bytearray(OPEN)
    for at, value in changes.items():
        content[at] = value
    return bytes(content)


def framed(body: bytes) -> bytes:
    return bytes([len(body) + 1]) + body


def write(to: LiteSCard, *blocks: tuple[int, bytes], service: int = 0x0009) -> str:
    elements = b"".join(bytes([0x80, number]) for number, _ in blocks)
    content = b"".join(data for _, data in blocks)
    head = b"\x08" + IDM + b"\x01" + service.to_bytes(2, "little") + bytes([len(blocks)])
    answer = to.answer(framed(head + elements + content))
    assert answer is not None
    assert answer[:10] == bytes.fromhex("0C09") + IDM
    return answer[10:].hex()


def ask(of: LiteSCard, *numbers: int, service: int = 0x000B) -> str:
    """Both status flags, or the blocks without what comes before."""
    elements = b"".join(bytes([0x80, number]) for number in numbers)
    head = b"\x06" + IDM + b"\x01" + service.to_bytes(2, "little") + bytes([len(numbers)])
    answer = of.answer(framed(head + elements))
    assert answer is not None
    assert answer[:10] == bytes([len(answer), 0x07]) + IDM
    return answer[10:].hex() if len(answer) == 12 else answer[13:].hex()


def test_nfcpys_internal_authentication() -> None:
    tag = card()
    assert write(tag, (0x80, CHALLENGE)) == "0000"
    assert ask(tag, 0x82, 0x81) == IDM.hex() + "00" * 8 + "91aec5b6d9b3b12d" + "00" * 8


def test_a_read_with_mac_a() -> None:
    tag = card()
    write(tag, (0x80, CHALLENGE))
    version = b"\x01" + bytes(15)
    expected = mac_of_read(CARD_KEY, CHALLENGE, (0x00, 0x86, 0x91), DATA + version)
    assert ask(tag, 0x00, 0x86, 0x91) == (DATA + version + expected + bytes(8)).hex()


@pytest.mark.parametrize("system", ["88B4", "FFFF", "88FF", "FFB4"])
def test_it_answers_to_its_system(system: str) -> None:
    assert card().answer(bytes.fromhex("0600" + system + "0000")) == bytes.fromhex("1201") + IDM + LITE_S_PMM
    assert (
        card().answer(bytes.fromhex("0600" + system + "0100")) == bytes.fromhex("1401") + IDM + LITE_S_PMM + b"\x88\xb4"
    )


@pytest.mark.parametrize(
    "frame", ["060012FC0000", "060088B40002", "0600FE000000", "050088B400", "0A0C" + IDM.hex(), "", "01"]
)
def test_it_keeps_silent_to_what_is_not_meant_for_it(frame: str) -> None:
    assert card().answer(bytes.fromhex(frame)) is None


def test_it_answers_to_ndef_if_it_is_set_to() -> None:
    assert card(mc({3: 0x01})).answer(bytes.fromhex("060012FC0000")) is not None


@pytest.mark.parametrize(
    "frame",
    [
        "1006 0102030405060709 010B00 018000",  # another card's IDm
        "0F06 0102030405060708 010B00 0180",  # cut in the block list
        "1106 0102030405060708 010B00 01800000",  # more than it says
        "1F08 0102030405060708 010900 018080" + "00" * 15,
    ],
)
def test_it_keeps_silent_to_a_frame_that_does_not_add_up(frame: str) -> None:
    assert card().answer(bytes.fromhex(frame)) is None


@pytest.mark.parametrize("number", [0x80, 0x87])
def test_challenge_and_key_are_never_shown(number: int) -> None:
    tag = card()
    write(tag, (0x80, CHALLENGE))
    assert ask(tag, number) == "00" * 16


@pytest.mark.parametrize(
    ("numbers", "flags"),
    [
        ((0x0F,), "01a8"),
        ((0x00, 0x89), "02a8"),
        ((0x00, 0x01, 0x93), "04a8"),
        ((0x00,) * 5, "ffa2"),
        ((0x82, 0x91), "02b2"),  # no challenge yet
    ],
)
def test_reads_that_are_refused(numbers: tuple[int, ...], flags: str) -> None:
    assert ask(card(), *numbers) == flags


def test_other_services_and_lists_are_refused() -> None:
    tag = card()
    assert ask(tag, 0x00, service=0x000F) == "01a6"
    assert write(tag, (0x00, DATA), service=0x000B) == "01a6"
    assert (
        tag.answer(bytes.fromhex("1206 0102030405060708 020B000900 018000"))
        == bytes.fromhex("0C07") + IDM + b"\xff\xa1"
    )
    assert tag.answer(bytes.fromhex("1006 0102030405060708 010B00 018100")) == bytes.fromhex("0C07") + IDM + b"\x01\xa3"
    assert tag.answer(bytes.fromhex("1006 0102030405060708 010B00 019000")) == bytes.fromhex("0C07") + IDM + b"\x01\xa7"
    assert (
        tag.answer(bytes.fromhex("1106 0102030405060708 010B00 01000001")) == bytes.fromhex("0C07") + IDM + b"\x01\xa8"
    )


def test_one_read_has_one_mac() -> None:
    tag = card()
    write(tag, (0x80, CHALLENGE))
    assert ask(tag, 0x00, 0x81, 0x91) == "04b0"
    assert ask(tag, 0x91, 0x00) == "00" * 16 + DATA.hex()  # before what it would cover it is empty


def test_a_challenge_ends_with_the_field() -> None:
    tag = card()
    write(tag, (0x80, CHALLENGE))
    tag.power_off()
    tag.power_on()
    assert ask(tag, 0x82, 0x91) == "02b2"


def test_data_is_written_until_it_is_locked() -> None:
    tag = card()
    assert write(tag, (0x01, DATA)) == "0000"
    assert ask(tag, 0x01) == DATA.hex()
    locked = card(mc({0: 0xFD}))
    assert write(locked, (0x01, DATA)) == "01a8"
    assert write(locked, (0x02, DATA)) == "0000"
    assert ask(locked, 0x01, service=0x0009) == "01a8"


@pytest.mark.parametrize("number", [0x0E, 0x81, 0x83, 0x85, 0x90, 0x91, 0xA0])
def test_some_blocks_are_never_written(number: int) -> None:
    assert write(card(), (number, DATA)) == "01a8"


@pytest.mark.parametrize("number", [0x82, 0x84, 0x86, 0x87])
def test_system_blocks_are_written_until_the_card_is_issued(number: int) -> None:
    assert write(card(), (number, DATA)) == "0000"
    assert write(card(mc({2: 0x00})), (number, DATA)) == "01a8"


def test_the_idm_in_the_id_block_stays() -> None:
    tag = card()
    write(tag, (0x82, bytes(8) + DATA[8:]))
    assert ask(tag, 0x82) == (IDM + DATA[8:]).hex()


def with_mac(tag: LiteSCard, number: int, content: bytes, count: int | None = None) -> str:
    count_bytes = (tag.writes if count is None else count).to_bytes(3, "little")
    key = session_key(CARD_KEY, CHALLENGE)
    first = count_bytes + bytes([0, number, 0, 0x91, 0])
    value = mac(key[8:] + key[:8], CHALLENGE[:8], first + content)
    return write(tag, (number, content), (0x91, value + count_bytes + bytes(5)))


def test_a_write_with_mac_a_counts() -> None:
    tag = card(mc({10: 0x02}))
    assert write(tag, (0x01, DATA)) == "01a8"  # without
    assert with_mac(tag, 0x01, DATA) == "02b2"  # before a challenge
    write(tag, (0x80, CHALLENGE))
    assert with_mac(tag, 0x01, DATA, count=tag.writes + 1) == "02b2"
    before = tag.writes
    assert with_mac(tag, 0x01, DATA) == "0000"
    assert tag.writes == before + 1
    assert ask(tag, 0x90)[:6] == tag.writes.to_bytes(3, "little").hex()
    assert ask(tag, 0x01) == DATA.hex()
    assert write(tag, (0x01, DATA), (0x02, DATA)) == "02a8"


def test_what_needs_authentication_opens_with_the_state() -> None:
    tag = card(mc({6: 0x01, 8: 0x01, 12: 0x01}))
    assert ask(tag, 0x00) == "01b1"
    assert write(tag, (0x00, DATA)) == "01b1"
    assert write(tag, (0x92, b"\x01" + bytes(15))) == "01a8"
    write(tag, (0x80, CHALLENGE))
    assert with_mac(tag, 0x92, b"\x01" + bytes(15)) == "0000"
    assert ask(tag, 0x00) == DATA.hex()
    assert write(tag, (0x00, DATA)) == "0000"
    tag.power_on()
    assert ask(tag, 0x00) == "01b1"


def test_a_configuration_only_closes_and_holds_from_the_next_field_on() -> None:
    tag = card()
    write(tag, (0x88, mc({0: 0xFE, 2: 0x00, 6: 0x02})))
    assert write(tag, (0x00, DATA)) == "0000"
    tag.power_on()
    assert write(tag, (0x00, DATA)) == "01a8"
    assert ask(tag, 0x01) == "01b1"
    assert write(tag, (0x88, OPEN)) == "0000"
    tag.power_on()
    assert ask(tag, 0x88) == mc({0: 0xFE, 2: 0x00, 6: 0x02}).hex()


def test_a_copy_has_everything_but_the_key() -> None:
    tag, copy = card(), card().copy()
    copy.power_on()
    readable = (*range(0x0F), 0x82, 0x83, 0x84, 0x85, 0x86, 0x88)
    assert [ask(copy, number) for number in readable] == [ask(tag, number) for number in readable]
    assert copy.uid == IDM
    for each in (tag, copy):
        write(each, (0x80, CHALLENGE))
    assert ask(copy, 0x82, 0x91) != ask(tag, 0x82, 0x91)

"""Status words folded, reads in pieces or in one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fakes.card_channel import FakeCardChannel, ScriptedCard, scripted
from kazasu.cards.channel import ExtendedReads, FirstAgain, StatusFolding, TransparentFile, expect, folded
from kazasu.errors import CardError, CardGone, CardRefused, UnexpectedStatus
from kazasu.model.access import DenyReason

if TYPE_CHECKING:
    from fakes.card_channel import AnswersApdus

READ = bytes.fromhex("00B0000000")
SELECT = bytes.fromhex("00A4020C020006")
AID = bytes.fromhex("D392F000260100000001")
FILE = bytes.fromhex("000A")


def sent(channel: FakeCardChannel) -> list[str]:
    return [apdu.hex().upper() for apdu in channel.sent]


def test_a_rest_that_is_announced_is_fetched() -> None:
    channel = FakeCardChannel(scripted("AABB6102", "CC6101", "DD9000"))
    assert StatusFolding(channel).transmit(READ) == (bytes.fromhex("AABBCCDD"), 0x9000)
    assert sent(channel) == ["00B0000000", "00C0000002", "00C0000001"]


def test_a_rest_of_256_bytes_is_announced_as_6100() -> None:
    channel = FakeCardChannel(scripted("6100", "AA" * 256 + "9000"))
    data, sw = StatusFolding(channel).transmit(READ)
    assert (len(data), sw) == (256, 0x9000)


@pytest.mark.parametrize(
    ("command", "rest"),
    [
        ("00B0000002", []),
        ("00CB3FFF055C035FC10202", []),
        ("00CB3FFF055C035FC10203", ["00C0000007"]),
        ("00CB3FFF055C035FC10200", ["00C0000007"]),
    ],
)
def test_a_rest_beyond_what_was_asked_for_stays_where_it_is(command: str, rest: list[str]) -> None:
    channel = FakeCardChannel(scripted("AABB6107", "CC9000"))
    data, sw = StatusFolding(channel).transmit(bytes.fromhex(command))
    assert (data, sw) == (bytes.fromhex("AABBCC" if rest else "AABB"), 0x9000)
    assert sent(channel) == [command, *rest]


def test_the_status_of_the_rest_is_the_status_of_the_answer() -> None:
    assert StatusFolding(FakeCardChannel(scripted("AA6101", "6F00"))).transmit(READ)[1] == 0x6F00


@pytest.mark.parametrize("piece", [0, 1, 256])
def test_a_rest_without_end_ends_the_read(piece: int) -> None:
    channel = FakeCardChannel(ScriptedCard(lambda _: bytes(piece) + b"\x61\x00"))
    with pytest.raises(CardRefused, match="200 commands"):
        folded(channel).transmit(READ)
    assert len(channel.sent) == 200


def test_a_card_that_drips_ends_the_read() -> None:
    channel = FakeCardChannel(ScriptedCard(lambda _: b"\x00\x90\x00"))
    with pytest.raises(CardRefused, match="200 commands"):
        TransparentFile(folded(channel), AID, FILE, "certificate", ExtendedReads()).read(0, 8192)
    assert len(channel.sent) == 200


def test_an_empty_rest_that_ends_is_an_answer() -> None:
    assert StatusFolding(FakeCardChannel(scripted("AA6101", "9000"))).transmit(READ) == (b"\xaa", 0x9000)


def test_a_wrong_le_is_put_right_once() -> None:
    channel = FakeCardChannel(scripted("6C02", "AABB9000"))
    assert StatusFolding(channel).transmit(READ) == (b"\xaa\xbb", 0x9000)
    assert sent(channel) == ["00B0000000", "00B0000002"]


def test_a_card_that_names_a_wrong_le_twice_is_not_asked_for_ever() -> None:
    channel = FakeCardChannel(scripted("6C02", "6C03"))
    assert StatusFolding(channel).transmit(READ) == (b"", 0x6C03)


@pytest.mark.parametrize("sw", ["6C02", "6102"])
def test_a_command_that_asks_for_no_data_gets_none(sw: str) -> None:
    channel = FakeCardChannel(scripted(sw))
    assert StatusFolding(channel).transmit(SELECT) == (b"", int(sw, 16))


def test_a_readers_command_has_one_spelling() -> None:
    assert StatusFolding(FakeCardChannel(scripted("6C04"))).transmit(bytes.fromhex("FFCA000000")) == (b"", 0x6C04)


def test_the_first_command_is_sent_again_after_6f00() -> None:
    channel = FakeCardChannel(scripted("6F00", "9000"))
    assert FirstAgain(channel).transmit(SELECT) == (b"", 0x9000)
    assert channel.sent == [SELECT, SELECT]


def test_the_first_command_is_sent_again_once_only() -> None:
    channel = FakeCardChannel(scripted("6F00", "6F00"))
    assert FirstAgain(channel).transmit(SELECT) == (b"", 0x6F00)


def test_later_commands_are_not_sent_again() -> None:
    channel = FakeCardChannel(scripted("9000", "6F00"))
    again = FirstAgain(channel)
    again.transmit(SELECT)
    assert again.transmit(READ) == (b"", 0x6F00)


def test_an_unexpected_status_word_prints_its_meaning() -> None:
    with pytest.raises(UnexpectedStatus, match=r"reading: security status not satisfied.*6982"):
        expect(FakeCardChannel(scripted("6982")), READ, "reading")


class Card:
    """A card with one file; extended commands fail in the given way."""

    def __init__(self, content: bytes, extended: str | None = None, most: int = 65_536) -> None:
        self.content = content
        self._extended = extended
        self._most = most

    def transmit(self, apdu: bytes) -> bytes:
        if apdu[1] == 0xA4:
            return b"\x90\x00"
        if len(apdu) == 7 and self._extended == "gone":
            raise CardGone("transmit failed")
        if len(apdu) == 7 and self._extended is not None:
            return bytes.fromhex(self._extended)
        offset = int.from_bytes(apdu[2:4])
        length = int.from_bytes(apdu[5:]) if len(apdu) == 7 else apdu[4] or 256
        return self.content[offset : offset + min(length, self._most)] + b"\x90\x00"


CONTENT = bytes(range(256)) * 6


def file(card: AnswersApdus, extended: ExtendedReads) -> tuple[FakeCardChannel, TransparentFile]:
    channel = FakeCardChannel(card)
    return channel, TransparentFile(channel, AID, FILE, "certificate", extended)


def test_a_long_part_is_one_extended_read() -> None:
    channel, certificate = file(Card(CONTENT), ExtendedReads())
    assert certificate.read(64, 1400) == CONTENT[64:1464]
    assert sent(channel) == ["00B00040000578"]


def test_a_short_part_is_a_short_read() -> None:
    channel, certificate = file(Card(CONTENT), ExtendedReads())
    assert certificate.read(0, 256) == CONTENT[:256]
    assert sent(channel) == ["00B0000000"]


@pytest.mark.parametrize(("failure", "apdus"), [("6700", 1 + 6), ("6D00", 1 + 6), ("9000", 1 + 6), ("gone", 1 + 2 + 6)])
def test_where_extended_reads_fail_short_ones_follow_and_that_is_remembered(failure: str, apdus: int) -> None:
    memory = ExtendedReads()
    channel, certificate = file(Card(CONTENT, failure), memory)
    assert certificate.read(64, 1400) == CONTENT[64:1464]
    assert len(channel.sent) == apdus
    channel, certificate = file(Card(CONTENT, failure), memory)
    assert certificate.read(64, 1400) == CONTENT[64:1464]
    assert len(channel.sent) == 6


def test_a_card_pulled_away_says_nothing_of_extended_reads() -> None:
    memory = ExtendedReads()
    channel = FakeCardChannel(Card(CONTENT), remove_at=1)
    with pytest.raises(CardGone):
        TransparentFile(channel, AID, FILE, "certificate", memory).read(0, 1400)
    assert memory.worth_trying


def test_a_card_with_a_small_buffer_is_read_in_its_own_pieces() -> None:
    channel, certificate = file(Card(CONTENT, most=100), ExtendedReads())
    assert certificate.read(0, 300) == CONTENT[:300]
    assert len(channel.sent) == 3


@pytest.mark.parametrize("length", [200, 1400])
def test_a_file_that_ends_early_is_unreadable(length: int) -> None:
    _, certificate = file(Card(CONTENT[:150]), ExtendedReads())
    with pytest.raises(CardRefused, match="shorter than it says") as caught:
        certificate.read(0, length)
    assert caught.value.reason is DenyReason.CARD_UNREADABLE


@pytest.mark.parametrize("length", [20, 300])
def test_more_bytes_than_asked_for_are_unreadable(length: int) -> None:
    _, certificate = file(ScriptedCard(lambda _: bytes(400) + b"\x90\x00"), ExtendedReads())
    with pytest.raises(CardRefused, match="more bytes than asked for"):
        certificate.read(0, length)


def test_the_warning_that_the_file_ended_is_no_failure() -> None:
    _, certificate = file(scripted("AABB6282", "CC9000"), ExtendedReads())
    assert certificate.read(0, 3) == b"\xaa\xbb\xcc"


def test_a_read_that_is_refused_says_what_was_read_and_why() -> None:
    _, certificate = file(scripted("6982"), ExtendedReads())
    with pytest.raises(CardError, match="reading the certificate: security status not satisfied"):
        certificate.read(0, 3)

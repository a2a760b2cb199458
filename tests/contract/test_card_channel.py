"""The card seam: a channel through the real pcscd, and one in this process, keep the same contract."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING

import pytest

from fakes.card_channel import FakeCardChannel
from fakes.card_channel import ScriptedCard as CardInProcess
from fakes.scripted_reader import ScriptedCard, free_pair_of_ports, wait_for_card
from kazasu.errors import CardGone
from kazasu.readers.pcsc import PcscChannel, connection
from kazasu.virtual.pcscd import PrivatePcscd

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from kazasu.ports.readers import CardChannel

READER = "Virtual PCD 00 00"
GET_UID = bytes.fromhex("FFCA000000")
PULLED = bytes.fromhex("00A4000000")
READ_BINARY = 0xB0
POWER_OFF = 0  # vpcd


def answer(apdu: bytes) -> bytes | None:
    """A card that hands back as many bytes as READ BINARY asks for, and is pulled away at one command."""
    if apdu == PULLED:
        return None
    if apdu[1] == READ_BINARY:
        length = int.from_bytes(apdu[4:]) or (256 if len(apdu) == 5 else 65536)
        return bytes(number % 251 for number in range(length)) + b"\x90\x00"
    return b"\x6a\x82"


@pytest.fixture(params=[("pcscd", None), ("in_process", None)], ids=["pcscd", "in_process"])
def channel(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[CardChannel]:
    place, remove_at = request.param
    if place == "in_process":
        yield FakeCardChannel(CardInProcess(lambda apdu: answer(apdu) or b""), remove_at)
        return
    with PrivatePcscd(tmp_path, free_pair_of_ports()) as pcscd:
        card = ScriptedCard(pcscd.ports[0], answer=answer)
        card.insert()
        wait_for_card(READER, there=True)
        with connection() as context, PcscChannel(context, READER, threading.Event()) as real:
            real.open()
            yield real
        card.pull()


def test_a_status_word_without_data(channel: CardChannel) -> None:
    assert channel.transmit(GET_UID) == (b"", 0x6A82)


@pytest.mark.parametrize("length", [1, 255, 256])
def test_a_short_answer(channel: CardChannel, length: int) -> None:
    data, sw = channel.transmit(bytes([0x00, READ_BINARY, 0, 0, length % 256]))
    assert (len(data), sw) == (length, 0x9000)
    assert data == bytes(number % 251 for number in range(length))


@pytest.mark.parametrize("length", [257, 2000, 65533])
def test_an_extended_answer(channel: CardChannel, length: int) -> None:
    data, sw = channel.transmit(bytes([0x00, READ_BINARY, 0, 0, 0]) + length.to_bytes(2))
    assert (len(data), sw) == (length, 0x9000)


@pytest.mark.parametrize("channel", [("pcscd", None), ("in_process", 1)], ids=["pcscd", "in_process"], indirect=True)
def test_a_card_that_is_pulled_away_is_gone_and_stays_gone(channel: CardChannel) -> None:
    with pytest.raises(CardGone):
        channel.transmit(PULLED)
    with pytest.raises(CardGone):
        channel.transmit(GET_UID)


@pytest.mark.parametrize(
    ("apdu", "powered_down"), [(bytes.fromhex("002000800431323334"), True), (GET_UID, False)], ids=["verify", "read"]
)
def test_only_a_card_that_was_given_a_pin_is_powered_down(tmp_path: Path, apdu: bytes, *, powered_down: bool) -> None:
    with PrivatePcscd(tmp_path, free_pair_of_ports()) as pcscd, contextlib.ExitStack() as undo:
        card = ScriptedCard(pcscd.ports[0], answer=lambda _: b"\x90\x00")
        undo.callback(card.pull)
        card.insert()
        wait_for_card(READER, there=True)
        with connection() as context:
            with PcscChannel(context, READER, threading.Event()) as real:
                real.open()
                real.transmit(apdu)
                before = card.controls.count(POWER_OFF)
            # The card gives no answer to being powered down; once it answers a command again, it has heard of it.
            with PcscChannel(context, READER, threading.Event()) as real:
                real.open()
                real.transmit(GET_UID)
                after = card.controls.count(POWER_OFF)
        assert after - before == powered_down

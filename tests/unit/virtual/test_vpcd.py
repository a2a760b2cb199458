"""The slot as a real pcscd sees it."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from fakes.scripted_reader import wait_for_card
from kazasu.errors import CardGone
from kazasu.readers.pcsc import PcscChannel, connection
from kazasu.virtual.felica import FELICA_ATR, FelicaCard
from kazasu.virtual.issuer import rsa_key
from kazasu.virtual.jpki import AID_JPKI
from kazasu.virtual.mifare import CLASSIC_1K_ATR, MifareCard
from kazasu.virtual.vpcd import Slot

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from kazasu.virtual.issuer import JpkiIssuer
    from kazasu.virtual.pcscd import PrivatePcscd

READER = "Virtual PCD 00 00"
GET_UID = bytes.fromhex("FFCA000000")
SELECT_JPKI = bytes.fromhex("00A4040C0A") + AID_JPKI
SELECT_CERTIFICATE = bytes.fromhex("00A4020C02000A")
READ_WHOLE = bytes.fromhex("00B00000000000")
IDM = bytes.fromhex("0114B30011223344")
UID = bytes.fromhex("04112233445566")


@contextmanager
def channel(slot: Slot) -> Iterator[PcscChannel]:
    slot.wait_for(lambda: slot.powered)
    wait_for_card(READER, there=True)
    with connection() as context, PcscChannel(context, READER, threading.Event()) as opened:
        opened.open()
        yield opened


def test_a_card_answers_through_pcscd_and_each_exchange_is_kept(slot: Slot, issuer: JpkiIssuer) -> None:
    certificate = issuer.certificate(rsa_key("card").public_key())
    slot.insert(issuer.card(rsa_key("card"), certificate))
    with channel(slot) as card:
        assert card.transmit(SELECT_JPKI) == (b"", 0x9000)
        assert card.transmit(SELECT_CERTIFICATE) == (b"", 0x9000)
        whole, sw = card.transmit(READ_WHOLE)

    assert (whole, sw) == (certificate.public_bytes(Encoding.DER), 0x9000)
    slot.wait_for(lambda: len(slot.log) == 3)
    assert [(exchange.apdu, exchange.answer) for exchange in slot.log] == [
        (SELECT_JPKI, b"\x90\x00"),
        (SELECT_CERTIFICATE, b"\x90\x00"),
        (READ_WHOLE, whole + b"\x90\x00"),
    ]
    times = [time for exchange in slot.log for time in (exchange.received_mono_ns, exchange.answered_mono_ns)]
    assert times == sorted(times)


def test_a_card_that_leaves_and_one_that_comes(slot: Slot) -> None:
    slot.insert(FelicaCard(IDM))
    with channel(slot) as card:
        assert card.transmit(GET_UID) == (IDM, 0x9000)

    slot.remove()
    slot.remove()
    wait_for_card(READER, there=False)
    slot.wait_for(lambda: slot.vacant)
    assert (slot.card, slot.powered) == (None, False)

    slot.insert(MifareCard(UID))
    with channel(slot) as card:
        assert card.transmit(GET_UID) == (UID, 0x9000)


def test_a_card_swapped_at_once_is_another_one_to_pcscd(slot: Slot) -> None:
    first, second = FelicaCard(IDM), MifareCard(UID)
    slot.insert(first)
    with channel(slot) as card:
        assert card.transmit(GET_UID) == (IDM, 0x9000)
    slot.swap(second)

    with channel(slot) as card:
        assert card.transmit(GET_UID) == (UID, 0x9000)
    assert (slot.card, first.activations, second.activations) == (second, 1, 1)


def test_a_card_swapped_while_it_is_powered_up_is_another_one_too(slot: Slot) -> None:
    slot.insert(FelicaCard(IDM))
    slot.wait_for(lambda: slot.powered)
    slot.swap(MifareCard(UID))

    with channel(slot) as card:
        assert card.transmit(GET_UID) == (UID, 0x9000)


def test_two_cards_do_not_fit(slot: Slot) -> None:
    slot.insert(FelicaCard(IDM))

    with pytest.raises(ValueError, match="remove it first"):
        slot.insert(MifareCard(UID))


@pytest.mark.parametrize("n", [1, 2, 3])
def test_a_card_is_torn_away_before_its_nth_answer(slot: Slot, n: int) -> None:
    slot.remove_at_apdu(n)
    slot.insert(FelicaCard(IDM))
    with channel(slot) as card:
        for _ in range(n - 1):
            assert card.transmit(GET_UID) == (IDM, 0x9000)
        with pytest.raises(CardGone):
            card.transmit(GET_UID)

    slot.wait_for(lambda: len(slot.log) == n)
    assert slot.card is None
    assert [exchange.answer for exchange in slot.log] == [IDM + b"\x90\x00"] * (n - 1) + [b""]
    wait_for_card(READER, there=False)


def test_only_one_insertion_is_torn(slot: Slot) -> None:
    slot.remove_at_apdu(1)
    slot.insert(FelicaCard(IDM))
    with channel(slot) as card, pytest.raises(CardGone):
        card.transmit(GET_UID)
    slot.wait_for(lambda: slot.vacant)

    slot.insert(FelicaCard(IDM))
    with channel(slot) as card:
        assert card.transmit(GET_UID) == (IDM, 0x9000)


def test_a_card_that_is_taken_out_loses_its_power(slot: Slot, issuer: JpkiIssuer) -> None:
    taken = issuer.card(rsa_key("card"))
    slot.insert(taken)
    with channel(slot) as card:
        card.transmit(SELECT_JPKI)
        assert taken.application == AID_JPKI
        slot.remove()

    assert taken.application == b""


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_a_card_left_lying_is_powered_anew_when_pcscd_comes_back(slot: Slot, pcscd: PrivatePcscd, end: str) -> None:
    lying = FelicaCard(IDM)
    slot.insert(lying)
    slot.wait_for(lambda: slot.powered)
    (pcscd.kill if end == "kill" else pcscd.stop)()
    slot.wait_for(lambda: not slot.powered)
    pcscd.start()
    slot.wait_for(lambda: slot.powered)

    assert (slot.card, lying.activations) == (lying, 2)
    with channel(slot) as card:
        assert card.transmit(GET_UID) == (IDM, 0x9000)


def test_a_card_may_lie_there_before_pcscd_comes(slot: Slot, pcscd: PrivatePcscd) -> None:
    pcscd.stop()
    slot.insert(FelicaCard(IDM))
    pcscd.start()

    with channel(slot) as card:
        assert card.transmit(GET_UID) == (IDM, 0x9000)


def test_two_slots_at_once(pcscd: PrivatePcscd, slot: Slot) -> None:
    with Slot(pcscd.ports[1]) as other:
        slot.insert(FelicaCard(IDM))
        other.insert(MifareCard(UID))
        for each in (slot, other):
            each.wait_for(lambda each=each: each.powered)  # type: ignore[misc]
        assert slot.card is not None
        assert other.card is not None
        assert (slot.card.atr, other.card.atr) == (FELICA_ATR, CLASSIC_1K_ATR)
        other.remove()
        other.wait_for(lambda: other.vacant)


def test_the_apdu_log_names_application_command_and_status(slot: Slot, issuer: JpkiIssuer, apdu_log: Path) -> None:
    before = apdu_log.stat().st_size
    slot.insert(issuer.card(rsa_key("card")))
    with channel(slot) as card:
        for apdu in (SELECT_CERTIFICATE, SELECT_JPKI, SELECT_CERTIFICATE):
            card.transmit(apdu)
    slot.wait_for(lambda: len(slot.log) == 3)

    with apdu_log.open("rb") as log:
        log.seek(before)
        lines = [json.loads(line) for line in log]
    assert lines == [
        {"application": "", "apdu": SELECT_CERTIFICATE.hex(), "sw": "6a82"},
        {"application": AID_JPKI.hex(), "apdu": SELECT_JPKI.hex(), "sw": "9000"},
        {"application": AID_JPKI.hex(), "apdu": SELECT_CERTIFICATE.hex(), "sw": "9000"},
    ]


def test_a_wait_that_is_in_vain_says_what_it_saw(slot: Slot) -> None:
    with pytest.raises(TimeoutError, match="powered: False, exchanges: 0"):
        slot.wait_for(lambda: False, timeout_s=0.01)

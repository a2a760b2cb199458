"""How virtual readers take FeliCa commands, and what they refuse."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kazasu.virtual.felica import FelicaCard
from kazasu.virtual.felica_reader import DirectReader, PlainReader, Pn532Reader, TransparentReader

if TYPE_CHECKING:
    from kazasu.virtual.felica_reader import FelicaReader

IDM = bytes.fromhex("0114B30011223344")
POLL = "0600FFFF0000"
ANSWER = "1201 0114B30011223344 0120220427674EFF"
START, SWITCH, END = "FFC2000002810000", "FFC20002048F02030000", "FFC2000002820000"
EXCHANGE = f"FFC20001089506{POLL}00"
DONE, REFUSED = "C003009000 9000", "C003016A81 9000"


def exchanges(reader: FelicaReader, *apdus: str) -> list[str]:
    card = FelicaCard(IDM, reader=reader)
    card.power_on()
    return [card.transmit(bytes.fromhex(apdu)).hex().upper() for apdu in apdus]


def spelled(*answers: str) -> list[str]:
    return [answer.replace(" ", "") for answer in answers]


def test_a_transparent_session() -> None:
    told = f"C003009000 920100 96020000 9712 {ANSWER} 9000"
    heard = exchanges(TransparentReader(), EXCHANGE, SWITCH, START, EXCHANGE, SWITCH, EXCHANGE, END, EXCHANGE)
    assert heard == spelled(REFUSED, REFUSED, DONE, REFUSED, DONE, told, DONE, REFUSED)


def test_a_silent_card_in_a_transparent_session() -> None:
    silent = "FFC2000108950606 0012FC0000 00"
    assert exchanges(TransparentReader(), START, SWITCH, silent)[2] == "C0030164019000"


@pytest.mark.parametrize(
    ("apdu", "answer"),
    [
        ("FFC2000002830000", REFUSED),
        ("FFC20003028100 00", "6A86"),
        ("FFC20100028100 00", "6A86"),
        ("FFC20000028100", "6700"),
        ("FFC20001089507" + POLL + "00", REFUSED),
        (f"FF00000006{POLL}", "6D00"),
    ],
)
def test_what_a_transparent_reader_refuses(apdu: str, answer: str) -> None:
    assert exchanges(TransparentReader(), START, SWITCH, apdu)[2:] == spelled(answer)


def test_a_direct_reader() -> None:
    heard = exchanges(DirectReader(), START, f"FF00000006{POLL}", "FF00000006060012FC0000", f"FF00000106{POLL}")
    assert heard == spelled("6D00", ANSWER + "9000", "6300", "6300")


def test_a_reader_with_a_pn532() -> None:
    heard = exchanges(Pn532Reader(), f"FF00000009D44001{POLL}", "FF00000009D44001060012FC0000", f"FF00000006{POLL}")
    assert heard == spelled("D54100" + ANSWER + "9000", "D541019000", "6300")
    assert FelicaCard(IDM, reader=Pn532Reader()).atr == Pn532Reader.atr


def test_a_reader_that_passes_nothing_on() -> None:
    assert exchanges(PlainReader(), START, f"FF00000006{POLL}") == ["6D00", "6D00"]

from __future__ import annotations

import pytest

from kazasu.virtual.felica import FELICA_ATR, FelicaCard

IDM = bytes.fromhex("0114B30011223344")
PMM = bytes.fromhex("03014B024F4993FF")


def test_the_reader_tells_idm_and_pmm() -> None:
    card = FelicaCard(IDM, PMM)

    assert card.atr == FELICA_ATR
    assert card.transmit(bytes.fromhex("FFCA000000")) == IDM + b"\x90\x00"
    assert card.transmit(bytes.fromhex("FFCA010000")) == PMM + b"\x90\x00"


def test_it_knows_no_applications() -> None:
    assert FelicaCard(IDM).transmit(bytes.fromhex("00A4040C0AD392F000260100000001")) == b"\x6e\x00"


@pytest.mark.parametrize(("idm", "pmm"), [(IDM[:7], PMM), (IDM, PMM + b"\x00")])
def test_numbers_of_the_wrong_length(idm: bytes, pmm: bytes) -> None:
    with pytest.raises(ValueError, match="8 bytes"):
        FelicaCard(idm, pmm)

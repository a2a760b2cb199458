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


SYSTEMS = {
    bytes.fromhex("0003"): {bytes.fromhex("090F"): [bytes(16)], bytes.fromhex("0048"): [bytes(16)]},
    bytes.fromhex("FE00"): {bytes.fromhex("1A8B"): [bytes(range(16)), bytes(16)]},
}
IDM_0, IDM_1 = "0114B30011223344", "1114B30011223344"


@pytest.mark.parametrize(
    ("frame", "answer"),
    [
        ("06 00 FFFF 00 00", "12 01" + IDM_0 + "03014B024F4993FF"),
        ("06 00 FE00 00 00", "12 01" + IDM_1 + "03014B024F4993FF"),
        ("06 00 FE00 01 00", "14 01" + IDM_1 + "03014B024F4993FF FE00"),
        ("06 00 FE00 02 0F", "14 01" + IDM_1 + "03014B024F4993FF 0083"),
        ("0A 04" + IDM_0, "0B 05" + IDM_0 + "00"),
        ("0A 0C" + IDM_0, "0F 0D" + IDM_0 + "02 0003 FE00"),
        ("10 06" + IDM_1 + "01 8B1A 01 8000", "1D 07" + IDM_1 + "0000 01 000102030405060708090A0B0C0D0E0F"),
        ("10 06" + IDM_0 + "01 0F09 01 8000", "1D 07" + IDM_0 + "0000 01" + "00" * 16),
        ("10 06" + IDM_0 + "01 8B1A 01 8000", "0C 07" + IDM_0 + "01A6"),  # the other system's
        ("10 06" + IDM_0 + "01 4800 01 8000", "0C 07" + IDM_0 + "01A6"),  # wants a key
        ("12 06" + IDM_1 + "01 8B1A 02 8001 8002", "0C 07" + IDM_1 + "02A8"),
        ("10 06" + IDM_1 + "01 8B1A 01 8100", "0C 07" + IDM_1 + "01A3"),
        ("10 06" + IDM_1 + "01 8B1A 01 9000", "0C 07" + IDM_1 + "01A7"),
        ("0E 06" + IDM_1 + "01 8B1A 00", "0C 07" + IDM_1 + "FFA2"),
        ("12 06" + IDM_1 + "02 8B1A 8B1A 01 8000", "0C 07" + IDM_1 + "FFA1"),
        ("06 00 12FC 00 00", None),
        ("06 00 FFFF 00 02", None),
        ("0A 04 2114B30011223344", None),
        ("10 06 0114B30011223345 01 8B1A 01 8000", None),
        ("0F 06" + IDM_1 + "01 8B1A 01 80", None),
        ("20 08" + IDM_1 + "01 8B1A 01 8000" + "00" * 16, None),
    ],
)
def test_frames_of_a_card_with_two_systems(frame: str, answer: str | None) -> None:
    card = FelicaCard(IDM, PMM, SYSTEMS)
    assert card.answer(bytes.fromhex(frame)) == (None if answer is None else bytes.fromhex(answer))

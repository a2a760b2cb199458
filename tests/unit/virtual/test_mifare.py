from __future__ import annotations

import pytest

from kazasu.virtual.mifare import CLASSIC_1K_ATR, ULTRALIGHT_ATR, MifareCard


@pytest.mark.parametrize("length_bytes", [4, 7, 10])
@pytest.mark.parametrize("atr", [CLASSIC_1K_ATR, ULTRALIGHT_ATR])
def test_the_reader_tells_the_uid(atr: bytes, length_bytes: int) -> None:
    uid = bytes(range(1, length_bytes + 1))
    card = MifareCard(uid, atr)

    assert card.atr == atr
    assert card.transmit(bytes.fromhex("FFCA000000")) == uid + b"\x90\x00"
    assert card.transmit(bytes.fromhex("FFCA010000")) == b"\x6a\x81"


@pytest.mark.parametrize("length_bytes", [0, 3, 5, 8, 11])
def test_a_uid_of_a_length_that_does_not_exist(length_bytes: int) -> None:
    with pytest.raises(ValueError, match="4, 7 or 10"):
        MifareCard(bytes(length_bytes))

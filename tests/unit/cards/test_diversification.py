from __future__ import annotations

from itertools import pairwise

import pytest

from kazasu.cards.diversification import aes_key, triple_des_key

MASTER = bytes.fromhex("00112233445566778899AABBCCDDEEFF0102030405060708090A0B0C0D0E0F00")
UID, AID, SYSTEM = bytes.fromhex("04782E21801D80"), bytes.fromhex("3042F5"), b"NXP Abu"
WITHOUT_PARITY = 0xFE


def test_an10922_2_2_1_aes_128() -> None:
    assert aes_key(MASTER[:16], UID + AID + SYSTEM).hex().upper() == "A8DD63A3B89D54B37CA802473FDA9175"


def test_an10957_page_13_aes_128_with_a_short_input() -> None:
    master = bytes.fromhex("F3F9377698707B688EAF84ABE39E3791")
    assert aes_key(master, bytes.fromhex("04DEADBEEFFEED")).hex().upper() == "0BB408BAFF98B6EE9F2E1585777F6A51"


def test_an10922_2_3_1_aes_256() -> None:
    assert aes_key(MASTER, UID + AID + SYSTEM).hex().upper() == (
        "4FC6EEC820B4C54314990B8611662DB695E7880982C0001E6067488346100AED"
    )


@pytest.mark.parametrize(
    ("length", "system", "derived"),
    [
        (16, 5, "16F9587D9E8910C96B9648D006107DD7"),  # 2.4.1
        (24, 3, "2E0DD03774D3FA9B5705AB0BDA91CA0B55B8E07FCDBF10EC"),  # 2.5.1
    ],
)
def test_an10922_triple_des(length: int, system: int, derived: str) -> None:
    key = triple_des_key(MASTER[:length], UID + AID + SYSTEM[:system])
    # The note puts a key version into the parity bits of the first part.
    assert [byte & WITHOUT_PARITY for byte in key] == [byte & WITHOUT_PARITY for byte in bytes.fromhex(derived)]


@pytest.mark.parametrize("length", [0, 32])
def test_an_input_of_another_length_has_no_key(length: int) -> None:
    with pytest.raises(ValueError, match=f"an input of {length}"):
        aes_key(MASTER[:16], bytes(length))


def test_no_two_inputs_share_a_key() -> None:
    keys = sorted(aes_key(MASTER[:16], bytes([1]) * length) for length in range(1, 32))
    assert all(one != other for one, other in pairwise(keys))

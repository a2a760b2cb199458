from __future__ import annotations

import pytest
from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.cmac import CMAC
from hypothesis import given
from hypothesis import strategies as st

from kazasu.cards.cmac import cmac

# NIST SP 800-38B, appendix D.1 (AES-128)
KEY = AES(bytes.fromhex("2B7E151628AED2A6ABF7158809CF4F3C"))
MESSAGE = bytes.fromhex(
    "6BC1BEE22E409F96E93D7E117393172AAE2D8A571E03AC9C9EB76FAC45AF8E51"
    "30C81C46A35CE411E5FBC1191A0A52EFF69F2445DF4F9B17AD2B417BE66C3710"
)


@pytest.mark.parametrize(
    ("length", "mac"),
    [
        (0, "BB1D6929E95937287FA37D129B756746"),
        (16, "070A16B46B4D4144F79BDD9DD04A287C"),
        (40, "DFA66747DE9AE63030CA32611497C827"),
        (64, "51F0BEBF7E3B9D92FC49741779363CFE"),
    ],
)
def test_the_standards_examples(length: int, mac: str) -> None:
    assert cmac(KEY, MESSAGE[:length]).hex().upper() == mac


@given(key=st.binary(min_size=16, max_size=16), message=st.binary(max_size=70))
def test_without_a_vector_it_is_cryptographys(key: bytes, message: bytes) -> None:
    for algorithm in (AES(key), TripleDES(key + key[:8])):
        theirs = CMAC(algorithm)
        theirs.update(message)
        assert cmac(algorithm, message) == theirs.finalize()


@given(first=st.binary(max_size=3).map(lambda part: part * 16), rest=st.binary(min_size=1, max_size=40))
def test_a_chain_goes_on_where_a_vector_left_it(first: bytes, rest: bytes) -> None:
    # Whole blocks, enciphered by themselves, leave the vector from which the rest goes on to the same MAC.
    from kazasu.cards.cmac import encrypt

    vector = encrypt(KEY, bytes(16), first)[-16:] if first else bytes(16)
    assert cmac(KEY, rest, vector) == cmac(KEY, first + rest)

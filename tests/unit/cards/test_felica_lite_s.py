"""Keys and MACs of a FeliCa Lite-S, against what other programs reckon."""

from __future__ import annotations

import pytest
from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.modes import CBC

from kazasu.cards.felica_lite_s import CardKey, is_lite_s, mac, mac_of_read, made_for, session_key
from kazasu.cards.keyring import SecretKey, VersionedKey
from kazasu.errors import KeyMaterialError

# nfcpy, tests/test_tag_tt3_sony.py, test_protect_ndef_tag_readonly: what is written to CK and RC.
CARD_KEY = bytes.fromhex("37363534 33323130 66656463 62613938")
CHALLENGE = bytes.fromhex("07060504 03020100 0f0e0d0c 0b0a0908")


def one_block(key: bytes, number: int) -> int:
    """Triple DES of a number of eight bytes, with a key that is two or three of them in the cipher's order."""
    encryptor = Cipher(TripleDES((key + key)[:24]), CBC(bytes(8))).encryptor()
    return int.from_bytes(encryptor.update(number.to_bytes(8)))


def numbers(content: bytes) -> list[int]:
    return [int.from_bytes(content[at : at + 8], "little") for at in range(0, len(content), 8)]


@pytest.mark.parametrize(
    ("key", "expected"),
    # nfcpy, tests/test_tag_tt3_sony.py, test_generate_mac: as it is, and with the halves of the key exchanged.
    [(bytes(range(16)), "0b1268d7a4ac6932"), (bytes((*range(8, 16), *range(8))), "18cdd33c0fb25dd7")],
)
def test_nfcpys_mac(key: bytes, expected: str) -> None:
    assert mac(key, bytes(range(8))[::-1], bytes(range(32))).hex() == expected


@pytest.mark.parametrize(
    ("content", "expected"),
    # nfcpy, test_protect_ndef_tag_readonly: what the card answers in block MAC for ID, for STATE and for the first pad.
    [
        ("01020304 05060708 00000000 00000000", "91aec5b6d9b3b12d"),
        ("01000000 00000000 00000000 00000000", "bd73eb7294a00279"),
        ("10040100 03000000 00000100 00000019", "a622c337a4e44271"),
    ],
)
def test_nfcpys_reads_with_mac(content: str, expected: str) -> None:
    key = session_key(CARD_KEY, CHALLENGE)
    assert mac(key, CHALLENGE[:8], bytes.fromhex(content)).hex() == expected


def test_nfcpys_write_with_mac_a() -> None:
    # Likewise: STATE is written, after 00FEFF writes.
    key = session_key(CARD_KEY, CHALLENGE)
    plain = bytes.fromhex("00feff00 92009100 01000000 00000000 00000000 00000000")
    assert mac(key[8:] + key[:8], CHALLENGE[:8], plain).hex() == "17c19e3bbdc3e8bd"


def test_mac_a_of_a_read_covers_the_block_numbers() -> None:
    # creacorporation/library, Crypto/mSCFelicaMac.cpp, ValidateMacA: the same with numbers instead of bytes.
    content = bytes(range(32))
    key = session_key(CARD_KEY, CHALLENGE)
    chained = int.from_bytes(CHALLENGE[:8], "little")
    for number in (0xFFFF_0091_0086_0082, *numbers(content)):
        chained = one_block(key, chained ^ number)
    assert mac_of_read(CARD_KEY, CHALLENGE, (0x82, 0x86, 0x91), content) == chained.to_bytes(8, "little")


def test_the_session_key_is_the_challenge_enciphered() -> None:
    # The same file, CreateSessionKey.
    key = CARD_KEY[7::-1] + CARD_KEY[:7:-1]
    first = one_block(key, int.from_bytes(CHALLENGE[:8], "little"))
    second = one_block(key, first ^ int.from_bytes(CHALLENGE[8:], "little"))
    assert session_key(CARD_KEY, CHALLENGE) == first.to_bytes(8) + second.to_bytes(8)


@pytest.mark.parametrize("id_block", [bytes.fromhex("012E4CD8A3F2B07C0000000000000000"), bytes(range(128, 144))])
@pytest.mark.parametrize("master", [bytes(range(1, 25)), bytes(range(21, 45))])
def test_each_card_has_a_key_of_its_own(master: bytes, id_block: bytes) -> None:
    # The same file, CalcDiversifiedKey: L, K1, M1, M2, C1, T; then with the highest bit of M1 turned.
    doubled = one_block(master, 0) << 1
    subkey = (doubled ^ 0x1B if doubled >> 64 else doubled) & (1 << 64) - 1
    first, second = int.from_bytes(id_block[:8]), int.from_bytes(id_block[8:]) ^ subkey
    halves = [one_block(master, one_block(master, first ^ turned) ^ second) for turned in (0, 1 << 63)]
    assert made_for(master, id_block) == b"".join(half.to_bytes(8) for half in halves)


def test_both_cases_of_doubling_are_among_these_masters() -> None:
    assert {one_block(bytes(range(at, at + 24)), 0) >> 63 for at in (1, 21)} == {0, 1}


def versions(*keys: bytes) -> VersionedKey:
    return VersionedKey("badge", {number: SecretKey(key) for number, key in enumerate(keys)})


@pytest.mark.parametrize(("diversified", "length"), [(True, 16), (False, 24), (False, 8)])
def test_a_key_of_another_length_is_told(*, diversified: bool, length: int) -> None:
    with pytest.raises(KeyMaterialError, match="bytes where"):
        CardKey(versions(bytes(range(length))), diversified=diversified)


def test_the_factorys_key_is_refused() -> None:
    with pytest.raises(KeyMaterialError, match="version 1: zeros are what a card leaves the factory with"):
        CardKey(versions(CARD_KEY, bytes(16)), diversified=False)


@pytest.mark.parametrize(
    ("pmm", "expected"),
    # nfcpy, test_init: RC-S966 and FeliCa Link; then Lite without -S, which has no MAC_A, and a card of transport.
    [
        ("00F1FFFFFFFFFFFF", True),
        ("00F2FFFFFFFFFFFF", True),
        ("00F0FFFFFFFFFFFF", False),
        ("0120220427674EFF", False),
        ("00F1", False),
    ],
)
def test_the_parameters_tell_a_lite_s(pmm: str, *, expected: bool) -> None:
    assert is_lite_s(bytes.fromhex(pmm)) is expected

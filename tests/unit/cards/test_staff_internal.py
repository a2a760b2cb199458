"""INTERNAL AUTHENTICATE with every cipher, derivation and form of answer that a profile may name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.cmac import CMAC

from fakes.card_channel import FakeCardChannel
from fakes.staff import card_with, kinds_of, ring
from kazasu.cards.staff_derivation import cipher_of, derive, three_keys
from kazasu.errors import CardRefused
from kazasu.model.access import Assurance, DenyReason
from kazasu.virtual.card import StatusWord
from kazasu.virtual.files import File
from kazasu.virtual.jpki import ATR_CONTACTLESS
from kazasu.virtual.staff_card import StaffApplication, encrypting

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

AID = bytes.fromhex("F04B415A5553550111")
NUMBER = b"00001001"
SITE_KEYS = {"aes-128": bytes(range(16)), "aes-256": bytes(range(32)), "3des": bytes(range(16))}
THREE_KEYS = bytes(range(24))
PROFILE = f"""\
aid = "{AID.hex()}"
authentication = "internal"
[[steps]]
name = "holder"
apdu = "00B0810000"
[number]
from = "holder"
length = 8
encoding = "ascii"
[internal_authentication]
key = "staff"
input = [{{ from = "holder", length = 8 }}]
"""


def maced(algorithm: str, key: bytes, length: int) -> Callable[[bytes], bytes]:
    """A key that makes a CMAC, by cryptography's own."""

    def answer(challenge: bytes) -> bytes:
        cmac = CMAC(AES(key) if algorithm != "3des" else TripleDES(three_keys(key)))
        cmac.update(challenge)
        return cmac.finalize()[:length]

    return answer


def read(
    tmp_path: Path, settings: str, site_key: bytes, answer: Callable[[bytes], bytes], key_reference: int = 1
) -> FakeCardChannel:
    """Read a card that answers so under that key, or be refused."""
    profile = tmp_path / "staff.toml"
    profile.write_text(PROFILE + settings)
    channel = FakeCardChannel(card_with(StaffApplication(AID, {1: File(NUMBER)}, {key_reference: answer})))
    identifier = kinds_of(profile, keys=ring({0: site_key})).identify(channel, ATR_CONTACTLESS)
    assert identifier.assurance is Assurance.CHALLENGE
    return channel


def settings(algorithm: str, derivation: str = "an10922", rest: str = "") -> str:
    return f'algorithm = "{algorithm}"\nderivation = "{derivation}"\ncommand = "00880081"\n{rest}'


@pytest.mark.parametrize("derivation", ["an10922", "sp800-108-cmac"])
@pytest.mark.parametrize(
    ("algorithm", "site_key", "challenge_bytes"),
    [*((name, key, 8 if name == "3des" else 16) for name, key in SITE_KEYS.items()), ("3des", THREE_KEYS, 8)],
)
def test_a_block_is_encrypted(
    tmp_path: Path, algorithm: str, site_key: bytes, challenge_bytes: int, derivation: str
) -> None:
    card_key = derive(derivation, algorithm, site_key, NUMBER)
    channel = read(tmp_path, settings(algorithm, derivation), site_key, encrypting(algorithm, card_key))
    assert channel.sent[-1][:5] == bytes.fromhex("00880081") + bytes([challenge_bytes])
    assert len(channel.sent[-1]) == 6 + challenge_bytes
    assert len(card_key) == len(site_key)


@pytest.mark.parametrize("challenge_bytes", [8, 16])
@pytest.mark.parametrize(("algorithm", "answer_bytes"), [("aes-128", 16), ("aes-128", 8), ("aes-256", 16), ("3des", 8)])
def test_a_mac_is_made(tmp_path: Path, algorithm: str, answer_bytes: int, challenge_bytes: int) -> None:
    site_key = SITE_KEYS[algorithm]
    card_key = derive("an10922", algorithm, site_key, NUMBER)
    rest = f'answer = "cmac"\nanswer_bytes = {answer_bytes}\nchallenge_bytes = {challenge_bytes}\n'
    read(tmp_path, settings(algorithm, rest=rest), site_key, maced(algorithm, card_key, answer_bytes))
    for other in (answer_bytes - 1, 0):
        with pytest.raises(CardRefused) as caught:
            read(tmp_path, settings(algorithm, rest=rest), site_key, maced(algorithm, card_key, other))
        assert caught.value.reason is DenyReason.AUTHENTICATION_FAILED


@pytest.mark.parametrize("algorithm", SITE_KEYS)
def test_the_sites_own_key_opens_nothing(tmp_path: Path, algorithm: str) -> None:
    """A card with the key as it is in the file was not made by this derivation."""
    site_key = SITE_KEYS[algorithm]
    with pytest.raises(CardRefused) as caught:
        read(tmp_path, settings(algorithm), site_key, encrypting(algorithm, site_key))
    assert caught.value.reason is DenyReason.AUTHENTICATION_FAILED


def test_a_key_that_another_reference_names_is_not_asked(tmp_path: Path) -> None:
    card_key = derive("an10922", "aes-128", SITE_KEYS["aes-128"], NUMBER)
    with pytest.raises(CardRefused, match="6A88"):
        read(tmp_path, settings("aes-128"), SITE_KEYS["aes-128"], encrypting("aes-128", card_key), key_reference=2)


@pytest.mark.parametrize("sw", [0x6982, 0x6985, 0x6F00])
def test_a_card_that_will_not_answer_has_proved_nothing(tmp_path: Path, sw: int) -> None:
    def refuses(_: bytes) -> bytes:
        raise StatusWord(sw)

    with pytest.raises(CardRefused, match=f"{sw:04X}") as caught:
        read(tmp_path, settings("aes-128"), SITE_KEYS["aes-128"], refuses)
    assert caught.value.reason is DenyReason.AUTHENTICATION_FAILED


# NIST, CAVP, KDF in counter mode (SP 800-108), KDFCTR_gen: CMAC_AES128, BEFORE_FIXED, 32 bits, count 19 and 20; the
# counter is all that tells one block from the next, so the first 16 bytes are those of a shorter key.
@pytest.mark.parametrize(
    ("key", "fixed_input", "derived"),
    [
        (
            "8e6d857c17317cad81294012ce72625e",
            (
                "b5a2479fd608beab53cebc1010f21bf85d340c65a25dfa19b052d86c7ef0e377b5b74a6f6d9e4036b04c2130374738ff7d85006c"
                "393fb7c8cc63a25d"
            ),
            "b07a8301becc684bd2ea7908702fea55",
        ),
        (
            "b523ae21fc36bc58cc46e5a3cda97493",
            (
                "8dbe6d4d9b09b2eabd165b6e6e97e3bc782f8335cb1ea04ad0403affd88a5071db5f36ce2e84ab296261730b2226a9189d867991"
                "fbd4ff86f43a3cfb"
            ),
            "530211df01975dd6c08064c34105f88a",
        ),
    ],
)
def test_sp_800_108_gives_what_nist_published(key: str, fixed_input: str, derived: str) -> None:
    card_key = derive("sp800-108-cmac", "aes-128", bytes.fromhex(key), bytes.fromhex(fixed_input))
    assert card_key == bytes.fromhex(derived)


@pytest.mark.parametrize(
    ("algorithm", "key", "blocks"),
    [("aes-256", bytes(range(32)), 2), ("3des", bytes(range(16)), 2), ("3des", THREE_KEYS, 3)],
)
def test_longer_keys_come_of_more_blocks(algorithm: str, key: bytes, blocks: int) -> None:
    """SP 800-108r1, 4.1: K(i) = PRF(key, i || fixed input data)."""
    parts = b""
    for count in range(1, blocks + 1):
        cmac = CMAC(TripleDES(three_keys(key)) if algorithm == "3des" else AES(key))
        cmac.update(count.to_bytes(4) + NUMBER)
        parts += cmac.finalize()
    assert derive("sp800-108-cmac", algorithm, key, NUMBER) == parts


# NIST SP 800-67 rev. 2, appendix B.1: three keys, ECB, the first block
def test_three_keys_of_triple_des_are_used_in_order() -> None:
    cipher = cipher_of("3des", bytes.fromhex("0123456789ABCDEF23456789ABCDEF01456789ABCDEF0123"))
    encryptor = Cipher(cipher, modes.ECB()).encryptor()  # noqa: S305
    assert encryptor.update(b"The qufc") == bytes.fromhex("A826FD8CE53B855F")
    assert three_keys(bytes(range(16))) == bytes(range(16)) + bytes(range(8))
    assert three_keys(THREE_KEYS) == THREE_KEYS

"""What seals a roster's parts: the form that docs/wire.md gives it, and what it opens."""

from __future__ import annotations

import hashlib
import hmac
import subprocess
import sys

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from kazasu.errors import RosterRefused
from kazasu.model.pepper import Pepper
from kazasu.model.roster_manifest import Refusal
from kazasu.model.roster_seal import SEAL_BYTES, PartSeal

FIRST, SECOND = bytes(range(32)), bytes(range(32, 64))
PEPPER = Pepper([FIRST, SECOND])
LAYER, NEXT = PEPPER.ids
SEAL = PartSeal(PEPPER, LAYER, "city-hall", "all")


def key_as_the_wire_says(layer: bytes, site: str, audience: str) -> bytes:
    """HKDF-SHA-256 (RFC 5869) by hand: no salt, 64 bytes."""
    secret = hmac.digest(bytes(32), layer, hashlib.sha256)
    info = f"kazasu roster part/{site}/{audience}".encode()
    first = hmac.digest(secret, info + b"\x01", hashlib.sha256)
    return first + hmac.digest(secret, first + info + b"\x02", hashlib.sha256)


def test_the_form_is_the_wires() -> None:
    sealed = SEAL.sealed("full-0", b"person\t1001\tHanako\t\n")
    assert sealed == AESSIV(key_as_the_wire_says(FIRST, "city-hall", "all")).encrypt(
        b"person\t1001\tHanako\t\n", [b"full-0"]
    )
    assert sealed.hex() == "3782b6ad693acfb02e93ad0949986502abb8f45e0e4f21797742834ba4fde8394c779ffd"


def test_a_part_is_the_same_bytes_each_time_and_opens() -> None:
    sealed = SEAL.sealed("full-7", b"part")
    assert sealed == PartSeal(Pepper([FIRST]), LAYER, "city-hall", "all").sealed("full-7", b"part")
    assert len(sealed) == len(b"part") + SEAL_BYTES
    assert SEAL.opened("full-7", sealed) == b"part"


@pytest.mark.parametrize(
    ("seal", "name"),
    [
        (PartSeal(PEPPER, NEXT, "city-hall", "all"), "full-0"),
        (PartSeal(PEPPER, LAYER, "town-hall", "all"), "full-0"),
        (PartSeal(PEPPER, LAYER, "city-hall", "entrance-1"), "full-0"),
        (SEAL, "full-1"),
        (SEAL, "delta-0"),
    ],
)
def test_it_opens_with_its_own_key_and_at_its_own_place_only(seal: PartSeal, name: str) -> None:
    with pytest.raises(RosterRefused, match=f"{name} does not open.*same version.*site publish") as refused:
        seal.opened(name, SEAL.sealed("full-0", b"part"))
    assert refused.value.reason is Refusal.SEALED


@pytest.mark.parametrize("noise", [b"", b"x", b"x" * SEAL_BYTES, b"x" * 4096])
def test_what_was_never_sealed_is_refused_in_words(noise: bytes) -> None:
    with pytest.raises(RosterRefused, match="does not open"):
        SEAL.opened("full-0", noise)


def test_a_start_does_not_load_what_opens_a_roster_that_has_not_come() -> None:
    later = "{'cryptography.hazmat.primitives.ciphers.aead', 'cryptography.hazmat.primitives.kdf.hkdf'}"
    imports = "import sys, kazasu.cli.run, kazasu.publishers.roster_updates"
    program = f"{imports}; sys.exit(bool({later} & set(sys.modules)))"
    subprocess.run([sys.executable, "-c", program], check=True)

"""OpenSC, which knows the PIV cards of many makers, takes the virtual one for one of them: an independent judge."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding

from kazasu.virtual.issuer import rsa_key
from kazasu.virtual.piv import AUTHENTICATION, CARD_AUTHENTICATION, KEY_MANAGEMENT, SIGNATURE
from kazasu.virtual.piv_issuer import PivIssuer, ec_key

if TYPE_CHECKING:
    from pathlib import Path

    from kazasu.virtual.piv import PivCard, PrivateKey
    from kazasu.virtual.vpcd import Slot

READER = ("--reader", "Virtual PCD 00 00")
CARD_AUTH = "04"  # the id that OpenSC gives to the card authentication key and its certificate
PIN = ("--login", "--pin", "123456")
ISSUER = PivIssuer()


def in_field(
    slot: Slot, keys: dict[int, PrivateKey], *, contactless: bool = False, compressed: bool = False
) -> PivCard:
    card = ISSUER.card(keys, contactless=contactless, compressed=compressed)
    slot.insert(card)
    slot.wait_for(lambda: slot.powered)
    return card


def run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def card(slot: Slot) -> PivCard:
    """By contact, with a key for every purpose."""
    purposes = (AUTHENTICATION, SIGNATURE, KEY_MANAGEMENT, CARD_AUTHENTICATION)
    return in_field(slot, {purpose: rsa_key(f"opensc {purpose}") for purpose in purposes})


def test_its_name(card: PivCard) -> None:
    assert run("opensc-tool", *READER, "-n").startswith("Personal Identity Verification Card")
    assert run("piv-tool", *READER, "-n").startswith("Personal Identity Verification Card")


def test_its_certificates_and_keys(card: PivCard) -> None:
    listed = run("pkcs15-tool", *READER, "-c", "-k")

    assert re.findall(r"X\.509 Certificate \[Certificate for (.*)\]", listed) == [
        "PIV Authentication",
        "Digital Signature",
        "Key Management",
        "Card Authentication",
    ]
    assert re.findall(r"Key ref +: (\d+)", listed) == ["154", "156", "157", "158"]
    assert re.findall(r"ModLength +: (\d+)", listed) == ["2048"] * 4


def test_every_key_does_what_it_is_for(card: PivCard) -> None:
    tested = run("pkcs11-tool", *PIN, "--test")

    # "1 errors" is OpenSC's for random numbers out of the management key, which this card has not.
    assert re.findall(r"^(\d+) errors", tested, re.MULTILINE) == ["1"]
    assert "seeding (C_SeedRandom) not supported" in tested
    assert "all 4 signature functions seem to work" in tested
    assert (
        re.findall(r"testing key \d \((.*)\) with 1 mechanism\n +RSA-X-509: OK", tested)
        == [
            "SIGN key",
            "CARD AUTH key",
        ]
        * 2
    )
    assert card.used == {AUTHENTICATION, SIGNATURE, KEY_MANAGEMENT, CARD_AUTHENTICATION}
    assert card.pin.left == 3


def test_a_wrong_pin_is_counted(card: PivCard) -> None:
    done = subprocess.run(
        ["pkcs11-tool", "--login", "--pin", "000000", "-O"], capture_output=True, text=True, check=False
    )

    assert done.returncode != 0
    assert "CKR_PIN_INCORRECT" in done.stderr
    assert card.pin.left == 2


@pytest.mark.parametrize("compressed", [False, True])
def test_the_certificate_as_it_was_issued(slot: Slot, compressed: bool) -> None:
    in_field(slot, {CARD_AUTHENTICATION: ec_key("opensc")}, contactless=True, compressed=compressed)

    pem = run("pkcs15-tool", *READER, "--read-certificate", CARD_AUTH)

    certificate = x509.load_pem_x509_certificate(pem.encode())
    certificate.verify_directly_issued_by(ISSUER.ca_certificate)
    assert certificate.public_key() == ec_key("opensc").public_key()


# OpenSC takes a card whose capability container it cannot read for one without EC, as every card is without contacts.
@pytest.mark.parametrize(
    ("key", "algorithm", "contactless"),
    [
        (rsa_key("opensc"), hashes.SHA256(), True),
        (rsa_key("opensc"), hashes.SHA256(), False),
        (ec_key("opensc"), hashes.SHA256(), False),
        (ec_key("opensc", "secp384r1"), hashes.SHA384(), False),
    ],
    ids=["rsa without contacts", "rsa", "p256", "p384"],
)
def test_a_signature_without_a_pin_that_the_certificate_verifies(
    slot: Slot, tmp_path: Path, key: PrivateKey, algorithm: hashes.HashAlgorithm, contactless: bool
) -> None:
    card = in_field(slot, {CARD_AUTHENTICATION: key}, contactless=contactless)
    hasher = hashes.Hash(algorithm)
    hasher.update(b"a challenge")
    digest, signature = tmp_path / "digest", tmp_path / "signature"
    digest.write_bytes(hasher.finalize())
    is_ec = isinstance(key, ec.EllipticCurvePrivateKey)
    form = ("--signature-format", "openssl") if is_ec else ("--sha-256", "--pkcs1")

    run(
        *("pkcs15-crypt", *READER, "--sign", "--key", CARD_AUTH, *form),
        *("--raw", "--input", str(digest), "--output", str(signature)),
    )

    if isinstance(key, ec.EllipticCurvePrivateKey):
        key.public_key().verify(signature.read_bytes(), b"a challenge", ec.ECDSA(algorithm))
    else:
        key.public_key().verify(signature.read_bytes(), b"a challenge", padding.PKCS1v15(), algorithm)
    assert card.used == {CARD_AUTHENTICATION}

"""OpenSC, which knows the real card, takes the virtual one for a My Number Card: an independent judge."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from kazasu.virtual.issuer import rsa_key
from kazasu.virtual.jpki import AID_JPKI, ATR_CONTACT_OPENSC, JpkiCard

if TYPE_CHECKING:
    from pathlib import Path

    from kazasu.virtual.issuer import JpkiIssuer
    from kazasu.virtual.vpcd import Slot

READER = ("--reader", "Virtual PCD 00 00")
AUTHENTICATION = "01"  # the id that OpenSC gives to the authentication key, its certificate and its PIN


@pytest.fixture
def card(slot: Slot, issuer: JpkiIssuer) -> JpkiCard:
    card = issuer.card(rsa_key("opensc"), atr=ATR_CONTACT_OPENSC)
    slot.insert(card)
    slot.wait_for(lambda: slot.powered)
    return card


def run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_its_name(card: JpkiCard) -> None:
    assert run("opensc-tool", *READER, "-n") == "jpki\n"


def test_its_four_certificates(card: JpkiCard) -> None:
    listed = run("pkcs15-tool", *READER, "-c")

    assert re.findall(r"X\.509 Certificate \[(.*)\]", listed) == [
        "User Authentication Certificate",
        "Digital Signature Certificate",
        "User Authentication Certificate CA",
        "Digital Signature Certificate CA",
    ]
    assert card.touched == {AID_JPKI}


def test_its_pin_counters(card: JpkiCard) -> None:
    card.transmit(bytes.fromhex("00A4040C0A") + AID_JPKI)
    card.transmit(bytes.fromhex("00A4020C020018"))
    assert card.transmit(bytes.fromhex("002000800430303030")) == b"\x63\xc2"

    listed = run("pkcs15-tool", *READER, "--list-pins")

    assert re.findall(r"PIN \[(.*)\]", listed) == ["User Authentication PIN", "Digital Signature PIN"]
    assert re.findall(r"Tries left +: (\d)", listed) == ["2", "5"]


def test_the_certificate_as_it_was_issued(card: JpkiCard, issuer: JpkiIssuer) -> None:
    pem = run("pkcs15-tool", *READER, "--read-certificate", AUTHENTICATION)

    certificate = x509.load_pem_x509_certificate(pem.encode())
    certificate.verify_directly_issued_by(issuer.ca_certificate)
    assert certificate.public_key() == rsa_key("opensc").public_key()


def test_a_signature_that_the_certificate_verifies(card: JpkiCard, tmp_path: Path) -> None:
    hasher = hashes.Hash(hashes.SHA256())
    hasher.update(b"a challenge")
    digest, signature = tmp_path / "digest", tmp_path / "signature"
    digest.write_bytes(hasher.finalize())
    inputs = ("--input", str(digest), "--output", str(signature), "--raw", "--pin", "1234")

    run("pkcs15-crypt", *READER, "--sign", "--key", AUTHENTICATION, "--sha-256", "--pkcs1", *inputs)

    rsa_key("opensc").public_key().verify(
        signature.read_bytes(), digest.read_bytes(), padding.PKCS1v15(), Prehashed(hashes.SHA256())
    )

"""The site's answer to a request, and what passes for none."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from fakes.enrolment import NOW
from kazasu.enrolment.reply import certificate_for, granted, refused
from kazasu.errors import EnrolmentRefused, SignatureInvalid
from kazasu.model.signature import Ed25519Signer, Ed25519Verifier
from kazasu.site.authority import Authority
from kazasu.site.pem import certificate_pem

SITE_KEY = Ed25519Signer(Ed25519PrivateKey.from_private_bytes(b"s" * 32))
CLIENT = ec.derive_private_key(1234567, ec.SECP256R1())
REQUEST = "ab" * 32
AUTHORITY = Authority.founded("town-hall", ["localhost"], NOW)


def pem(name: str = "front", key: ec.EllipticCurvePrivateKey = CLIENT) -> str:
    return certificate_pem(AUTHORITY.client(name, key.public_key(), NOW)).decode()


def taken(payload: bytes) -> str:
    verifier = Ed25519Verifier(SITE_KEY.public)
    return certificate_for(payload, verifier, site="town-hall", terminal="front", request=REQUEST, key=CLIENT)


def test_the_certificate_that_was_asked_for_is_taken() -> None:
    certificate = pem()
    assert taken(granted("town-hall", "front", REQUEST, certificate, SITE_KEY).body) == certificate


@pytest.mark.parametrize(
    ("certificate", "words"),
    [
        ("none", "no certificate in PEM"),
        ("-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n", "no certificate in PEM"),
        (pem("exit-9"), "a certificate for exit-9, or for another key"),
        (pem("a\x1b[2Jb"), "a certificate for a�\\[2Jb, or"),
        (pem(key=ec.derive_private_key(7, ec.SECP256R1())), "for another key"),
    ],
)
def test_a_certificate_that_is_none_or_anothers_is_refused_in_words(certificate: str, words: str) -> None:
    with pytest.raises(EnrolmentRefused, match=words):
        taken(granted("town-hall", "front", REQUEST, certificate, SITE_KEY).body)


def test_a_reply_to_another_is_none_and_no_word_of_it_moves_a_cursor() -> None:
    with pytest.raises(SignatureInvalid, match=r"a reply for 'town-hall', 'a\\x1b\[2J'"):
        taken(granted("town-hall", "a\x1b[2J", REQUEST, pem(), SITE_KEY).body)
    with pytest.raises(EnrolmentRefused, match=r"the site says no: not�\[2Jyou"):
        taken(refused("town-hall", "front", REQUEST, "not\x1b[2Jyou", SITE_KEY).body)

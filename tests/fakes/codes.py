"""Codes and PINs under a pepper that everybody knows, with a hash that costs nothing."""

from __future__ import annotations

import hashlib

from kazasu.cards.pseudonym import Pseudonymizer
from kazasu.model.code import KeptPin, code_pseudonym, pin_secret
from kazasu.model.pepper import Pepper

PEPPER = Pepper([b"p" * 32])
PEPPERED = Pseudonymizer(PEPPER.layers[0])
SALT = b"s" * 16


def slow_hash(secret: str, salt: bytes) -> bytes:
    """32 bytes, at once."""
    return hashlib.sha256(salt + secret.encode()).digest()


def pseudonym(code: str) -> str:
    return code_pseudonym(PEPPERED, code)


def kept(code: str, pin: str, forced: str | None = None) -> KeptPin:
    """What is kept of a person's PINs, by `slow_hash`."""
    return KeptPin(
        salt=SALT,
        digest=slow_hash(pin_secret(PEPPERED, code, pin), SALT),
        duress_digest=None if forced is None else slow_hash(pin_secret(PEPPERED, code, forced), SALT),
    )

"""Keys, certificates and certificate requests in PEM with something wrong."""

from __future__ import annotations

import base64
import functools
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric import ec, ed448, x25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from fakes.hostile import noise

if TYPE_CHECKING:
    from random import Random

    from fakes.hostile import Maker

_DASHES = "-----"
_PUBLIC = (Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def pems(*genuine: str) -> Maker[object]:
    """PEM of another kind, or with a few bytes of what is inside other ones."""
    others = (*genuine, *_others())

    def pem(chance: Random) -> str:
        return chance.choice(others) if chance.random() < 1 / 3 else _changed(chance, chance.choice(genuine))

    return pem


def _changed(chance: Random, pem: str) -> str:
    head, _, rest = pem.partition(f"{_DASHES}\n")
    inside, _, foot = rest.partition(_DASHES)
    der = base64.b64decode(inside)
    for _ in range(chance.randint(1, 2)):
        at = chance.randrange(len(der))
        der = der[:at] + noise(chance, 2) + der[at + chance.randint(0, 2) :]
    body = base64.encodebytes(der).decode()
    return f"{head}{_DASHES}\n{body}{_DASHES}{foot}"


@functools.cache
def _others() -> tuple[str, ...]:
    """Public keys of other kinds, and text that only looks like PEM."""
    keys = (
        ec.derive_private_key(7, ec.SECP384R1()).public_key(),
        ec.derive_private_key(7, ec.SECP256K1()).public_key(),
        ed448.Ed448PrivateKey.from_private_bytes(b"a" * 57).public_key(),
        x25519.X25519PrivateKey.from_private_bytes(b"a" * 32).public_key(),
    )
    real = [key.public_bytes(*_PUBLIC).decode() for key in keys]
    armours = [f"-----BEGIN {what}-----\n{{}}\n-----END {what}-----\n" for what in ("PUBLIC KEY", "CERTIFICATE")]
    return (*real, *(armour.format(inside) for armour in armours for inside in ("", "AAAA", "MA==", "\0", "A" * 9999)))

"""Keys of a site, and commands that they sign, right or wrong in one thing."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from fakes.clock import START
from kazasu.model.command import Command
from kazasu.model.document import signed
from kazasu.model.order import Release
from kazasu.model.signature import Ed25519Signer, Ed25519Verifier

if TYPE_CHECKING:
    from kazasu.model.command import Upkeep
    from kazasu.model.order import Order

SITE, TERMINAL = "city", "front"
SITE_KEY, NEXT_KEY, COLLECTOR, FORGER = (
    Ed25519Signer(Ed25519PrivateKey.from_private_bytes(letter * 32)) for letter in (b"s", b"n", b"c", b"f")
)
KEYS = (Ed25519Verifier(SITE_KEY.public), Ed25519Verifier(NEXT_KEY.public))
COLLECTOR_KEY = Ed25519Verifier(COLLECTOR.public)
FIELDS: dict[str, int | str] = {
    "v": 1,
    "type": "command",
    "site": SITE,
    "terminal": TERMINAL,
    "command": "release",
    "transaction": "5a" * 16,
    "issued": START.isoformat(),
    "expires_s": 10,
    "by": "suzuki",
    "door": "gate",
}


def payload(signer: Ed25519Signer = SITE_KEY, /, **changes: int | str | None) -> bytes:
    """A signed command; None leaves a field out."""
    return signed({name: value for name, value in (FIELDS | changes).items() if value is not None}, signer).body


def taken(
    asked: Order | Upkeep | None = None,
    *,
    name: str = "release",
    number: int = 1,
    issued: datetime = START,
    expires_s: int = 10,
) -> Command:
    """A command that was read well."""
    return Command(
        name=name,
        transaction=f"{number:032x}",
        issued=issued,
        expires_s=expires_s,
        by="site:suzuki",
        keyid=SITE_KEY.keyid,
        asked=asked or Release(by="site:suzuki", door="gate"),
        arguments='{"door":"gate"}',
    )


def later(seconds: float) -> datetime:
    """So long after the fake clock's beginning."""
    return START + timedelta(seconds=seconds)

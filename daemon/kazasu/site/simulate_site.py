"""A site that is made to be simulated: its terminals' keys lie in its directory, and every name begins with `sim-`.

The collector of such a site is filled with made-up events. So nobody simulates at a site that means anything: the mark
is in the site's name, which is a level of every topic and a field of every event.
"""

from __future__ import annotations

import datetime as dt
import secrets
from typing import TYPE_CHECKING, Final

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from kazasu.errors import ConfigurationError
from kazasu.model.signature import Ed25519Signer
from kazasu.publishers.settings import Broker
from kazasu.site.directory import Site, TerminalRecord
from kazasu.site.founding import Founding, found
from kazasu.site.pem import certificate_pem, key_pem, public_pem
from kazasu.site.terminal_record import Certificate, EventKey
from kazasu.store.keys import load_signer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MARK: Final = "sim-"
_SECRET: Final = 0o600


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """Who a simulated terminal is.

    Attributes:
        terminal: its name.
        broker: where it publishes, and what it shows there.
        signer: its event key.
    """

    terminal: str
    broker: Broker
    signer: Ed25519Signer


def make(path: Path, founding: Founding, terminals: int, shown: Callable[[int], None]) -> Site:
    """Make a site with so many active terminals. Nobody keeps its passphrase: nothing is ever added to it.

    Args:
        path: where; not there yet.
        founding: what it is to be; its name gets the mark if it has none.
        terminals: how many.
        shown: told how many there are after each.

    Raises:
        KazasuError: see `found`.
    """
    if not founding.name.startswith(MARK):
        founding = msgspec.structs.replace(founding, name=MARK + founding.name)
    now = dt.datetime.now(dt.UTC)
    passphrase = secrets.token_hex(16)
    site = found(path, founding, passphrase, now)
    authority = site.authority(passphrase)
    (path / "keys" / "events").mkdir(0o700)
    for number in range(1, terminals + 1):
        terminal = f"{MARK}{number:05}"
        event_key, key = Ed25519PrivateKey.generate(), ec.generate_private_key(ec.SECP256R1())
        certificate = authority.client(terminal, key.public_key(), now)
        site.certificate_file(terminal).write_bytes(certificate_pem(certificate))
        for owner, pem in ((f"clients/{terminal}", key_pem(key)), (f"events/{terminal}", key_pem(event_key))):
            site.key_file(owner).touch(_SECRET)
            site.key_file(owner).write_bytes(pem)
        signer = Ed25519Signer(event_key)
        site.save(
            TerminalRecord(
                id=terminal,
                state="active",
                event_keys=(EventKey(keyid=signer.keyid, since=now, pem=public_pem(signer.public).decode()),),
                certificates=(
                    Certificate(serial=f"{certificate.serial_number:x}", ends=certificate.not_valid_after_utc),
                ),
            )
        )
        shown(number)
    return site


def identities(site: Site, wanted: int | None = None) -> list[Identity]:
    """Read the simulated terminals' keys, the first `wanted` of them; all if None.

    Raises:
        ConfigurationError: the site was not made for this, or has fewer.
        KeyMaterialError: a key cannot be used.
    """
    names = sorted(site.terminals())
    foreign = [name for name in names if not name.startswith(MARK)]
    if not site.name.startswith(MARK) or foreign or not names:
        what = f"it has the terminal {foreign[0]!r}" if foreign else f"it is called {site.name!r}"
        raise ConfigurationError(
            f"{site.path} was not made to be simulated: {what}; made-up events would stand among people's own."
            " Make a site for it: `kazasu site simulate --new DIR --broker HOST`"
        )
    if wanted is not None and wanted > len(names):
        raise ConfigurationError(
            f"{site.path} has {len(names)} terminals, not {wanted}; make another: `kazasu site simulate --new DIR`"
        )
    return [
        Identity(terminal=name, broker=site.broker(name), signer=load_signer(site.key_file(f"events/{name}")))
        for name in names[:wanted]
    ]

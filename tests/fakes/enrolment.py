"""A terminal that joins a site: its bundle, its keys, and the requests that it, or somebody else, makes of them."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from kazasu.enrolment.request import enrolment, renewal
from kazasu.model.signature import Ed25519Signer
from kazasu.site.admission import Admission, invite
from kazasu.virtual.site import PASSPHRASE

if TYPE_CHECKING:
    from kazasu.site.directory import Site

NOW = dt.datetime(2026, 4, 1, 8, 30, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)


def admission(site: Site) -> Admission:
    return Admission(site, site.unlock(PASSPHRASE), site.authority(PASSPHRASE))


class Newcomer:
    """Has the bundle of one terminal, open, and keys of its own."""

    def __init__(
        self, site: Site, terminal: str = "entrance-1", now: dt.datetime = NOW, *, again: bool = False
    ) -> None:
        self.site = site.name
        self.terminal = terminal
        authority = site.authority(PASSPHRASE) if site.has_authority else None
        self.secrets = invite(site, terminal, authority, DAY, now, again=again).content
        one_time = load_pem_private_key(self.secrets.one_time_key.encode(), None)
        assert isinstance(one_time, Ed25519PrivateKey)
        self.one_time = Ed25519Signer(one_time)
        self.event = Ed25519Signer(Ed25519PrivateKey.generate())
        self.client = ec.generate_private_key(ec.SECP256R1())

    def asks(self, site: str | None = None, terminal: str | None = None) -> bytes:
        """Ask to be admitted, as itself or as somebody else."""
        return enrolment(
            site or self.site,
            terminal or self.terminal,
            NOW,
            one_time=self.one_time,
            event=self.event,
            client=self.client,
        ).body

    def renews(self, serial: int) -> bytes:
        """Ask for the certificate after the one of this serial number."""
        return renewal(self.site, self.terminal, NOW, event=self.event, client=self.client, serial=serial).body

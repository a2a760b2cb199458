"""Revoke a terminal that was stolen or given away: its event key, its certificates, its open invitation.

From this moment nothing that it signs counts. The broker turns it away once it has the new revocation list and was
started anew. The pepper that it holds cannot be taken back, but made worth nothing: `kazasu site rotate-pepper`.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from kazasu.cli import EXIT_OK
from kazasu.cli.site import add_passphrase_argument, add_site_argument, passphrase_of, site_of
from kazasu.site.revocation import revoke

if TYPE_CHECKING:
    import argparse


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("terminal", metavar="ID", help="its name")
    add_site_argument(parser)
    add_passphrase_argument(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Revoke it."""
    site = site_of(arguments)
    authority = site.authority(passphrase_of(arguments)) if site.has_authority else None
    record = revoke(site, arguments.terminal, authority, dt.datetime.now(dt.UTC))
    for key in record.event_keys:
        print(f"revoked  event key {key.keyid}")
    for certificate in record.certificates:
        print(f"revoked  certificate {certificate.serial}")
    print("\nNext:")
    print("  turn it away              kazasu site broker-config, its files to the broker, and a restart there")
    if authority is None:
        print("  at your own CA            revoke these certificates, and give the broker its list (crlfile)")
    print("  if its disk was not safe  kazasu site rotate-pepper, so that the pepper on it knows nobody any more")
    print(f"  another box there         kazasu site add-terminal {arguments.terminal} --again")
    return EXIT_OK

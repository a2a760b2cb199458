"""Renew the certificates of the broker and of the site's own clients of it.

Without a name, those that end within sixty days. Terminals renew their own: `kazasu renew` there asks, and
`kazasu site accept` here answers.
"""

from __future__ import annotations

import argparse
import datetime as dt

from kazasu.cli import EXIT_OK
from kazasu.cli.site import add_passphrase_argument, add_site_argument, passphrase_of, site_of
from kazasu.errors import EnrolmentRefused
from kazasu.site.own_certificates import OWN, ends, renew

_SOON = dt.timedelta(days=60)


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("names", nargs="*", metavar="NAME", type=_name, help=f"of {', '.join(OWN)}")
    add_site_argument(parser)
    add_passphrase_argument(parser)


def _name(text: str) -> str:
    if text not in OWN:
        raise argparse.ArgumentTypeError(f"{text!r} is none of {', '.join(OWN)}")
    return text


def execute(arguments: argparse.Namespace) -> int:
    """Renew them."""
    site = site_of(arguments)
    if not site.has_authority:
        raise EnrolmentRefused(f"this site's CA is elsewhere: let it sign {site.file('requests')}/*.csr again")
    now = dt.datetime.now(dt.UTC)
    names = arguments.names or [name for name in OWN if ends(site, name) - now < _SOON]
    for name in OWN:
        if name not in names:
            print(f"good     {name}: until {ends(site, name):%Y-%m-%d}")
    if not names:
        return EXIT_OK
    authority = site.authority(passphrase_of(arguments))
    for name in names:
        renew(site, name, authority, now)
        print(f"renewed  {name}: until {ends(site, name):%Y-%m-%d}")
    print("\nNext:")
    for name in names:
        if name == "broker":
            print("  the broker                kazasu site broker-config, and its files to the broker")
        elif name != "desk":
            print(f"  where {name} runs".ljust(28) + f"clients/{name}.pem and keys/clients/{name}.key")
    return EXIT_OK

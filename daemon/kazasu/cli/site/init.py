"""Make a site: its directory, its keys, its certificate authority.

A site whose terminals run already brings their pepper along with --pepper, or every card would be unknown. A site that
has a CA brings its certificate with --ca: then `requests/` holds what that CA is to sign, and each certificate goes to
`clients/` under the same name.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING

from kazasu.cli import EXIT_OK
from kazasu.cli.site import add_passphrase_argument, passphrase_of
from kazasu.errors import KazasuError
from kazasu.site.founding import Founding, expect_free, found
from kazasu.store.keys import load_pepper, read_checked

if TYPE_CHECKING:
    import argparse

    from kazasu.site.directory import Site


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("directory", type=Path, metavar="DIR", help="where; not there yet")
    parser.add_argument("--name", required=True, metavar="SITE", help="short name: 1 to 32 of a-z, 0-9 and -")
    parser.add_argument("--broker", required=True, metavar="HOST", help="the broker's name, as terminals reach it")
    parser.add_argument("--port", type=int, default=8883, help="the broker's; default: %(default)s")
    parser.add_argument("--timezone", default="Asia/Tokyo", metavar="ZONE", help="default: %(default)s")
    parser.add_argument("--pepper", type=Path, metavar="FILE", help="the pepper that the site's terminals have already")
    parser.add_argument("--ca", type=Path, metavar="FILE", help="certificate of a CA that the site has already, PEM")
    add_passphrase_argument(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Make it, and say what to back up."""
    expect_free(arguments.directory)  # before somebody makes a passphrase up
    pepper = None if arguments.pepper is None else load_pepper(arguments.pepper)
    ca = None if arguments.ca is None else _certificate(arguments.ca)
    passphrase = passphrase_of(arguments, "New passphrase of the site, 16 characters or more: ")
    if arguments.passphrase_file is None and passphrase != passphrase_of(arguments, "The same again: "):
        raise KazasuError("those were two passphrases; nothing was made")
    site = found(
        arguments.directory,
        Founding(
            name=arguments.name,
            timezone=arguments.timezone,
            host=arguments.broker,
            port=arguments.port,
            pepper=pepper,
            ca=ca,
        ),
        passphrase,
        dt.datetime.now(dt.UTC),
    )
    _say_next(site)
    return EXIT_OK


def _certificate(path: Path) -> bytes:
    from kazasu.site.pem import certificate_in

    pem = read_checked(path, "CA certificate", secret=False)
    certificate_in(pem, path)
    return pem


def _say_next(site: Site) -> None:
    path = site.path
    print(f"{path} is made: site {site.name}, broker {site.address.host}:{site.address.port}\n")
    print("Back up now, in two places that you lock up, and the passphrase in a third:")
    print(f"  {path}/keys/site.key       signs rosters and commands: without it every terminal has to be set up anew")
    if site.has_authority:
        print(f"  {path}/keys/ca.key         issues certificates: without it no terminal can be added or renewed")
    print(
        f"  {path}/keys/pepper.key     every card's number is under it: without it every card has to be enrolled anew"
    )
    print(f"  {path}/keys/collector.key  signs receipts: without it every terminal needs a new collector.pub")
    print("Put all but keys/ under version control; roster/ names people, so keep that to the site.\n")
    print("Next:")
    if not site.has_authority:
        print(f"  let your CA sign          {path}/requests/*.csr, into {path}/clients/*.pem")
    print(f"  configure the broker      kazasu site broker-config --site {path}")
    print(f"  invite a terminal         kazasu site add-terminal --site {path} entrance-1")

"""Replace the site key, while terminals go on.

The first call makes the next key: the old one vouches for it, and terminals take both (`kazasu renew`, which they run
each day). Once all of them have, --finish lets the new one count alone; the old one's last word names the new one, for
terminals that come back later. A key that somebody stole cannot be replaced so: what it can vouch for, the thief can,
too. Then invite every terminal anew.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from kazasu.cli import EXIT_OK
from kazasu.cli.site import add_passphrase_argument, add_site_argument, passphrase_of, site_of
from kazasu.errors import KazasuError
from kazasu.publishers.wire import Topics
from kazasu.site import succession

if TYPE_CHECKING:
    import argparse

    from kazasu.site.directory import Site


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--finish", action="store_true", help="from now on the new key counts alone")
    add_site_argument(parser)
    add_passphrase_argument(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Begin or finish, and let the broker keep what was said."""
    site = site_of(arguments)
    passphrase, now = passphrase_of(arguments), dt.datetime.now(dt.UTC)
    if arguments.finish:
        keyid = succession.finish(site, passphrase, now)
        print(f"the site key is {keyid}, and no other; back up {site.key_file('site')} anew")
    else:
        keyid = succession.begin(site, passphrase, now)
        print(f"the next site key is {keyid}; back up {site.key_file('site.next')}")
    _publish(site)
    if arguments.finish:
        print("Next: sign the roster anew (`kazasu site publish`)")
    else:
        print("Next: once every terminal has run `kazasu renew`, `kazasu site rotate-key --finish`")
    return EXIT_OK


def _publish(site: Site) -> None:
    from kazasu.publishers.exchange import exchanging
    from kazasu.publishers.visit import unreached

    try:
        with exchanging(site.broker("desk"), "kazasu-site-rotate-key") as exchange:
            for keyid, document in succession.documents(site).items():
                exchange.publish(Topics(site.name, "all").site_key(keyid), document, retain=True)
    except OSError as error:
        why = unreached(site.address.host, site.address.port, error)
        raise KazasuError(f"{why} Nothing is lost: call again once it is there") from error

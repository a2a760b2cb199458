"""Lay another layer over the site's pepper, so that who stole a terminal's disk knows nobody by it any more.

The first call makes the layer and announces it. Each terminal asks for it by itself (`kazasu renew`, which runs each
day), and `kazasu site accept` gives it; a terminal that was revoked gets nothing. Once all have it, --finish converts
the roster's files: people.csv and codes.csv have other pseudonyms then, of the same cards and codes, and nobody needs
to tap or to choose a new PIN. `kazasu site publish` brings that to the terminals. A second call says how far it is; and
if a terminal that has the new layer was revoked meanwhile, it makes another.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from kazasu.cli import EXIT_OK
from kazasu.cli.site import add_passphrase_argument, add_site_argument, passphrase_of, site_of
from kazasu.errors import KazasuError
from kazasu.publishers.wire import Topics
from kazasu.site import pepper_rotation

if TYPE_CHECKING:
    import argparse

    from kazasu.site.directory import Site


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--finish", action="store_true", help="lay it over the roster's files")
    add_site_argument(parser)
    add_passphrase_argument(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Begin and announce, or finish."""
    site = site_of(arguments)
    if arguments.finish:
        layer = pepper_rotation.finish(site)
        print(f"the roster's files are under the layer {layer} of the pepper")
        print("Next: kazasu site publish; events from before have other pseudonyms of the same cards")
        return EXIT_OK
    signer = site.unlock(passphrase_of(arguments))
    before = site.pepper().newest
    layer = pepper_rotation.begin(site)
    again = layer == before
    print(f"the next layer of the pepper is {layer}" + (", under way already" if again else ""))
    if not again:
        print(f"Back up {site.key_file('pepper')} anew, now: a roster under this layer is worth nothing without it")
    _announce(site, pepper_rotation.announced(site, signer, dt.datetime.now(dt.UTC)).body)
    waiting = pepper_rotation.lacking(site)
    print(f"without it yet: {', '.join(waiting)}" if waiting else "every terminal has it")
    if waiting:
        print(
            "Next: answer them with `kazasu site accept --stay`: each asks within a day, or at once by `kazasu renew`"
        )
    print("Then: kazasu site rotate-pepper --finish")
    return EXIT_OK


def _announce(site: Site, document: bytes) -> None:
    from kazasu.publishers.exchange import exchanging
    from kazasu.publishers.visit import unreached

    try:
        with exchanging(site.broker("desk"), "kazasu-site-rotate-pepper") as exchange:
            exchange.publish(Topics(site.name, "all").pepper, document, retain=True)
    except OSError as error:
        why = unreached(site.address.host, site.address.port, error)
        raise KazasuError(f"{why} Nothing is lost: call again once it is there") from error

"""Let a card be worth nothing at every terminal that is connected, within a second; the others hear of it first of all.

The rest of the roster stays as it is. The card's line in roster/people.csv is to be taken out as well: until then
`kazasu site publish` keeps it revoked, and says so.
"""

from __future__ import annotations

import argparse
import re
from datetime import UTC, datetime

from kazasu.cli import EXIT_OK
from kazasu.cli.site import add_passphrase_argument, add_site_argument, passphrase_of, site_of
from kazasu.cli.site.roster_desk import desk_of, post_of
from kazasu.errors import RosterError


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("credential", nargs="?", type=_pseudonym, help="its pseudonym, as the events show it")
    which.add_argument("--cardholder", metavar="NUMBER", help="all cards of this person, and the code")
    add_site_argument(parser)
    add_passphrase_argument(parser)


def _pseudonym(text: str) -> str:
    if not re.fullmatch("[0-9a-f]{32}", text):
        raise argparse.ArgumentTypeError(f"{text!r} is no credential: 32 of 0-9 and a-f, as the events show it")
    return text


def execute(arguments: argparse.Namespace) -> int:
    """Sign and publish the revocation."""
    site = site_of(arguments)
    signer = site.unlock(passphrase_of(arguments))
    with site.locked():
        desk = desk_of(site)  # only now: what was published while somebody typed counts, too
        cards = [arguments.credential] if arguments.credential else desk.text.credentials_of(arguments.cardholder)
        if not cards:
            raise RosterError(f"{arguments.cardholder} has no card and no code in the roster that was published last")
        holders = {card: desk.text.holder_of(card) for card in cards}
        with post_of(site) as post:
            published = desk.revoke(cards, signer, datetime.now(UTC), post)
    for card, holder in holders.items():
        print(f"card {card} is revoked" + (f", {holder}'s" if holder else ""))
        if not holder:
            print("nobody has it in the roster that was published last: is its number right?")
    print(f"version {published.version} is at the broker; now take the card's line out of roster/people.csv")
    return EXIT_OK

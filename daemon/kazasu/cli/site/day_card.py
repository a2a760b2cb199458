"""Day cards for a whole site: cards of a pool, lent at the desk to people who have none or forgot theirs.

Which numbers in people.csv are such cards, [day_cards] in site.toml says. `issue` lends one until midnight, or until
--until: whoever taps it at a terminal of the site is that person, with what such a card proves. `return` takes it back.
Both are published at once, and nothing else of roster/ is. `list` says which cards are lent, and to whom.

roster/day_cards.csv holds them, for version control; who writes it by hand publishes it with `kazasu site publish`.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from kazasu.cli import EXIT_OK
from kazasu.cli.site import add_passphrase_argument, add_site_argument, passphrase_of, site_of
from kazasu.cli.site.roster_desk import desk_of, post_of
from kazasu.errors import RosterError
from kazasu.model.day_card import Loan, midnight_after
from kazasu.site.day_card_desk import DayCardDesk

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Mapping

    from kazasu.site.roster import RosterDesk


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    actions = parser.add_subparsers(dest="what", required=True, metavar="ACTION")
    issue = actions.add_parser("issue", help="lend a card to a person")
    issue.add_argument("card", metavar="CARD", help="its number in people.csv, which is printed on it")
    issue.add_argument("cardholder", metavar="NUMBER", help="the person's number in people.csv")
    issue.add_argument(
        "--until", metavar="TIME", help="2026-11-30, which counts to its end, or 2026-11-30T18:00; default: midnight"
    )
    give_back = actions.add_parser("return", help="take a card back")
    give_back.add_argument("card", metavar="CARD", help="its number in people.csv")
    listing = actions.add_parser("list", help="say which are lent, to whom, and until when")
    for action in (issue, give_back, listing):
        add_site_argument(action)
    for action in (issue, give_back):
        add_passphrase_argument(action)


def execute(arguments: argparse.Namespace) -> int:
    """Write it into roster/day_cards.csv, sign and publish it; or say what stands there."""
    site = site_of(arguments)
    # First, since a wrong one changes nothing, and a stolen card must not wait for somebody's passphrase.
    signer = None if arguments.what == "list" else site.unlock(passphrase_of(arguments))
    now = datetime.now(UTC)
    with site.locked():
        desk = desk_of(site)
        day_cards = DayCardDesk(desk)
        if signer is None:
            print(*_listed(desk.book.lent(now), day_cards.at_terminals(), now), sep="\n")
            return EXIT_OK
        if arguments.what == "issue":
            until = midnight_after(now.astimezone(site.zone)) if arguments.until is None else _until(desk, arguments)
            day_cards.lend(arguments.card, Loan(arguments.cardholder, until), now)
            said = f"{arguments.card} is {arguments.cardholder}'s until {until:%Y-%m-%d %H:%M}"
        else:
            day_cards.take_back(arguments.card, now)
            said = f"{arguments.card} is back"
        with day_cards.drafted(now) as draft:
            print(*draft.not_lent, sep="\n", end="\n" if draft.not_lent else "")
            published = desk.publish(draft, signer, now, partial(post_of, site))
    print(f"{said}; version {published.version} is at the broker")
    return EXIT_OK


def _until(desk: RosterDesk, arguments: argparse.Namespace) -> datetime:
    try:
        return desk.book.until(arguments.until)
    except ValueError as error:
        raise RosterError(f"--until: {error}; nothing was changed") from error


def _listed(lent: Mapping[str, Loan], told: Mapping[str, Loan | None], now: datetime) -> Iterator[str]:
    """What stands in the book, and where the terminals were told otherwise."""
    for card, loan in sorted(lent.items()):
        news = "" if told.get(card) == loan else "; the terminals hear of it with `kazasu site publish`"
        yield f"{card}: {loan.cardholder} until {loan.until:%Y-%m-%d %H:%M}{news}"
    for card, before in sorted(told.items()):
        if before is not None and before.until > now and card not in lent:
            yield f"{card}: taken back; the terminals hear of it with `kazasu site publish`"
    if not lent:
        yield "none is lent"

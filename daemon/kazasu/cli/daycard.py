"""Day cards: cards of a pool at the desk, for people who have none or forgot theirs.

A card of the pool stands in the roster under a number of its own, such as day-07, which [day_cards] in the
configuration names. `issue` lends one to a person until midnight: whoever taps it is that person, with what such a card
proves. `return` takes it back; one that was kept is nobody's from midnight on. `list` says which are out.

No other terminal hears of it. Cards that the site's roster names are lent at the desk, for all terminals:
`kazasu site day-card`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kazasu.cli import EXIT_OK, add_config_argument
from kazasu.cli.operator import calling, operator
from kazasu.config import load
from kazasu.model.order import DayCardsOut, IssueDayCard, Order, ReturnDayCard

if TYPE_CHECKING:
    import argparse


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    issue = actions.add_parser("issue", help="lend a card to a person until midnight")
    issue.add_argument("card", metavar="CARD", help="its number in the roster, which is printed on it")
    issue.add_argument("cardholder", metavar="NUMBER", help="the person's number in the roster")
    give_back = actions.add_parser("return", help="take a card back")
    give_back.add_argument("card", metavar="CARD", help="its number in the roster")
    listing = actions.add_parser("list", help="say which are out, and whose they are")
    for action in (issue, give_back, listing):
        add_config_argument(action)


def execute(arguments: argparse.Namespace) -> int:
    """Order it, and say what is so now."""
    order: Order
    match arguments.action:
        case "issue":
            order = IssueDayCard(by=operator(), day_card=arguments.card, cardholder=arguments.cardholder)
        case "return":
            order = ReturnDayCard(by=operator(), day_card=arguments.card)
        case _:
            order = DayCardsOut(by=operator())
    with calling(load(arguments.config)) as terminal:
        print(terminal.order(order))
    return EXIT_OK

"""Let a colleague's tap stand for a person who has no card.

Call this, then the colleague taps: what comes of the tap is the person's (their punch, their doors), with the assurance
`vouched` and both numbers in the event. Who may vouch, and for how long the tap is waited for: [vouching].
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kazasu.cli import EXIT_OK, add_config_argument
from kazasu.cli.operator import calling, operator
from kazasu.config import load
from kazasu.model.order import Vouch

if TYPE_CHECKING:
    import argparse


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("cardholder", metavar="NUMBER", help="the person's number in the roster")
    parser.add_argument("--reader", metavar="NAME", help="where the colleague taps; default: the only reader")
    add_config_argument(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Order it, and say what is so now."""
    with calling(load(arguments.config)) as terminal:
        print(terminal.order(Vouch(by=operator(), cardholder=arguments.cardholder, reader=arguments.reader)))
    return EXIT_OK

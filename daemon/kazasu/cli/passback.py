"""Where people are, as anti-passback knows it.

`reset` forgets where one person is, or everybody, so that the next tap counts as a first one: after an evacuation, or
for somebody who went out behind a colleague. It is recorded with who ordered it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kazasu.cli import EXIT_OK, add_config_argument
from kazasu.cli.operator import calling, operator
from kazasu.config import load
from kazasu.model.order import ResetPassback

if TYPE_CHECKING:
    import argparse


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    reset = actions.add_parser("reset", help="forget where somebody is")
    who = reset.add_mutually_exclusive_group(required=True)
    who.add_argument("cardholder", nargs="?", metavar="NUMBER", help="the person's number in the roster")
    who.add_argument("--all", action="store_true", help="everybody")
    add_config_argument(reset)


def execute(arguments: argparse.Namespace) -> int:
    """Order it, and say what is so now."""
    order = ResetPassback(by=operator(), cardholder=None if arguments.all else arguments.cardholder)
    with calling(load(arguments.config)) as terminal:
        print(terminal.order(order))
    return EXIT_OK

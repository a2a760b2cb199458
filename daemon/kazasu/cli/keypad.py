"""The keypad of the running terminal, where there is none: [codes], [outputs] driver = "terminal" and no [keypad].

`press` presses keys by the labels of a matrix keypad: `kazasu keypad press 482913#5170#` enters a code and its PIN.
Only for trying out: what stands on a command line, others can read.
"""

from __future__ import annotations

import argparse

from kazasu.cli import EXIT_OK, add_config_argument
from kazasu.cli.operator import calling, operator
from kazasu.config import load
from kazasu.model.key import BY_LABEL
from kazasu.model.order import MOST_KEYS, PressKeys

_LABELS = "digits, # for Enter, * to take a digit back, C to give up"


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    press = actions.add_parser("press", help="press keys")
    press.add_argument("keys", type=_keys, metavar="KEYS", help=_LABELS)
    add_config_argument(press)


def execute(arguments: argparse.Namespace) -> int:
    """Order it, and say what is so now."""
    with calling(load(arguments.config)) as terminal:
        print(terminal.order(PressKeys(by=operator(), keys=arguments.keys)))
    return EXIT_OK


def _keys(text: str) -> str:
    if not 0 < len(text) <= MOST_KEYS or not BY_LABEL.keys() >= set(text):
        raise argparse.ArgumentTypeError(f"1 to {MOST_KEYS} keys: {_LABELS}")
    return text

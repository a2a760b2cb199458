"""Check everything that a terminal needs; each line says ok, note or problem, and what to do.

Changes nothing, and may be run beside the daemon. With `--tap` it asks for a card as well.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from kazasu.cli import EXIT_OK, EXIT_PROBLEM, add_config_argument
from kazasu.cli.checks import Grade, check_all
from kazasu.cli.identify import add_tap_arguments, wait_for_tap
from kazasu.config import load
from kazasu.errors import KazasuError

if TYPE_CHECKING:
    import argparse

_COLOURS = {Grade.OK: "32", Grade.NOTE: "33", Grade.PROBLEM: "31"}


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--tap", action="store_true", help="ask for a card, too")
    add_tap_arguments(parser)
    add_config_argument(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Check, and answer with 1 if there is a problem."""
    config = load(arguments.config)
    coloured = os.isatty(1) and not os.environ.get("NO_COLOR")
    problems = 0
    for finding in check_all(config):
        problems += finding.grade is Grade.PROBLEM
        word = f"{finding.grade.value:<8}"
        print(
            f"\x1b[{_COLOURS[finding.grade]}m{word}\x1b[0m" if coloured else word,
            f"{finding.subject:<14}",
            finding.found,
        )
        if finding.todo:
            print(" " * 24 + "→ " + finding.todo)
    if arguments.tap:
        try:
            read = wait_for_tap(config, arguments)
            print(f"card: {read.refusal or read.identifier}")
        except KazasuError as error:
            problems += 1
            print(f"card: {error}")
    print("no problem found" if not problems else f"{problems} problem{'s' if problems > 1 else ''} found")
    return EXIT_PROBLEM if problems else EXIT_OK

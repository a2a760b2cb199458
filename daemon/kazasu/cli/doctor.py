"""Check everything that a terminal needs; each line says ok, note or problem, and what to do.

Changes nothing, and may be run beside the daemon. With `--tap` it asks for a card as well.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from kazasu.cli import EXIT_OK, EXIT_PROBLEM, add_config_argument
from kazasu.cli.checks import check_all
from kazasu.cli.finding import Finding, Grade, tell
from kazasu.cli.identify import add_tap_arguments, wait_for_tap
from kazasu.config import load
from kazasu.errors import KazasuError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from kazasu.model.configuration import Config


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--tap", action="store_true", help="ask for a card, too")
    add_tap_arguments(parser)
    add_config_argument(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Check, and answer with 1 if there is a problem."""
    config = load(arguments.config)
    findings = itertools.chain(check_all(config), _card(config, arguments) if arguments.tap else ())
    return EXIT_PROBLEM if tell(findings) else EXIT_OK


def _card(config: Config, arguments: argparse.Namespace) -> Iterator[Finding]:
    try:
        read = wait_for_tap(config, arguments).read
    except KazasuError as error:
        yield Finding(Grade.PROBLEM, "card", str(error))
        return
    if read.identifier is None:
        yield Finding(Grade.PROBLEM, "card", f"not accepted: {read.refusal}: {read.detail}")
    else:
        yield Finding(Grade.OK, "card", f"{read.identifier.kind}, {read.identifier.assurance.word}")

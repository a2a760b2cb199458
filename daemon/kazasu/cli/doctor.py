"""Check everything that a terminal needs; each line says ok, note or problem, and what to do.

Changes nothing, and may be run beside the daemon. With `--tap` it asks for a card as well.
"""

from __future__ import annotations

import itertools
import os
import sys
from typing import TYPE_CHECKING

from kazasu.cli import EXIT_OK, EXIT_PROBLEM, add_config_argument
from kazasu.cli.checks import check_all
from kazasu.cli.finding import Finding, Grade
from kazasu.cli.identify import add_tap_arguments, wait_for_tap
from kazasu.config import load
from kazasu.errors import KazasuError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from kazasu.model.configuration import Config

_COLOURS = {Grade.OK: "32", Grade.NOTE: "33", Grade.PROBLEM: "31"}
_SUBJECT_WIDTH = 14
_INDENT = 8 + 1 + _SUBJECT_WIDTH + 1


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--tap", action="store_true", help="ask for a card, too")
    add_tap_arguments(parser)
    add_config_argument(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Check, and answer with 1 if there is a problem."""
    config = load(arguments.config)
    coloured = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    problems = 0
    for finding in itertools.chain(check_all(config), _card(config, arguments) if arguments.tap else ()):
        problems += finding.grade is Grade.PROBLEM
        for line in _lines(finding, coloured=coloured):
            print(line, flush=True)  # the broker may take seconds: what is known is shown
    print("no problem found" if not problems else f"{problems} problem{'s' if problems > 1 else ''} found")
    return EXIT_PROBLEM if problems else EXIT_OK


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


def _lines(finding: Finding, *, coloured: bool) -> Iterator[str]:
    word = f"{finding.grade.value:<8}"
    if coloured:
        word = f"\x1b[{_COLOURS[finding.grade]}m{word}\x1b[0m"
    first, *others = finding.found.splitlines()
    yield f"{word} {finding.subject:<{_SUBJECT_WIDTH}} {first}"
    for line in others:
        yield " " * _INDENT + line
    if finding.todo:
        yield " " * _INDENT + "→ " + finding.todo

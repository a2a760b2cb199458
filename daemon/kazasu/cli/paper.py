"""Record the punches of a paper list, as it was kept while the terminal or a card could not be used.

`import` takes a CSV file with the columns cardholder, direction (in, out) and time (2026-11-24 08:31, by the clock on
the wall). Every bad line is reported with its number, and one is enough to record nothing. Each punch becomes an event
with the assurance `paper`: when it is recorded is its time, when it was made its `punched_at`. A line that was recorded
before is not recorded again.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from kazasu.cli import EXIT_OK, add_config_argument
from kazasu.cli.operator import calling, operator
from kazasu.config import load
from kazasu.model.order import EnterPaper
from kazasu.runtime.clock import SystemClock
from kazasu.store.backlog import Backlog
from kazasu.store.paper_list import read_list, recorded_lines

if TYPE_CHECKING:
    import argparse


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    importing = actions.add_parser("import", help="record the punches of a CSV file")
    importing.add_argument("csv", type=Path, metavar="FILE", help="UTF-8, with the header cardholder,direction,time")
    add_config_argument(importing)


def execute(arguments: argparse.Namespace) -> int:
    """Record what is new."""
    config = load(arguments.config)
    terminal = config.terminal
    lines = read_list(arguments.csv, SystemClock(terminal.timezone).now().at, terminal.roster_path)
    with calling(config) as daemon:
        known = recorded_lines(Backlog(terminal.journal_path))
        new = [line for line in lines if line.id not in known]
        for line in new:
            daemon.order(
                EnterPaper(
                    by=operator(),
                    cardholder=line.cardholder,
                    direction=line.direction,
                    punched_at=line.punched_at,
                    line=line.id,
                )
            )
    before = len(lines) - len(new)
    print(f"{len(new)} punches recorded{f'; {before} were recorded before' if before else ''}")
    return EXIT_OK

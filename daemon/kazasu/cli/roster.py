"""Who is known here.

`import` takes a whole roster from a CSV file (see config/roster.example.csv): every bad line is reported with its
number, and one is enough to change nothing. The column `levels` may be missing; it names each person's access levels,
a space between two. People who stay keep their codes (`kazasu code`), whoever is gone loses theirs. `remove` ends one
credential, and with the last one its person, unless they have a code.
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from kazasu.cli import EXIT_OK, add_config_argument
from kazasu.cli.progress import ProgressLine
from kazasu.config import load


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    importing = actions.add_parser("import", help="replace the roster by a CSV file")
    importing.add_argument("csv", type=Path, metavar="FILE", help="UTF-8, with the header of roster.example.csv")
    add_config_argument(importing)
    removing = actions.add_parser("remove", help="end one credential")
    removing.add_argument(
        "credential", type=_pseudonym, help="its pseudonym, as `kazasu identify` and the events show it"
    )
    add_config_argument(removing)


def _pseudonym(text: str) -> str:
    if not re.fullmatch("[0-9a-f]{32}", text):
        raise argparse.ArgumentTypeError(f"{text!r} is no credential: 32 of 0-9 and a-f, as `kazasu identify` shows it")
    return text


def execute(arguments: argparse.Namespace) -> int:
    """Change the roster; the running daemon sees it at the next tap."""
    config = load(arguments.config)
    path = config.terminal.roster_path
    if arguments.action == "remove":
        from kazasu.store.roster_file import remove

        print(f"removed; roster version {remove(path, arguments.credential)}")
        return EXIT_OK
    from kazasu.model.moment import TimeSource
    from kazasu.runtime.clock import SystemClock
    from kazasu.store.keys import load_pepper
    from kazasu.store.roster_import import import_csv

    progress = ProgressLine("reading line")
    try:
        zone = config.terminal.timezone
        now = SystemClock(zone).now()
        made_s = None if now.source is TimeSource.NONE else int(now.at.timestamp())
        layer = load_pepper(config.keys.pepper).newest if config.keys.pepper.exists() else None
        summary = import_csv(arguments.csv, path, zone, progress.show, made_s=made_s, layer=layer)
    finally:
        progress.clear()
    print(f"{summary.cardholders} people with {summary.credentials} credentials; roster version {summary.version}")
    if summary.codes or summary.codes_dropped:
        print(f"codes: {summary.codes} kept, {summary.codes_dropped} gone with their people")
    return EXIT_OK

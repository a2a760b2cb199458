"""Run the collector beside the broker: it checks each event, keeps it once, vouches for it, asks for what is missing.

Without an ACTION it runs until SIGTERM: what systemd starts. `check` looks at everything it needs and says what to do;
`alerts` lists what stands open; `settle` ends an alert that a person has seen to; `give-up` goes on behind a gap that
nothing will ever fill, because the events before the collector's time were pruned or a terminal's disk is lost;
`move` brings a store that has outgrown SQLite to PostgreSQL.
"""

from __future__ import annotations

import argparse
import os
import time
from contextlib import ExitStack, closing
from pathlib import Path

from kazasu.app.collector import assemble_collector, open_store
from kazasu.cli import EXIT_OK, EXIT_PROBLEM
from kazasu.cli.finding import tell
from kazasu.cli.operator import operator
from kazasu.cli.running import keep_running
from kazasu.collector.configuration import CollectorConfig
from kazasu.collector.records import Kind
from kazasu.config import load_table
from kazasu.errors import StoreError
from kazasu.runtime import logs

DEFAULT_CONFIG = "/etc/kazasu-collector/collector.toml"
_SETTLED = tuple(kind.value for kind in Kind if kind is not Kind.GAP)


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_config_argument(parser)
    actions = parser.add_subparsers(dest="action", metavar="ACTION")
    checking = actions.add_parser("check", help="keys, terminals, store and broker: is everything there?")
    listing = actions.add_parser("alerts", help="what stands open")
    settling = actions.add_parser("settle", help="end an alert that was seen to")
    settling.add_argument("terminal")
    settling.add_argument("alert", type=_settled, help=f"of {', '.join(_SETTLED)}")
    giving_up = actions.add_parser("give-up", help="go on behind a gap that nothing will ever fill")
    giving_up.add_argument("terminal")
    moving = actions.add_parser("move", help="bring the store from its SQLite file to PostgreSQL; stop it first")
    moving.add_argument("conninfo", help='where to, such as "dbname=kazasu"; see [store] postgresql')
    for action in (checking, listing, settling, giving_up, moving):
        add_config_argument(action, default=argparse.SUPPRESS)  # it may stand in front of the action, too


def execute(arguments: argparse.Namespace) -> int:
    """Run, or do one action."""
    config = load_config(arguments.config)
    match arguments.action:
        case None:
            return _run(config)
        case "check":
            from kazasu.cli.collect_check import check_all

            return EXIT_PROBLEM if tell(check_all(config)) else EXIT_OK
        case "alerts":
            return _list_alerts(config)
        case "settle":
            return _settle(config, arguments.terminal, arguments.alert)
        case "move":
            from kazasu.cli.collect_move import move_store

            return move_store(config.store, arguments.conninfo)
        case _:
            return _give_up(config, arguments.terminal)


def _settled(text: str) -> str:
    """Read an argument.

    Raises:
        argparse.ArgumentTypeError: it is no alert that a person ends.
    """
    if text == Kind.GAP.value:
        raise argparse.ArgumentTypeError(
            "a gap ends once it is filled; `give-up` goes on behind one that never will be"
        )
    if text not in _SETTLED:
        raise argparse.ArgumentTypeError(f"{text!r} is none of {', '.join(_SETTLED)}")
    return text


def add_config_argument(parser: argparse.ArgumentParser, default: str | None = None) -> None:
    """Declare `--config`, the same for every command that needs the collector's configuration."""
    parser.add_argument(
        "--config",
        type=Path,
        default=default or Path(os.environ.get("KAZASU_COLLECTOR_CONFIG", DEFAULT_CONFIG)),
        metavar="FILE",
        help=f"the collector's configuration; default: $KAZASU_COLLECTOR_CONFIG, else {DEFAULT_CONFIG}",
    )


def load_config(path: Path) -> CollectorConfig:
    """Read the collector's configuration.

    Raises:
        ConfigurationError: everything that is wrong with it, a line each.
    """
    return load_table(path, CollectorConfig, lambda _: ())


def _run(config: CollectorConfig) -> int:
    logs.set_up(config.log.level, os.environ)
    with ExitStack() as stack:
        app = assemble_collector(config, stack)
        return keep_running([("collector", app.loop), *app.others], app.clock, app.status)


def _list_alerts(config: CollectorConfig) -> int:
    with closing(open_store(config.store)) as store:
        alerts = store.alerts()
    for alert in alerts:
        print(f"{alert.raised}  {alert.terminal:<16}  {alert.kind.value:<11}  {alert.count:>5}  {alert.detail}")
    if not alerts:
        print("nothing stands open")
    return EXIT_OK


def _settle(config: CollectorConfig, terminal: str, kind: str) -> int:
    with closing(open_store(config.store)) as store:
        count = store.settle(terminal, kind, operator(), int(time.time()))
    if not count:
        raise StoreError(f"no alert {kind} of {terminal} stands open: `kazasu collect alerts` lists what does")
    print(f"{terminal}: {kind} settled")
    return EXIT_OK


def _give_up(config: CollectorConfig, terminal: str) -> int:
    with closing(open_store(config.store)) as store:
        chains = [chain for chain in store.chains() if chain.terminal == terminal]
        chain = next((chain for chain in reversed(chains) if chain.top > chain.seq), None)
        if chain is None:
            raise StoreError(f"{terminal} has no gap: `kazasu collect alerts` lists what stands open")
        first, last = store.accept_gap(chain, int(time.time()), operator())
    print(f"{terminal}: events {first} to {last} of epoch {chain.epoch} are given up; receipts go on behind them")
    return EXIT_OK

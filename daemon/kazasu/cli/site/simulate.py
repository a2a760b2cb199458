"""Simulate a fleet of terminals from one machine: real TLS, signatures, chains and receipts; nobody taps.

For load figures, and to see what broker, collector and dashboards make of an outage. It fills the site's collector with
made-up events, so it runs only at a site that was made for it, whose name and terminals begin with `sim-`, and talks to
no broker but that site's. `--new DIR` makes one; then `kazasu site broker-config --site DIR` for its broker.

Exit code 0: the collector vouched for every event, or the broker took every event over where there is no collector.
"""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from kazasu.cli import EXIT_OK, EXIT_PROBLEM
from kazasu.cli.site import add_site_argument, site_of
from kazasu.errors import KazasuError
from kazasu.model.setting import parse_duration

if TYPE_CHECKING:
    from kazasu.site.directory import Site

_TERMINALS = 1000


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    making = parser.add_argument_group("to make a site for it")
    making.add_argument("--new", type=Path, metavar="DIR", help="make a site to simulate at, and end; not there yet")
    making.add_argument("--broker", metavar="HOST", help="the new site's broker")
    making.add_argument("--port", type=int, default=8883, help="the broker's; default: %(default)s")
    making.add_argument("--timezone", default="Asia/Tokyo", metavar="ZONE", help="default: %(default)s")
    parser.add_argument(
        "--terminals",
        type=_positive,
        metavar="N",
        help=f"how many; default: all that the site has, and {_TERMINALS} for a new one",
    )
    parser.add_argument(
        "--taps-per-minute", type=float, default=2.0, metavar="N", help="at each terminal; default: %(default)g"
    )
    parser.add_argument("--minutes", type=float, default=1.0, metavar="N", help="how long; default: %(default)g")
    parser.add_argument(
        "--outages", type=float, default=0.0, metavar="PERCENT", help="of the terminals, away at any time; default: 0"
    )
    parser.add_argument(
        "--outage", type=_duration_s, default=30.0, metavar="DURATION", help="how long each is away; default: 30s"
    )
    parser.add_argument("--seed", type=int, default=1, help="decides who taps and is away when; default: %(default)s")
    add_site_argument(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Make a site, or simulate at one."""
    if arguments.new is not None:
        return _make(arguments)
    if arguments.taps_per_minute <= 0 or arguments.minutes <= 0 or not 0 <= arguments.outages <= 100:  # noqa: PLR2004
        raise KazasuError("--taps-per-minute and --minutes are above 0, and --outages is from 0 to 100")
    return _simulate(arguments, site_of(arguments))


def _make(arguments: argparse.Namespace) -> int:
    from kazasu.cli.progress import ProgressLine
    from kazasu.site.founding import Founding
    from kazasu.site.simulate_site import make

    if arguments.broker is None:
        raise KazasuError("--new needs the broker of that site: --broker HOST")
    founding = Founding(
        name=arguments.new.absolute().name, timezone=arguments.timezone, host=arguments.broker, port=arguments.port
    )
    progress = ProgressLine("making terminal")
    count = arguments.terminals or _TERMINALS
    site = make(arguments.new, founding, count, lambda done: progress.show(done, count))
    progress.clear()
    print(f"{site.path} is made: site {site.name} with {count} terminals; nobody knows its passphrase\n")
    print("Next:")
    print(f"  configure its broker    kazasu site broker-config --site {site.path}")
    print(f"  simulate                kazasu site simulate --site {site.path}")
    return EXIT_OK


def _simulate(arguments: argparse.Namespace, site: Site) -> int:
    from kazasu.runtime.clock import SystemClock
    from kazasu.site.simulate import Fleet, Plan
    from kazasu.site.simulate_site import identities
    from kazasu.store.keys import load_verifier

    # What a thousand terminals would log each nobody reads; what is wrong stands in the lines and in the outcome.
    logging.getLogger("kazasu").addHandler(logging.NullHandler())
    who = identities(site, arguments.terminals)
    print(
        f"{len(who)} terminals of {site.name} tap at {site.address.host}:{site.address.port}:"
        " its collector is filled with made-up events",
        file=sys.stderr,
    )
    fleet = Fleet(
        site.name,
        who,
        load_verifier(site.file("collector.pub")),
        clock=SystemClock(site.zone),
        plan=Plan(
            minutes=arguments.minutes,
            taps_per_minute=arguments.taps_per_minute,
            away_share=arguments.outages / 100,
            away_s=arguments.outage,
            seed=arguments.seed,
        ),
        show=lambda line: print(line, flush=True),
    )
    outcome = fleet.run()
    print(f"\n{fleet.figures.summary()}\n{outcome.words}")
    return EXIT_OK if outcome.well else EXIT_PROBLEM


def _positive(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and int(text)):
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1 on")
    return int(text)


def _duration_s(text: str) -> float:
    try:
        return parse_duration(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error

"""What the collector's store says, for payroll and for an auditor.

`attendance` writes CSV: a line for each person and working day, or for each punch, in a layout of your own. `proof`
writes a terminal's raw events with the collector's receipt, which docs/verify.py checks with the two public keys and
nothing of Kazasu.
"""

from __future__ import annotations

import sys
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from kazasu.app.collector import open_store
from kazasu.cli import EXIT_OK, whole_number
from kazasu.cli.collect import add_config_argument, load_config
from kazasu.errors import StoreError

if TYPE_CHECKING:
    import argparse

    from kazasu.collector.ports import EventStore


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    attendance = actions.add_parser("attendance", help="who came and went when, as CSV")
    attendance.add_argument("--from", dest="first", type=_day, required=True, metavar="DAY")
    attendance.add_argument("--to", dest="last", type=_day, required=True, metavar="DAY")
    attendance.add_argument("--layout", type=Path, metavar="FILE", help="columns and format, TOML")
    proof = actions.add_parser("proof", help="raw events and the receipt over them, for an auditor")
    proof.add_argument("--terminal", required=True)
    proof.add_argument("--epoch", help="which journal; default: the one that was last heard of")
    proof.add_argument("--from", dest="first", type=whole_number, required=True, metavar="SEQ")
    proof.add_argument("--to", dest="last", type=whole_number, required=True, metavar="SEQ")
    for action in (attendance, proof):
        action.add_argument("--output", type=Path, metavar="FILE", help="default: standard output")
        add_config_argument(action)


def execute(arguments: argparse.Namespace) -> int:
    """Write the report."""
    config = load_config(arguments.config)
    with closing(open_store(config.store)) as store:
        if arguments.action == "attendance":
            content = _attendance(store, arguments.first, arguments.last, arguments.layout)
        else:
            content = _proof(store, arguments.terminal, arguments.epoch, arguments.first, arguments.last)
    if arguments.output is None:
        sys.stdout.flush()
        sys.stdout.buffer.write(content)
    else:
        try:
            arguments.output.touch(0o600)  # it says who was where
            arguments.output.write_bytes(content)
        except OSError as error:
            raise StoreError(
                f"{arguments.output} cannot be written: {error.strerror}; what is in it does not count"
            ) from error
    return EXIT_OK


def _day(text: str) -> date:
    """Read an argument.

    Raises:
        ArgumentTypeError: it is no date.
    """
    import argparse

    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no day, such as 2026-04-01") from error


def _attendance(store: EventStore, first: date, last: date, layout_file: Path | None) -> bytes:
    import io

    from kazasu.collector.attendance import days, punches
    from kazasu.collector.layout import Layout, problems_of, write
    from kazasu.config import load_table

    layout = Layout() if layout_file is None else load_table(layout_file, Layout, problems_of)
    if last < first:
        raise StoreError(f"from {first} to {last} is no range")
    recorded = punches(store, first, last, layout.late_after)
    rows = days(recorded) if layout.rows == "days" else recorded
    stream = io.StringIO(newline="")
    write(layout, (row.cells() for row in rows), stream)
    return stream.getvalue().encode(layout.encoding, errors="replace")


def _proof(store: EventStore, terminal: str, epoch: str | None, first: int, last: int) -> bytes:
    chains = [chain for chain in store.chains() if chain.terminal == terminal and epoch in {None, chain.epoch}]
    if not chains:
        raise StoreError(f"nothing is kept of {terminal}" + (f" in epoch {epoch}" if epoch else ""))
    chain = max(chains, key=lambda chain: (chain.arrived_s, chain.number))
    if not 1 <= first <= last:
        raise StoreError(f"from {first} to {last} is no range")
    receipt = store.receipt_from(terminal, chain.epoch, last)
    if receipt is None:
        raise StoreError(
            f"no receipt vouches for event {last} of {terminal} yet: epoch {chain.epoch} is whole up to {chain.seq}"
        )
    # Up to the receipt's own event: its hash is that event's, and the chain leads back from there.
    events = [event.body for event in store.events(terminal, chain.epoch, first, receipt.seq)]
    if len(events) != receipt.seq - first + 1:
        raise StoreError(f"events of {terminal} from {first} on were given up, and cannot be proved: begin behind them")
    return b"".join(line + b"\n" for line in (*events, receipt.body))

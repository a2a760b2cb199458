"""What was recorded.

`list` shows the newest events, `verify` checks every signature and the whole chain, `export` writes events for other
programs: as JSON lines, which docs/verify.py checks, or as CSV for a spreadsheet.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import msgspec

from kazasu.cli import EXIT_OK, add_config_argument, whole_number
from kazasu.cli.progress import ProgressLine
from kazasu.config import credential, load
from kazasu.errors import JournalError
from kazasu.store.backlog import Backlog

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from kazasu.model.access import EventFields
    from kazasu.model.configuration import Config

_BATCH = 500
_COLUMNS = ("seq", "time", "event_type", "decision", "reason", "cardholder", "card", "assurance", "reader")
_FIELDS = msgspec.json.Decoder(dict[str, int | str])


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    listing = actions.add_parser("list", help="show the newest events")
    listing.add_argument("--last", type=whole_number, default=20, metavar="N", help="how many; default: %(default)s")
    verifying = actions.add_parser("verify", help="check every signature and the whole chain")
    verifying.add_argument("--key", type=Path, metavar="FILE", help="public key, PEM; default: this terminal's own")
    exporting = actions.add_parser("export", help="write events for other programs")
    exporting.add_argument("--after", type=whole_number, default=0, metavar="SEQ", help="only events after this one")
    exporting.add_argument("--format", choices=["jsonl", "csv"], default="jsonl", help="default: %(default)s")
    for action in (listing, verifying, exporting):
        add_config_argument(action)


def execute(arguments: argparse.Namespace) -> int:
    """Read the journal; the daemon may go on writing it."""
    config = load(arguments.config)
    path = config.terminal.journal_path
    if not path.exists():
        raise JournalError(f"there is no journal {path} yet; the terminal makes it when it first starts")
    if arguments.action == "verify":
        return _verify(path, arguments.key, config)
    backlog = Backlog(path)
    backlog.expect_readable()
    if arguments.action == "list":
        last_seq = backlog.last_seq()
        rows: list[tuple[str, ...]] = [_COLUMNS]
        for _, fields in _events(backlog, max(0, last_seq - arguments.last), last_seq):
            rows.append(tuple(str(fields.get(name, "-")) for name in _COLUMNS))
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        for row in rows:
            print("  ".join(f"{word:<{width}}" for word, width in zip(row, widths, strict=True)).rstrip())
    elif arguments.format == "csv":
        _export_csv(backlog, arguments.after, sys.stdout)
    else:
        for body, _ in _events(backlog, arguments.after, backlog.last_seq()):
            print(body.decode())
    return EXIT_OK


def _verify(path: Path, key: Path | None, config: Config) -> int:
    from kazasu.model.signature import Ed25519Verifier
    from kazasu.store.audit import verify
    from kazasu.store.keys import load_signer, load_verifier

    verifier = Ed25519Verifier(load_signer(credential(config.keys.event)).public) if key is None else load_verifier(key)
    line = ProgressLine("verifying")
    progress = None
    try:
        for progress in verify(path, verifier):
            line.show(progress.count, progress.total)
    finally:
        line.clear()
    if progress is not None:
        print(f"{progress.count} events of epoch {progress.epoch} up to {progress.seq}: signatures and chain hold")
    return EXIT_OK


def _events(backlog: Backlog, after: int, last_seq: int) -> Iterator[tuple[bytes, EventFields]]:
    """Yield stored bytes and fields of the events after `after`, up to `last_seq`."""
    while after < last_seq and (rows := backlog.after(after, _BATCH)):
        for seq, body in rows:
            if seq > last_seq:
                return
            yield body, _FIELDS.decode(body)
        after = rows[-1][0]


def _export_csv(backlog: Backlog, after: int, stream: TextIO) -> None:
    import csv

    # Read twice rather than held in memory: a journal has up to ten million events.
    last_seq = backlog.last_seq()
    others = {name for _, fields in _events(backlog, after, last_seq) for name in fields} - set(_COLUMNS)
    writer = csv.DictWriter(stream, [*_COLUMNS, *sorted(others)], restval="")
    writer.writeheader()
    writer.writerows(fields for _, fields in _events(backlog, after, last_seq))

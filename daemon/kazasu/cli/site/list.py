"""List the site's terminals: state, event key, days of the certificate, layer of the pepper, who was invited."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from kazasu.cli import EXIT_OK
from kazasu.cli.site import add_site_argument, site_of

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from kazasu.site.directory import TerminalRecord


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_site_argument(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Print a line each."""
    site = site_of(arguments)
    now = dt.datetime.now(dt.UTC)
    layers = site.pepper().ids if site.key_file("pepper").exists() else ()
    records = site.terminals().values()
    for record in records:
        words = _until(record, now, site.zone, layers)
        print(f"{record.id:<32}  {record.state:<7}  {_event_key(record):<16}  {words}".rstrip())
    if not records:
        print("none yet: `kazasu site add-terminal ID` invites one")
    return EXIT_OK


def _event_key(record: TerminalRecord) -> str:
    return "-" if record.event_key is None else record.event_key.keyid


def _until(record: TerminalRecord, now: dt.datetime, zone: dt.tzinfo, layers: Sequence[str]) -> str:
    words = []
    good = [certificate for certificate in record.certificates if certificate.revoked_at is None]
    if good:
        words.append(f"certificate {(good[-1].ends - now).days} d")
    if record.invitation is not None:
        ended = record.invitation.expires < now
        ends = record.invitation.expires.astimezone(zone)
        words.append(f"invitation {'ended' if ended else 'until'} {ends:%Y-%m-%d %H:%M}")
    if len(layers) > 1 and record.state == "active":
        held = record.layer or layers[0]
        words.append(f"pepper {held}" + ("" if held == layers[-1] else ", not the newest layer"))
    return ", ".join(words)

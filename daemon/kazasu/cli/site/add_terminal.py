"""Invite a terminal: make the bundle with which it joins the site, good for one request and one day.

Bring the bundle to the terminal, on a stick or over the network, and the code in another way: by phone, on paper.
There: `kazasu setup --bundle FILE`. The terminal makes its keys itself; what it asks for, this desk grants with
`kazasu site accept`.
"""

from __future__ import annotations

import argparse
import datetime as dt
from pathlib import Path

from kazasu.cli import EXIT_OK
from kazasu.cli.site import add_passphrase_argument, add_site_argument, passphrase_of, site_of
from kazasu.enrolment import bundle
from kazasu.enrolment.code import new_code
from kazasu.model.setting import parse_duration
from kazasu.site.admission import invite
from kazasu.site.directory import replace_file

_LEAST_S, _MOST_S = 3600, 7 * 86400


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("terminal", metavar="ID", help="its name: 1 to 32 of a-z, 0-9 and -, the only one of the site")
    parser.add_argument("--out", type=Path, metavar="FILE", help="default: ID.bundle, where you are")
    parser.add_argument("--valid-for", type=_time, default="24h", metavar="TIME", help="1h to 7d; default: %(default)s")
    parser.add_argument(
        "--again", action="store_true", help="it is there already and gets new keys; what it has counts until then"
    )
    parser.add_argument("--code-file", type=Path, metavar="FILE", help="write the code here instead of showing it")
    add_site_argument(parser)
    add_passphrase_argument(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Write the bundle, and show its code."""
    site = site_of(arguments)
    authority = site.authority(passphrase_of(arguments)) if site.has_authority else None
    now = dt.datetime.now(dt.UTC)
    invited = invite(site, arguments.terminal, authority, arguments.valid_for, now, again=arguments.again)
    code = new_code()
    out = arguments.out or Path(f"{arguments.terminal}.bundle")
    replace_file(out, bundle.sealed(site.name, arguments.terminal, invited.expires, invited.content, code), 0o600)
    print(f"bundle   {out}: for {arguments.terminal}, until {invited.expires.astimezone(site.zone):%Y-%m-%d %H:%M}")
    if arguments.code_file is None:
        print(f"code     {code}   (shown once, kept nowhere; never on the same way as the bundle)")
    else:
        replace_file(arguments.code_file, f"{code}\n".encode(), 0o600)
        print(f"code     in {arguments.code_file}")
    print("\nNext:")
    if authority is not None:
        print("  let the broker know it    kazasu site broker-config, and its files to the broker")
        print(f"  at the terminal           sudo kazasu setup --bundle {out.name}")
        print("  here, meanwhile           kazasu site accept --stay")
        print("Without a way to the broker:")
    print(f"  at the terminal           sudo kazasu setup --bundle {out.name} --request {arguments.terminal}.request")
    print(f"  here                      kazasu site accept {arguments.terminal}.request")
    print(f"  at the terminal           sudo kazasu setup --reply {arguments.terminal}.reply")
    return EXIT_OK


def _time(text: str) -> dt.timedelta:
    try:
        seconds = parse_duration(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    if not _LEAST_S <= seconds <= _MOST_S:
        raise argparse.ArgumentTypeError(f"{text!r} is not from 1h to 7d")
    return dt.timedelta(seconds=seconds)

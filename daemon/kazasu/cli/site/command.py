"""Command terminals, and see what becomes of it.

  kazasu site command hall-1 release door=gate
  kazasu site command hall-1,hall-2 unlock door=gate for=2h
  kazasu site command --all lockdown door='*'

A command counts for ten seconds. Each terminal checks it, records it, does it and answers, signed; what is offline is
not sent anything. Exit code 1: not every terminal did it.
"""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec

from kazasu.cli import EXIT_OK, EXIT_PROBLEM
from kazasu.cli.operator import operator
from kazasu.cli.site import add_passphrase_argument, add_site_argument, passphrase_of, site_of
from kazasu.errors import OrderRefused
from kazasu.model.command import BY_LETTERS, KINDS
from kazasu.model.setting import parse_duration
from kazasu.site.commands import CommandWriter, check, shown

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kazasu.model.access import EventFields
    from kazasu.model.document import Verifier
    from kazasu.site.command_round import Progress
    from kazasu.site.directory import Site

_WHOLE_NUMBERS = frozenset({"for_s", "from", "to"})
EVERYBODY = "*"


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    width = max(map(len, KINDS))
    lines = "\n".join(f"  {name:<{width}}  {' '.join(_shown(name))}".rstrip() for name in KINDS)
    parser.usage = "kazasu site command (TERMINAL[,TERMINAL ...] | --all) COMMAND [NAME=VALUE ...] [OPTION ...]"
    parser.epilog = f"commands:\n{lines}"
    parser.add_argument("words", nargs="+", metavar="WORD", help=argparse.SUPPRESS)
    parser.add_argument("--all", action="store_true", help="every terminal of the site that is active")
    parser.add_argument("--json", action="store_true", help="a line of JSON for each terminal, once it is known")
    add_site_argument(parser)
    add_passphrase_argument(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Send it, and say what became of it at each terminal."""
    from kazasu.site.command_round import CommandRound, Reached

    wanted, command, given = _read(arguments.words, every=arguments.all)
    by = operator()[:BY_LETTERS]
    check(command, given, by)
    site = site_of(arguments)
    keys = _keys_of(site, wanted)
    writer = CommandWriter(site.name, site.unlock(passphrase_of(arguments)), by, lambda: datetime.now(UTC))
    failed = False
    for progress in CommandRound(site.broker(), site.name, keys, writer).send(command, given):
        if arguments.json:
            if progress.reached is not Reached.SENT:
                print(msgspec.json.encode(progress._asdict()).decode(), flush=True)
        else:
            print(_sentence(progress, max(map(len, keys))), flush=True)
        failed |= progress.reached not in {Reached.SENT, Reached.DONE}
    return EXIT_PROBLEM if failed else EXIT_OK


def _read(words: Sequence[str], *, every: bool) -> tuple[list[str] | None, str, EventFields]:
    """Terminals (None: all), command and arguments.

    Raises:
        OrderRefused: something is missing, or is no argument.
    """
    rest = list(words)
    wanted = None if every else [name for name in rest.pop(0).split(",") if name]
    if wanted == []:
        raise OrderRefused("which terminal? A name, several with commas, or --all")
    if not rest:
        raise OrderRefused(f"which command? There are: {', '.join(KINDS)}")
    command = rest.pop(0)
    if command not in KINDS:
        raise OrderRefused(f"there is no command {command!r}; there are: {', '.join(KINDS)}")
    given: EventFields = {}
    for word in rest:
        name, equals, value = word.partition("=")
        if not equals:
            raise OrderRefused(f"{word!r} is no NAME=VALUE, such as door=gate")
        given |= _argument(name, value)
    if command == "reset_passback" and "cardholder" not in given:
        raise OrderRefused(f"whose? cardholder=1001, or cardholder='{EVERYBODY}' for everybody")
    if given.get("cardholder") == EVERYBODY:
        del given["cardholder"]
    return wanted, command, given


def _argument(name: str, value: str) -> EventFields:
    if name == "for":
        try:
            return {"for_s": round(parse_duration(value))}
        except ValueError as error:
            raise OrderRefused(f"for: {error}") from error
    if name in _WHOLE_NUMBERS:
        if not (value.isascii() and value.isdecimal()):
            raise OrderRefused(f"{name}: {value!r} is no whole number")
        return {name: int(value)}
    return {name: value}


def _keys_of(site: Site, wanted: Sequence[str] | None) -> Mapping[str, Sequence[Verifier]]:
    """The terminals that are meant, and what they may sign with.

    Raises:
        ConfigurationError: there is no such terminal.
        OrderRefused: one is not active, or there is none at all.
    """
    records = {name: site.terminal(name) for name in wanted} if wanted is not None else site.terminals()
    active = {name: record for name, record in records.items() if record.state == "active"}
    idle = [f"{name} is {record.state}" for name, record in records.items() if name not in active]
    if not active or (wanted is not None and idle):
        raise OrderRefused(f"{', '.join(idle) or 'the site has no terminal yet'}: only an active terminal is commanded")
    return {
        name: [key.verifier() for key in record.event_keys if key.revoked_at is None] for name, record in active.items()
    }


def _sentence(progress: Progress, width: int) -> str:
    event = f" (event {progress.seq})" if progress.seq else ""
    said = progress.said.replace("\n", "; ")
    return f"{progress.terminal:<{width}}  {progress.reached.replace('_', ' '):<9}  {said}{event}".rstrip()


def _shown(command: str) -> list[str]:
    return [f"{shown(name)}=…" for name in sorted(KINDS[command].arguments)]

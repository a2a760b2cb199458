"""Tap a card: what it is, what the read proves, and who it belongs to here.

The running terminal reads the card too: it answers as to any tap.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kazasu.app import assurance_policy, card_identifier
from kazasu.cli import EXIT_OK, EXIT_PROBLEM, add_config_argument, number_of_seconds
from kazasu.config import load
from kazasu.errors import ConfigurationError, ReaderUnavailable
from kazasu.model.access import Assurance
from kazasu.readers.demand import EnrolledDemand
from kazasu.readers.one_tap import one_tap
from kazasu.runtime.clock import SystemClock
from kazasu.store.roster import Roster

if TYPE_CHECKING:
    import argparse

    from kazasu.model.configuration import Config
    from kazasu.model.input import CardRead

_PROVES = {
    Assurance.SERIAL: "a number that anybody with the means can copy",
    Assurance.SIGNED_DATA: "data signed by an authority; a copy of it would read the same",
    Assurance.CHALLENGE: "the card holds a secret key",
    Assurance.CHALLENGE_PIN: "the card holds a secret key, and whoever taps knows its PIN",
}


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_tap_arguments(parser)
    add_config_argument(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Read one card and explain it."""
    config = load(arguments.config)
    read = wait_for_tap(config, arguments)
    if read.identifier is None:
        print(f"not accepted: {read.refusal}: {read.detail}")
        return EXIT_PROBLEM
    identifier = read.identifier
    print(f"kind        {identifier.kind}")
    print(f"assurance   {identifier.assurance.word}: {_PROVES[identifier.assurance]}")
    print(f"credential  {identifier.pseudonym}")
    enrolment = Roster(config.terminal.roster_path).look_up(identifier.pseudonym)
    if enrolment is None:
        print("cardholder  nobody: give it to a person with `kazasu enroll`")
    else:
        needs = enrolment.credential.min_assurance.word
        print(f"cardholder  {enrolment.cardholder.number} {enrolment.cardholder.name}, needs {needs}")
    return EXIT_OK


def add_tap_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare which reader, and how long to wait."""
    parser.add_argument("--reader", metavar="NAME", help="a reader of the configuration; default: the first one")
    parser.add_argument(
        "--wait", type=number_of_seconds, default=30.0, metavar="SECONDS", help="for a card; default: %(default)g"
    )


def wait_for_tap(config: Config, arguments: argparse.Namespace) -> CardRead:
    """Ask for a card and read it as the daemon does.

    Raises:
        ConfigurationError: there is no such reader.
        ReaderUnavailable: pcscd or the reader is not there, or nobody tapped.
    """
    readers = {reader.name: reader for reader in reversed(config.readers)}
    reader = config.readers[0] if arguments.reader is None else readers.get(arguments.reader)
    if reader is None:
        raise ConfigurationError(f"no reader is called {arguments.reader!r}; there are: {', '.join(readers)}")
    clock = SystemClock(config.terminal.timezone)
    print(f"tap a card on {reader.name} …", flush=True)
    roster = Roster(config.terminal.roster_path)
    demand = EnrolledDemand(assurance_policy(config), roster, clock)
    read = one_tap(reader.match, card_identifier(config, clock, demand), clock, arguments.wait)
    roster.close()
    if read is None:
        raise ReaderUnavailable(f"no card came within {arguments.wait:g} s")
    return read

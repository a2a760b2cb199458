"""Tap a card: what it is, what the read proves and why not more, who it belongs to here, and how long each step took.

The running terminal reads the card too: it answers as to any tap.
"""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Final, NamedTuple

from kazasu.app.cards import card_identifier, pepper_of, terminal_policy
from kazasu.app.services import services_of
from kazasu.app.site_roster import config_of_site
from kazasu.cards.trace import TimedPins, Traced
from kazasu.cli import EXIT_OK, EXIT_PROBLEM, add_config_argument, number_of_seconds
from kazasu.config import load
from kazasu.errors import ConfigurationError, ReaderUnavailable
from kazasu.keypads.tty import tty_pins
from kazasu.model.access import Assurance
from kazasu.readers.demand import EnrolledDemand, FixedDemand
from kazasu.readers.one_tap import one_tap
from kazasu.runtime.clock import SystemClock
from kazasu.store.roster import Roster

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from kazasu.cards.identify import CardKinds
    from kazasu.cards.trace import Trace
    from kazasu.model.configuration import Config
    from kazasu.model.input import CardRead
    from kazasu.ports.readers import Demand

_PIN_S: Final = 60.0

_PROVES = {
    Assurance.SERIAL: "a number that anybody with the means can copy",
    Assurance.SIGNED_DATA: "data signed by an authority; a copy of it would read the same",
    Assurance.CHALLENGE: "the card holds a secret key",
    Assurance.CHALLENGE_PIN: "the card holds a secret key, and whoever taps knows its PIN",
}


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--with-pin", action="store_true", help="have the card's holder enter its PIN here")
    add_tap_arguments(parser)
    add_config_argument(parser)


class Tap(NamedTuple):
    """A tap, read as the daemon reads it.

    Attributes:
        read: what came of it.
        kinds: who was asked.
        trace: what was sent, and how long it took.
    """

    read: CardRead
    kinds: CardKinds
    trace: Trace


def execute(arguments: argparse.Namespace) -> int:
    """Read one card and explain it."""
    config = load(arguments.config)
    tap = wait_for_tap(config, arguments, with_pin=arguments.with_pin)
    if tap.read.identifier is None:
        print(f"not accepted: {tap.read.refusal}: {tap.read.detail}")
        print(*_steps(tap.trace), sep="\n")
        return EXIT_PROBLEM
    identifier = tap.read.identifier
    reach = tap.kinds.reach_of(identifier.kind)
    print(f"kind        {identifier.kind}")
    print(f"assurance   {identifier.assurance.word}: {_PROVES[identifier.assurance]}")
    if identifier.assurance < reach:
        print(f"reachable   {reach.word}: {_PROVES[reach]}")
    if identifier.why_not_more:
        print(f"not more    {identifier.why_not_more}")
    roster = Roster(config.terminal.roster_path, pepper_of(config))
    enrolment = roster.look_up(identifier.pseudonym)
    print(f"credential  {roster.known_as(identifier.pseudonym)}")
    if enrolment is None:
        print("cardholder  nobody: give it to a person with `kazasu enroll`")
    else:
        needs = enrolment.credential.min_assurance.word
        print(f"cardholder  {enrolment.cardholder.number} {enrolment.cardholder.name}, needs {needs}")
    print(*_steps(tap.trace), sep="\n")
    return EXIT_OK


def _steps(trace: Trace) -> Iterator[str]:
    for number, step in enumerate(trace.steps):
        times = f", {step.commands} times" if step.commands > 1 else ""
        yield f"{'' if number else 'steps':<12}{step.name + times:<34}{1000 * step.card_s:8.1f} ms"
    shares = {"card and reader": trace.card_s, "who entered the PIN": trace.holder_s, "this terminal": trace.own_s}
    yield from (f"{'':<12}{who:<34}{1000 * took_s:8.1f} ms" for who, took_s in shares.items() if took_s)


def add_tap_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare which reader, and how long to wait."""
    parser.add_argument("--reader", metavar="NAME", help="a reader of the configuration; default: the first one")
    parser.add_argument(
        "--wait", type=number_of_seconds, default=30.0, metavar="SECONDS", help="for a card; default: %(default)g"
    )


def wait_for_tap(config: Config, arguments: argparse.Namespace, *, with_pin: bool = False) -> Tap:
    """Ask for a card and read it as the daemon does.

    Args:
        config: the terminal's.
        arguments: with those of `add_tap_arguments`.
        with_pin: have the holder enter the card's PIN at this command's terminal, whatever the policy asks for.

    Raises:
        ConfigurationError: there is no such reader.
        ReaderUnavailable: pcscd or the reader is not there, or nobody tapped.
    """
    readers = {reader.name: reader for reader in reversed(config.readers)}
    reader = config.readers[0] if arguments.reader is None else readers.get(arguments.reader)
    if reader is None:
        raise ConfigurationError(f"no reader is called {arguments.reader!r}; there are: {', '.join(readers)}")
    clock = SystemClock(config.terminal.timezone)
    with contextlib.closing(Roster(config.terminal.roster_path, pepper_of(config))) as roster:
        services = services_of(
            config_of_site(config, roster), secure=lambda _: True, roster_made_s=lambda: roster.made_s
        )
        demand: Demand = EnrolledDemand(terminal_policy(config), services.asked, roster, clock)
        pins: TimedPins | None = None
        if with_pin:
            demand = FixedDemand(Assurance.CHALLENGE_PIN)
            pins = TimedPins(tty_pins(clock.mono_s, _PIN_S), time.monotonic)
        kinds = card_identifier(config, clock, demand, pins)
        traced = Traced(kinds, time.monotonic, pins)
        print(f"tap a card on {reader.name} …", flush=True)
        read = one_tap(reader.match, traced, clock, arguments.wait)
    if read is None:
        raise ReaderUnavailable(f"no card came within {arguments.wait:g} s")
    return Tap(read, kinds, traced.trace)

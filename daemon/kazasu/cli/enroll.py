"""Tap a card and give it to a person. The running daemon knows it at the next tap.

By default the enrolment asks for what this read proved, so that a weaker copy of the card is denied from then on.
"""

from __future__ import annotations

import argparse
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from kazasu.cli import EXIT_OK, EXIT_PROBLEM, add_config_argument
from kazasu.cli.identify import add_tap_arguments, wait_for_tap
from kazasu.config import load
from kazasu.errors import RosterError
from kazasu.model.access import Assurance, Cardholder, Credential, Enrolment
from kazasu.store.roster_csv import cardholder_problems
from kazasu.store.roster_file import enroll

if TYPE_CHECKING:
    from datetime import tzinfo


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("cardholder", help="the site's own number for the person; never the My Number")
    parser.add_argument("name", help="shown at the terminal only")
    words = [assurance.word for assurance in Assurance]
    parser.add_argument(
        "--min-assurance", choices=words, help="what each tap has to prove; default: what this one does"
    )
    parser.add_argument("--valid-from", type=_day, metavar="YYYY-MM-DD", help="first day")
    parser.add_argument("--valid-until", type=_day, metavar="YYYY-MM-DD", help="last day")
    add_tap_arguments(parser)
    add_config_argument(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Enroll one card."""
    config = load(arguments.config)
    # Before anybody is asked to tap.
    problems = cardholder_problems(arguments.cardholder, arguments.name)
    if arguments.valid_from and arguments.valid_until and arguments.valid_until < arguments.valid_from:
        problems.append(f"the last day, {arguments.valid_until}, comes before the first, {arguments.valid_from}")
    if problems:
        raise RosterError("\n".join([*problems, "nothing was changed"]))
    read = wait_for_tap(config, arguments)
    if read.identifier is None:
        print(f"not accepted: {read.refusal}: {read.detail}")
        return EXIT_PROBLEM
    proved = read.identifier.assurance
    asked = proved if arguments.min_assurance is None else Assurance.from_word(arguments.min_assurance)
    if asked > proved:
        raise RosterError(
            f"this card proves {proved.word} here, so it would never satisfy {asked.word}; nothing was changed"
        )
    zone = config.terminal.timezone
    until = arguments.valid_until
    enrolment = Enrolment(
        credential=Credential(
            pseudonym=read.identifier.pseudonym,
            cardholder=arguments.cardholder,
            min_assurance=asked,
            valid_from_s=_midnight_s(arguments.valid_from, zone),
            valid_until_s=_midnight_s(None if until is None else until + timedelta(days=1), zone),
        ),
        cardholder=Cardholder(number=arguments.cardholder, name=arguments.name),
    )
    version = enroll(config.terminal.roster_path, enrolment)
    print(
        f"{read.identifier.kind} card {read.identifier.pseudonym} is {arguments.cardholder}'s; roster version {version}"
    )
    return EXIT_OK


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no date, such as 2026-04-01") from error


def _midnight_s(day: date | None, zone: tzinfo) -> int | None:
    return None if day is None else int(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp())

"""Tap a card and give it to a person. The running daemon knows it at the next tap.

By default the enrolment asks for what this read proved, so that a weaker copy of the card is denied from then on; with
--with-pin that is the PIN at each tap, unless --min-assurance says that less will do.

--renews is for a card that takes another's place, such as a My Number Card with a new certificate: nothing on it leads
back to the old one, so it is tapped where somebody sees who it belongs to, and has to prove all that its kind can. It
asks for what the old one did, and the old one ends after `renewal_grace`.

--level says which doors open for the person, and when; it replaces what the person had, whichever card brought it.
"""

from __future__ import annotations

import argparse
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from kazasu.app.cards import pepper_of
from kazasu.cli import EXIT_OK, EXIT_PROBLEM, add_config_argument
from kazasu.cli.identify import add_tap_arguments, wait_for_tap
from kazasu.config import load
from kazasu.errors import RosterError
from kazasu.model.access import Assurance, Cardholder, Credential, Enrolment
from kazasu.runtime.clock import SystemClock
from kazasu.store.roster import Roster
from kazasu.store.roster_csv import cardholder_problems, levels_problems
from kazasu.store.roster_file import enroll, renew

if TYPE_CHECKING:
    from datetime import tzinfo
    from pathlib import Path

    from kazasu.model.access import Identifier


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("cardholder", help="the site's own number for the person; never the My Number")
    parser.add_argument("name", help="shown at the terminal only")
    parser.add_argument(
        "--renews",
        nargs="?",
        const="",
        metavar="CREDENTIAL",
        help="this card takes the place of another of the same person, which ends; which one, if there are several",
    )
    words = [assurance.word for assurance in Assurance]
    parser.add_argument(
        "--min-assurance", choices=words, help="what each tap has to prove; default: what this one does"
    )
    levels = parser.add_mutually_exclusive_group()
    levels.add_argument(
        "--level",
        action="append",
        metavar="LEVEL",
        help="an access level of the person; again for each further one; default: those that the person has",
    )
    levels.add_argument("--no-level", action="store_const", const=[], dest="level", help="the person has none")
    parser.add_argument("--valid-from", type=_day, metavar="YYYY-MM-DD", help="first day")
    parser.add_argument("--valid-until", type=_day, metavar="YYYY-MM-DD", help="last day")
    parser.add_argument("--with-pin", action="store_true", help="have the card's holder enter its PIN here")
    add_tap_arguments(parser)
    add_config_argument(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Enroll one card."""
    config = load(arguments.config)
    # Before anybody is asked to tap.
    problems = cardholder_problems(arguments.cardholder, arguments.name) + levels_problems(arguments.level or ())
    if arguments.valid_from and arguments.valid_until and arguments.valid_until < arguments.valid_from:
        problems.append(f"the last day, {arguments.valid_until}, comes before the first, {arguments.valid_from}")
    if problems:
        raise RosterError("\n".join([*problems, "nothing was changed"]))
    path = config.terminal.roster_path
    old = None if arguments.renews is None else _renewed(path, arguments.cardholder, arguments.renews)
    tap = wait_for_tap(config, arguments, with_pin=arguments.with_pin or old is not None)
    identifier = tap.read.identifier
    if identifier is None:
        print(f"not accepted: {tap.read.refusal}: {tap.read.detail}")
        return EXIT_PROBLEM
    asked = _asked(arguments.min_assurance, identifier, old)
    pepper = pepper_of(config)
    roster = Roster(path, pepper)
    before, known_as = roster.look_up(identifier.pseudonym), roster.known_as(identifier.pseudonym)
    zone = config.terminal.timezone
    until = arguments.valid_until
    enrolment = Enrolment(
        credential=Credential(
            pseudonym=known_as,
            cardholder=arguments.cardholder,
            min_assurance=asked,
            valid_from_s=_midnight_s(arguments.valid_from, zone),
            valid_until_s=_midnight_s(None if until is None else until + timedelta(days=1), zone),
        ),
        cardholder=Cardholder(
            number=arguments.cardholder,
            name=arguments.name,
            levels=_levels(path, arguments.cardholder, arguments.level),
        ),
    )
    if old is None:
        version = enroll(path, enrolment, pepper.newest)
    else:
        _check_renewal(identifier, tap.kinds.reach_of(identifier.kind))
        ends_s = int(SystemClock(zone).now().at.timestamp() + config.cards.renewal_grace)
        version = renew(path, enrolment, old.credential.pseudonym, ends_s)
        print(f"the old card {old.credential.pseudonym} ends {datetime.fromtimestamp(ends_s, zone):%Y-%m-%d %H:%M}")
    if before is not None and before.cardholder.number != arguments.cardholder:
        print(f"this card was {before.cardholder.number} {before.cardholder.name}'s until now")
    print(
        f"{identifier.kind} card {known_as} is {arguments.cardholder}'s, has to prove {asked.word};"
        f" roster version {version}"
    )
    return EXIT_OK


def _levels(path: Path, number: str, told: list[str] | None) -> tuple[str, ...]:
    """The person's access levels: as told, else as they are."""
    if told is not None:
        return tuple(sorted(set(told)))
    known = Roster(path).find(number)
    return () if known is None else known.levels


def _renewed(path: Path, number: str, pseudonym: str) -> Enrolment:
    """Find which of a person's credentials is to end.

    Args:
        path: the roster.
        number: the person's.
        pseudonym: which one; empty if the person has only one.
    """
    theirs = {each.credential.pseudonym: each for each in Roster(path).credentials_of(number)}
    if not theirs:
        raise RosterError(f"{number} has no card to renew: leave out --renews; nothing was changed")
    if pseudonym in theirs:
        return theirs[pseudonym]
    if pseudonym or len(theirs) > 1:
        raise RosterError(f"--renews: say which of {number}'s cards ends: {', '.join(theirs)}; nothing was changed")
    return next(iter(theirs.values()))


def _asked(word: str | None, identifier: Identifier, old: Enrolment | None) -> Assurance:
    """What each tap will have to prove: as told, else as for the old card, else what this read did."""
    proved = identifier.assurance
    by_default = proved if old is None else old.credential.min_assurance
    asked = by_default if word is None else Assurance.from_word(word)
    if asked > proved:
        raise RosterError(
            f"this card proves {proved.word} here, so it would never satisfy {asked.word}; nothing was changed"
        )
    return asked


def _check_renewal(identifier: Identifier, strongest: Assurance) -> None:
    if identifier.assurance < strongest:
        raise RosterError(
            f"a renewal needs {strongest.word} of a {identifier.kind} card, and this one proved"
            f" {identifier.assurance.word}: {identifier.why_not_more or 'tap again'}; nothing was changed"
        )


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no date, such as 2026-04-01") from error


def _midnight_s(day: date | None, zone: tzinfo) -> int | None:
    return None if day is None else int(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp())

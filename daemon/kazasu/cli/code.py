"""Codes for people without a card, who enter code and PIN on the keypad: [codes] in the configuration.

`set` gives a person a code, made up here and printed once, or with --own one that they bring; and asks for the PIN,
twice and without showing it. Whoever has a code already gets another one. With --duress there is a second PIN: it does
what the first one does, and says in the event that the person is being forced. Where standard input is no terminal each
is a line of it, in the order in which they are asked for: the own code, the PIN, the PIN of duress. `list` says who has
a code; neither code nor PIN is kept so that it could be told again.
"""

from __future__ import annotations

import contextlib
import secrets
import sys
from typing import TYPE_CHECKING

from kazasu.cli import EXIT_OK, add_config_argument
from kazasu.config import load
from kazasu.errors import RosterError
from kazasu.model.code import SALT_BYTES, code_pseudonym, code_weakness, keep, weakness
from kazasu.store.roster import Roster
from kazasu.store.roster_file import CodeTaken, remove_code, set_code

if TYPE_CHECKING:
    import argparse

    from kazasu.model.configuration import Config

_MADE_DIGITS = 6
_MOST_TAKEN = 100


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    setting = actions.add_parser("set", help="give a person a code and a PIN, or others")
    setting.add_argument("--own", action="store_true", help="ask for the code, too, instead of making one up")
    setting.add_argument("--duress", action="store_true", help="ask for a second PIN, which says that one is forced")
    removing = actions.add_parser("remove", help="take a person's code away")
    for action in (setting, removing):
        action.add_argument("cardholder", metavar="NUMBER", help="the person's number in the roster")
    listing = actions.add_parser("list", help="say who has one")
    for action in (setting, removing, listing):
        add_config_argument(action)


def execute(arguments: argparse.Namespace) -> int:
    """Change the roster, or look; the running daemon knows it at the next entry."""
    config = load(arguments.config)
    path = config.terminal.roster_path
    match arguments.action:
        case "set":
            _set(config, arguments.cardholder, own=arguments.own, duress=arguments.duress)
        case "remove":
            print(f"removed; roster version {remove_code(path, arguments.cardholder)}")
        case _:
            with contextlib.closing(Roster(path)) as roster:
                for number, with_duress in roster.codes():
                    print(f"{number}{', with a PIN of duress' if with_duress else ''}")
    return EXIT_OK


def _set(config: Config, number: str, *, own: bool, duress: bool) -> None:
    from kazasu.app.cards import pseudonymizer

    _expect_person(config, number)  # before anybody is asked for anything
    peppered = pseudonymizer(config)
    code = _asked("code") if own else ""
    if own and (why := code_weakness(code)):
        raise RosterError(f"{why}; nothing was changed")
    pin = _pin("PIN", code, number)
    forced = _pin("PIN of duress", code, number, pin) if duress else None
    for _ in range(_MOST_TAKEN):
        tried = code if own else f"{secrets.randbelow(10**_MADE_DIGITS):0{_MADE_DIGITS}}"
        if not own and tried in {pin, forced}:
            continue
        with contextlib.suppress(*(() if own else (CodeTaken,))):
            kept = keep(peppered, tried, pin, forced, secrets.token_bytes(SALT_BYTES))
            version = set_code(config.terminal.roster_path, number, code_pseudonym(peppered, tried), kept)
            told = "" if own else f" is {tried}: only this once it is shown"
            print(f"{number}'s code{told}{' is set' if own else ''}; roster version {version}")
            return
    raise CodeTaken(f"too many codes of {_MADE_DIGITS} digits are taken: give longer ones, with --own")


def _expect_person(config: Config, number: str) -> None:
    from kazasu.model.day_card import DayCards

    with contextlib.closing(Roster(config.terminal.roster_path)) as roster:
        known = roster.find(number) is not None
    if not known:
        raise RosterError(f"{number} is not in the roster; nothing was changed")
    if config.day_cards is not None and DayCards(config.day_cards.cards).pooled(number):
        raise RosterError(f"{number} is a card of the pool, and no person; nothing was changed")


def _pin(what: str, *others: str) -> str:
    """Ask for a PIN that is not too easily guessed."""
    pin = _asked(what)
    if why := weakness(pin, *others):
        raise RosterError(f"{what}: {why}; nothing was changed")
    return pin


def _asked(what: str) -> str:
    """Ask at the terminal, twice and without showing it; or take a line of standard input."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    from getpass import getpass

    entered = getpass(f"{what}: ")
    if getpass(f"{what}, once more: ") != entered:
        raise RosterError(f"{what}: not the same twice; nothing was changed")
    return entered

"""Codes for people without a card, who enter code and PIN on the keypad: [codes] in the configuration.

`set` gives a person a code, made up here and printed once, or with --own one that they bring; and asks for the PIN,
twice and without showing it. Whoever has a code already gets another one. With --duress there is a second PIN: it does
what the first one does, and says in the event that the person is being forced. Where standard input is no terminal each
is a line of it, in the order in which they are asked for: the own code, the PIN, the PIN of duress. `list` says who has
a code; neither code nor PIN is kept so that it could be told again.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from kazasu.cli import EXIT_OK, add_config_argument
from kazasu.config import load
from kazasu.errors import RosterError
from kazasu.store.roster import Roster
from kazasu.store.roster_file import remove_code, set_code

if TYPE_CHECKING:
    import argparse

    from kazasu.model.code import KeptPin
    from kazasu.model.configuration import Config


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
    from kazasu.app.cards import pepper_of
    from kazasu.cli.new_code import ask_code

    _expect_person(config, number)  # before anybody is asked for anything
    pepper = pepper_of(config)
    with contextlib.closing(Roster(config.terminal.roster_path, pepper)) as roster:
        layer = roster.layer or pepper.newest
    version = 0

    def take(pseudonym: str, kept: KeptPin) -> None:
        nonlocal version
        version = set_code(config.terminal.roster_path, number, pseudonym, kept)

    told = ask_code(pepper, layer, number, take, own=own, duress=duress)
    print(f"{told}; roster version {version}")


def _expect_person(config: Config, number: str) -> None:
    from kazasu.model.day_card import DayCards

    with contextlib.closing(Roster(config.terminal.roster_path)) as roster:
        known = roster.find(number) is not None
    if not known:
        raise RosterError(f"{number} is not in the roster; nothing was changed")
    if config.day_cards is not None and DayCards(config.day_cards.cards).pooled(number):
        raise RosterError(f"{number} is a card of the pool, and no person; nothing was changed")

"""Give a person without a card a code and a PIN for the keypads of all terminals, or take them away.

The code is made up here and printed once, or with --own one that the person brings; the PIN is asked for twice and not
shown. With --duress there is a second PIN, which says in the event that the person is being forced. They count with the
next `kazasu site publish`; taken away they are revoked by it at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kazasu.cli import EXIT_OK
from kazasu.cli.site import add_site_argument, site_of
from kazasu.errors import RosterError
from kazasu.site.files_layer import layer_of

if TYPE_CHECKING:
    import argparse

    from kazasu.model.code import KeptPin


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("cardholder", metavar="NUMBER", help="the person's number in people.csv")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--own", action="store_true", help="ask for the code, too, instead of making one up")
    what.add_argument("--remove", action="store_true", help="take the person's code away")
    parser.add_argument("--duress", action="store_true", help="ask for a second PIN, which says that one is forced")
    add_site_argument(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Change roster/codes.csv."""
    from kazasu.cli.new_code import ask_code
    from kazasu.model.day_card import in_pool
    from kazasu.site.codes import give_code, take_code
    from kazasu.store.roster_csv import cardholder_problems

    site, number = site_of(arguments), arguments.cardholder
    problems = cardholder_problems(number, "-")
    if site.pool is not None and in_pool(number, site.pool):
        problems.append(f"{number} is a day card, and no person")
    if problems or "," in number:
        raise RosterError("; ".join(problems) or f"{number!r} has a comma: such a person has no code")
    path = site.file("roster/codes.csv")
    path.parent.mkdir(exist_ok=True)
    if arguments.remove:
        with site.locked():
            take_code(path, number)
        print(f"{number}'s code is gone")
    else:
        pepper, layer = site.pepper(), layer_of(site)

        def take(pseudonym: str, kept: KeptPin) -> None:
            with site.locked():  # only now: a stolen card must not wait for somebody who thinks of a PIN
                if layer_of(site) != layer:
                    raise RosterError("the files got another layer of the pepper meanwhile: call again")
                give_code(path, number, pseudonym, kept)

        print(ask_code(pepper, layer, number, take, own=arguments.own, duress=arguments.duress))
    print("next: kazasu site publish")
    return EXIT_OK

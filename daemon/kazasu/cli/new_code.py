"""Asking for a code and its PINs, at a terminal or at the desk; neither is kept so that it could be told again."""

from __future__ import annotations

import contextlib
import secrets
import sys
from typing import TYPE_CHECKING

from kazasu.cards.pseudonym import Pseudonymizer
from kazasu.errors import RosterError
from kazasu.model.code import SALT_BYTES, code_pseudonym, code_weakness, keep, lifted, weakness
from kazasu.store.roster_file import CodeTaken

if TYPE_CHECKING:
    from collections.abc import Callable

    from kazasu.model.code import KeptPin
    from kazasu.model.pepper import Pepper

_MADE_DIGITS = 6
_MOST_TAKEN = 100


def ask_code(
    pepper: Pepper, layer: str, number: str, take: Callable[[str, KeptPin], None], *, own: bool, duress: bool
) -> str:
    """Ask for a PIN, and for the code or make one up, until nobody else has it.

    Args:
        pepper: the site's.
        layer: of it, that what is kept is to be under.
        number: whose it is to be.
        take: gives the person the code, by its pseudonym, with what is kept of the PINs; raises CodeTaken.
        own: ask for the code, too.
        duress: ask for a second PIN.

    Returns:
        In words that it is set; with a code that was made up, which is shown this once.

    Raises:
        RosterError: what was entered cannot be used, or somebody else has the code; nothing was changed.
    """
    peppered, first = Pseudonymizer(pepper.layers[0]), pepper.ids[0]
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
            known_as = pepper.lifted(code_pseudonym(peppered, tried), first, layer)
            take(known_as, lifted(kept, pepper, first, layer))
            return f"{number}'s code is set" if own else f"{number}'s code is {tried}: only this once it is shown"
    raise CodeTaken(f"too many codes of {_MADE_DIGITS} digits are taken: give longer ones, with --own")


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

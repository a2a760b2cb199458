"""Who taps while a roster is taken over, and which answer is right."""

from __future__ import annotations

import itertools
import random
import sys
from typing import TYPE_CHECKING

from kazasu.model.access import DenyReason
from kazasu.model.cue import CueName

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from bench.tapped_terminal import Answered

Groups = dict[str, tuple[int, int]]
"""Who: the number of the first one, and the one behind the last."""

DAY_CARD = 10**9
TURNS = ("stays", "ends", "stays", "comes", "stays", "borrows", "stays", "unknown")
DENIED = {
    "ends": DenyReason.CREDENTIAL_REVOKED,
    "comes": DenyReason.UNKNOWN_CARD,
    "borrows": DenyReason.DAY_CARD_NOT_ISSUED,
    "unknown": DenyReason.UNKNOWN_CARD,
}


class Crowd:
    """Who taps, in turn: people of each group, and more of those who stay.

    Args:
        groups: the numbers of those who stay, whom the new roster ends, who come with it, and who borrow a card by it.
    """

    def __init__(self, groups: Groups) -> None:
        dice = random.Random(2)  # noqa: S311  (the same people each time)
        everybody = {who: range(*ends) for who, ends in groups.items()} | {"unknown": range(10**8, 10**8 + 1000)}
        self._turns = itertools.cycle([who for who in TURNS if who in everybody])
        self._people = {
            who: itertools.cycle(dice.sample(numbers, min(200, len(numbers)))) for who, numbers in everybody.items()
        }

    def next(self, who: str = "") -> tuple[str, str]:
        """Somebody of a group, or of whichever is next; and their card."""
        who = who or next(self._turns)
        return who, card(next(self._people[who]))

    def some(self, count: int) -> Callable[[], tuple[str, str] | None]:
        """So many people."""
        left = itertools.repeat(None, count)
        return lambda: next((self.next() for _ in left), None)


def card(number: int) -> str:
    return random.Random(number).randbytes(16).hex()  # noqa: S311  (to be found again)


def granted(tap: Answered) -> bool:
    return bool(tap.event["decision"] == "granted")


def wrong(taps: Iterable[Answered], version: int) -> int:
    """How many taps have an answer that they must not have, by the roster that they were answered with.

    Whoever is revoked once is so for good, and nobody is who stays; who comes, comes with the new roster.
    """
    revoked, count = False, 0
    for tap in taps:
        revoked = revoked or (tap.who == "ends" and not granted(tap))
        new = tap.event["roster_version"] > version
        ends = not revoked and not new
        right = {"stays": True, "ends": ends, "comes": new, "borrows": new, "unknown": False}[tap.who]
        told = granted(tap) or tap.event["reason"] == DENIED.get(tap.who)
        shown = (tap.cue is CueName.GRANTED) == granted(tap)
        if not (granted(tap) == right and told and shown):
            count += 1
            print(f"wrong: {tap.who} {tap.cue} {tap.event}", file=sys.stderr)
    return count

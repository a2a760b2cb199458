"""Who is inside, and who is missing: the union of what all terminals say of where people were last (docs/wire.md).

A person is where their newest movement says, whichever terminal saw it. Of two of the same millisecond the one that
leads inside counts, because whoever is looked for in vain does less harm than whoever is not looked for; then the
terminal's name decides, and the area's, so that every machine makes the same list of the same statements. A movement
of which nobody knows when it was counts where there is no other, and for as long as it is said.

A list is worth what is known to be missing from it: `RollCall.incomplete`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable

OUT = ""
"""The area of whoever is out."""

UNKNOWN_MS = 0
"""The time of what happened while a terminal did not know the time."""

COUNTS_MS = 36 * 3600 * 1000
"""So long a movement counts, and a muster lasts at the most: no more is surely remembered over a restart."""

_AHEAD = "says a time that is still to come: its clock is wrong, or this machine's"
_AHEAD_MS = 60_000
_CLOCK_UNSET = "did not know the time: some of its people may stand where they were before, or not at all"


class Movement(msgspec.Struct, frozen=True, kw_only=True):
    """The last that a terminal saw of a person.

    Attributes:
        number: the person's, the site's own.
        area: the area that they entered; `OUT` if they are out.
        at_ms: when, Unix time; `UNKNOWN_MS` if nobody knows.
    """

    number: str
    area: str
    at_ms: int


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """What one terminal says.

    Attributes:
        terminal: which.
        epoch: of its journal.
        seq: the last event that it covers.
        at_ms: when it was said, Unix time.
        clock_unset: nobody knows what time it was then, or when one of the movements was.
        movements: one a person.
        begun_ms: since when a muster stands at its meeting point, Unix time; None if none does.
        present: who was there since then, and when last: number and Unix time in milliseconds.
    """

    terminal: str
    epoch: str
    seq: int
    at_ms: int
    clock_unset: bool
    movements: tuple[Movement, ...]
    begun_ms: int | None = None
    present: dict[str, int] = {}


class Lack(msgspec.Struct, frozen=True, kw_only=True):
    """Why the list may lack somebody.

    Attributes:
        terminal: whose fault it is; empty if it is nobody's own.
        why: in words that go on from its name: `is offline`.
        passing: a moment later it may be well.
    """

    terminal: str
    why: str
    passing: bool = False


class Inside(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who is inside as far as is known.

    Attributes:
        number: the person's.
        area: where.
        since_ms: when they entered, Unix time; `UNKNOWN_MS` if nobody knows.
        terminal: that saw it.
        present_ms: when they were at the meeting point after that; `UNKNOWN_MS`: they were there, and nobody knows
            whether it was after that; None: not seen there.
    """

    number: str
    area: str
    since_ms: int
    terminal: str
    present_ms: int | None


class RollCall(msgspec.Struct, frozen=True, kw_only=True):
    """The list.

    Attributes:
        inside: by area and number.
        arrived: who is at the meeting point though nobody saw them inside: number and Unix time in milliseconds.
        begun_ms: since when a muster stands, the earliest of all meeting points', Unix time; None if none does.
        incomplete: why somebody may be lacking; empty if nobody is.
    """

    inside: tuple[Inside, ...]
    arrived: dict[str, int]
    begun_ms: int | None
    incomplete: tuple[Lack, ...]

    @property
    def missing(self) -> tuple[Inside, ...]:
        """Who is inside and was not surely at the meeting point since the muster began; nobody while none stands."""
        return () if self.begun_ms is None else tuple(each for each in self.inside if not each.present_ms)


def roll_call(statements: Iterable[Statement], lacks: Iterable[Lack], now_ms: int) -> RollCall:
    """Make the list.

    Args:
        statements: one a terminal, in any order.
        lacks: what else is known to be wrong with them.
        now_ms: Unix time.
    """
    statements = tuple(statements)
    newest: dict[str, tuple[tuple[int, bool, str, str], Movement, str]] = {}
    for statement in statements:
        for movement in statement.movements:
            if not _counts(movement.at_ms, now_ms):
                continue
            rank = (movement.at_ms, movement.area != OUT, statement.terminal, movement.area)
            known = newest.get(movement.number)
            if known is None or rank > known[0]:
                newest[movement.number] = (rank, movement, statement.terminal)
    musters = [each for each in statements if each.begun_ms is not None and _counts(each.begun_ms, now_ms)]
    present: dict[str, int] = {}
    for muster in musters:
        for number, at_ms in muster.present.items():
            present[number] = max(at_ms, present.get(number, at_ms))
    inside = [
        Inside(
            number=movement.number,
            area=movement.area,
            since_ms=movement.at_ms,
            terminal=terminal,
            present_ms=_after(movement.at_ms, present.get(movement.number)),
        )
        for _, movement, terminal in newest.values()
        if movement.area != OUT
    ]
    known_inside = {each.number for each in inside}
    unset = [Lack(terminal=each.terminal, why=_CLOCK_UNSET) for each in statements if each.clock_unset]
    ahead = [Lack(terminal=each.terminal, why=_AHEAD) for each in statements if each.at_ms > now_ms + _AHEAD_MS]
    return RollCall(
        inside=tuple(sorted(inside, key=lambda each: (each.area, each.number))),
        arrived={number: at_ms for number, at_ms in sorted(present.items()) if number not in known_inside},
        begun_ms=min((each.begun_ms for each in musters if each.begun_ms is not None), default=None),
        incomplete=tuple(sorted([*lacks, *unset, *ahead], key=lambda lack: (lack.terminal, lack.why))),
    )


def _counts(at_ms: int, now_ms: int) -> bool:
    return at_ms == UNKNOWN_MS or at_ms + COUNTS_MS > now_ms


def _after(entered_ms: int, present_ms: int | None) -> int | None:
    """Whoever went in again from the meeting point is inside again."""
    if present_ms is None:
        return None
    if UNKNOWN_MS in {entered_ms, present_ms}:
        return UNKNOWN_MS
    return present_ms if present_ms >= entered_ms else None

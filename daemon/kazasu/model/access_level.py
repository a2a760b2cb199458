"""Who may pass which door when: access levels are doors, hours and what a read has to prove.

A person has levels by name, from the roster; a terminal knows the levels of its own doors, and a name that it does not
know is about doors elsewhere. Of several levels the best one counts, and a denial names what the best one lacked.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import msgspec

from kazasu.model.access import Assurance, DenyReason
from kazasu.model.calendar import Outside, Schedule
from kazasu.model.moment import Moment, TimeSource

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


class AccessLevel(msgspec.Struct, frozen=True, kw_only=True):
    """What a site gives people.

    Attributes:
        name: as in the roster.
        doors: which ones it opens; none: it opens nothing, and says what a person is (`extended`, …) at each door.
        schedule: when; None: at any time.
        min_assurance: what a read has to prove.
        valid_from: first day; None: since ever.
        valid_until: last day; None: for ever.
        needs_escort: whoever has no other level that opens the door enters only with somebody who escorts.
        escorts: may take people along who need an escort.
        extended: the door stays released for longer.
        emergency: counts also with the clock unset, then at any hour, and with a stale roster (rule 10).
        in_lockdown: counts also in a lockdown.
        first_person: whoever enters by it may start the hours in which a door stays unlocked.
        no_passback: passback lets the person pass, and records it.
    """

    name: str
    doors: frozenset[str] = frozenset()
    schedule: Schedule | None = None
    min_assurance: Assurance = Assurance.SERIAL
    valid_from: date | None = None
    valid_until: date | None = None
    needs_escort: bool = False
    escorts: bool = False
    extended: bool = False
    emergency: bool = False
    in_lockdown: bool = False
    first_person: bool = False
    no_passback: bool = False


class Circumstances(msgspec.Struct, frozen=True, kw_only=True):
    """What holds for everybody at a moment.

    Attributes:
        moment: in the terminal's time zone.
        roster_stale: the site has not vouched for the roster for too long.
        lockdown: the door is locked down.
    """

    moment: Moment
    roster_stale: bool = False
    lockdown: bool = False

    @property
    def clock_unset(self) -> bool:
        """Whether nobody knows what time it is."""
        return self.moment.source is TimeSource.NONE


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What a person's levels give at one door.

    Attributes:
        reason: None if one of them opens it.
        level: the one that does; empty if none.
        needs_escort: each that opens it asks for an escort.
        escorts: as in `AccessLevel`; of any level in force that is about this door or about none.
        extended: likewise.
        no_passback: likewise.
        first_person: of any level that opens it.
    """

    reason: DenyReason | None
    level: str = ""
    needs_escort: bool = False
    escorts: bool = False
    extended: bool = False
    no_passback: bool = False
    first_person: bool = False


_NEARER = (
    DenyReason.NO_ACCESS_LEVEL,
    DenyReason.LEVEL_NOT_YET_VALID,
    DenyReason.LEVEL_EXPIRED,
    DenyReason.OUT_OF_HOURS,
    DenyReason.HOLIDAY,
    DenyReason.CLOCK_UNSET,
    DenyReason.ROSTER_STALE,
    DenyReason.ASSURANCE_TOO_LOW,
    DenyReason.LOCKDOWN,
)
"""What levels are denied for, each nearer to opening than the ones before it: also the order of the questions."""
_RANK = {reason: rank for rank, reason in enumerate(_NEARER)}

_OUTSIDE = {Outside.HOURS: DenyReason.OUT_OF_HOURS, Outside.HOLIDAY: DenyReason.HOLIDAY}


class AccessLevels:
    """The levels that a terminal knows.

    A decision costs what a person's own levels cost, however many there are in all; the hours of a schedule that
    several of them share are looked at once.

    Args:
        levels: each with a name of its own.
    """

    def __init__(self, levels: Iterable[AccessLevel]) -> None:
        self._levels = {level.name: level for level in levels}

    def verdict(self, held: Iterable[str], door: str, assurance: Assurance, now: Circumstances) -> Verdict:
        """Say what a person's levels give at a door.

        Args:
            held: names, as the roster has them.
            door: which one.
            assurance: what the read proved.
            now: what holds for everybody.
        """
        outside = _remembering(now)
        nearest, opening, about = DenyReason.NO_ACCESS_LEVEL, [], []
        for name in held:
            level = self._levels.get(name)
            if level is None or (level.doors and door not in level.doors):
                continue
            reason = _out_of_force(level, now, outside)
            if reason is None:
                about.append(level)
                reason = _refusal(level, now, assurance)
            if not level.doors:
                continue
            if reason is None:
                opening.append(level)
            elif _RANK[reason] > _RANK[nearest]:
                nearest = reason
        return Verdict(
            reason=None if opening else nearest,
            level=min(opening, key=lambda level: level.needs_escort).name if opening else "",
            needs_escort=bool(opening) and all(level.needs_escort for level in opening),
            escorts=any(level.escorts for level in about),
            extended=any(level.extended for level in about),
            no_passback=any(level.no_passback for level in about),
            first_person=any(level.first_person for level in opening),
        )

    def asked(self, held: Iterable[str], doors: Iterable[str], now: Circumstances) -> Assurance:
        """The least that a read has to prove for one of these doors to open to the person.

        `SERIAL` if none would, whatever was proved: nobody is asked for a PIN that changes nothing.
        """
        at, outside = frozenset(doors), _remembering(now)
        levels = (level for name in held if (level := self._levels.get(name)) and not at.isdisjoint(level.doors))
        usable = (
            level.min_assurance
            for level in levels
            if _out_of_force(level, now, outside) is None and _refusal(level, now, Assurance.CHALLENGE_PIN) is None
        )
        return min(usable, default=Assurance.SERIAL)


def _remembering(now: Circumstances) -> Callable[[Schedule], Outside | None]:
    """Look at each schedule once."""
    known: dict[int, Outside | None] = {}

    def outside(schedule: Schedule) -> Outside | None:
        if id(schedule) not in known:
            known[id(schedule)] = schedule.outside(now.moment.at)
        return known[id(schedule)]

    return outside


def _refusal(level: AccessLevel, now: Circumstances, assurance: Assurance) -> DenyReason | None:
    """Say what a level in force lacks, in the order of `_NEARER`."""
    if not level.emergency and now.clock_unset:
        return DenyReason.CLOCK_UNSET
    if not level.emergency and now.roster_stale:
        return DenyReason.ROSTER_STALE
    if assurance < level.min_assurance:
        return DenyReason.ASSURANCE_TOO_LOW
    return DenyReason.LOCKDOWN if now.lockdown and not level.in_lockdown else None


def _out_of_force(
    level: AccessLevel, now: Circumstances, outside: Callable[[Schedule], Outside | None]
) -> DenyReason | None:
    """Say why a level does not count at this time; with the clock unset nobody can."""
    if now.clock_unset:
        return None
    if level.valid_from is not None and now.moment.at.date() < level.valid_from:
        return DenyReason.LEVEL_NOT_YET_VALID
    if level.valid_until is not None and now.moment.at.date() > level.valid_until:
        return DenyReason.LEVEL_EXPIRED
    why = None if level.schedule is None else outside(level.schedule)
    return None if why is None else _OUTSIDE[why]

"""What the configuration says of doors: who may pass is the access levels', and how a door moves is the door's own."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import tzinfo
from typing import Literal, TypeAlias

import msgspec

from kazasu.model.access_level import AccessLevels
from kazasu.model.calendar import Schedule
from kazasu.model.passback import Area

Way: TypeAlias = Literal["in", "out"]


class DoorRules(msgspec.Struct, frozen=True, kw_only=True):
    """What holds at one door for everybody.

    Attributes:
        name: the site's.
        two_person: nobody enters alone.
        interlock: doors that have to be closed and locked before this one opens.
        unlock: when it stays unlocked; None: never.
        first_person: `unlock` waits for somebody who may start it.
    """

    name: str
    two_person: bool = False
    interlock: tuple[str, ...] = ()
    unlock: Schedule | None = None
    first_person: bool = False


class Passage(msgspec.Struct, frozen=True, kw_only=True):
    """What a reader is for: one door, one way.

    Attributes:
        door: its name.
        way: in or out.
        leaves: the area that people come from.
        enters: the area that they come into.
    """

    door: str
    way: Way = "in"
    leaves: str = ""
    enters: str = ""


class DoorSite(msgspec.Struct, frozen=True, kw_only=True):
    """What the configuration says of doors.

    Attributes:
        doors: all of this terminal's.
        passages: by reader.
        areas: those with rules.
        zone: the terminal's.
        company_within_s: how long a first person waits for the second, and a visitor for the escort or the other way
            round.
        roster_max_age_s: a roster that is older is stale; None: none is.
    """

    doors: tuple[DoorRules, ...]
    passages: Mapping[str, Passage]
    zone: tzinfo
    areas: tuple[Area, ...] = ()
    company_within_s: float = 15
    roster_max_age_s: float | None = None


class DoorPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """Who may pass and when, as the site last said it: what a new roster can change while the terminal runs.

    Attributes:
        levels: those that this terminal knows.
        unlock: when each door stays unlocked that ever does by itself.
    """

    levels: AccessLevels
    unlock: Mapping[str, Schedule]

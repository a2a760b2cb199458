"""What an operator may order of the running terminal, at this machine or by a command of the site, and its answer."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, ClassVar, Literal, TypeAlias

import msgspec

from kazasu.model.access import Direction
from kazasu.model.cue import CueName

EVERY_DOOR = "*"
"""What an order, and the event about it, call all doors."""

LONGEST_UNLOCK_S = 7 * 86400
MOST_KEYS = 64

SHOWN_ON_ORDER = frozenset({CueName.DENIED, CueName.RETRY, CueName.BLOCKED, CueName.FAULT, CueName.FIND_ME})
"""Cues that may be tried from afar: they end, ask nobody for a PIN, and are no receipt (design, rule 1)."""

Name: TypeAlias = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
By: TypeAlias = Annotated[str, msgspec.Meta(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f]+$")]
"""Who orders it: a user's name; it is in the event."""


class _Order(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="order"):
    by: By

    must_be_recorded: ClassVar[bool] = True


class Look(_Order, frozen=True, kw_only=True, tag="look"):
    """Say how each door is."""

    must_be_recorded: ClassVar[bool] = False


class Release(_Order, frozen=True, kw_only=True, tag="release"):
    """Let one person through a door."""

    door: Name


class Unlock(_Order, frozen=True, kw_only=True, tag="unlock"):
    """Keep a door unlocked.

    Attributes:
        for_s: seconds after which it locks by itself; None until somebody orders it, or a restart.
    """

    door: Name
    for_s: Annotated[float, msgspec.Meta(gt=0, le=LONGEST_UNLOCK_S)] | None = None


class Relock(_Order, frozen=True, kw_only=True, tag="relock"):
    """End what `Unlock` ordered; a schedule goes on. Locking waits for no journal."""

    must_be_recorded: ClassVar[bool] = False

    door: Name


class Lockdown(_Order, frozen=True, kw_only=True, tag="lockdown"):
    """Begin or end a lockdown of one door, or of all: `EVERY_DOOR`."""

    door: Name
    active: bool


class ResetPassback(_Order, frozen=True, kw_only=True, tag="reset_passback"):
    """Forget where somebody is, so that the next tap counts as a first one.

    Attributes:
        cardholder: the person's number; None for everybody.
    """

    cardholder: Name | None = None


class Simulate(_Order, frozen=True, kw_only=True, tag="simulate"):
    """Change an input of a door that has no wires.

    Attributes:
        input: which.
        active: the door is open, the button pressed, somebody near, a fire, or the housing open.
    """

    must_be_recorded: ClassVar[bool] = False

    door: Name
    input: Literal["contact", "rex", "motion", "fire", "tamper"]
    active: bool


class IssueDayCard(_Order, frozen=True, kw_only=True, tag="issue_day_card"):
    """Lend a card of the pool to a person until midnight.

    Attributes:
        day_card: its number in the roster.
        cardholder: the person's.
    """

    day_card: Name
    cardholder: Name


class ReturnDayCard(_Order, frozen=True, kw_only=True, tag="return_day_card"):
    """Take a card of the pool back."""

    day_card: Name


class DayCardsOut(_Order, frozen=True, kw_only=True, tag="day_cards_out"):
    """Say which cards of the pool are out."""

    must_be_recorded: ClassVar[bool] = False


class Vouch(_Order, frozen=True, kw_only=True, tag="vouch"):
    """Let the next tap on a reader be a colleague's who vouches for a person without a card.

    Attributes:
        cardholder: the person's number.
        reader: None for the only one.
    """

    must_be_recorded: ClassVar[bool] = False

    cardholder: Name
    reader: Name | None = None


class EnterPaper(_Order, frozen=True, kw_only=True, tag="enter_paper"):
    """Record a punch that stands on a paper list.

    Attributes:
        cardholder: the person's number.
        direction: which way.
        punched_at: when, as the list says: RFC 3339 with offset.
        line: names the list's line, so that it is recorded once: 16 hexadecimal digits.
    """

    cardholder: Name
    direction: Direction
    punched_at: datetime
    line: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{16}$")]


class PressKeys(_Order, frozen=True, kw_only=True, tag="press_keys"):
    """Press keys of a keypad that is not there.

    Attributes:
        keys: by their labels: digits, # for Enter, * to take a digit back, C to give up.
    """

    must_be_recorded: ClassVar[bool] = False

    keys: Annotated[str, msgspec.Meta(pattern=rf"^[0-9#*C]{{1,{MOST_KEYS}}}$")]

    def __repr__(self) -> str:
        """Rule 7: they are somebody's code and PIN."""
        return "PressKeys(…)"


class BeginMuster(_Order, frozen=True, kw_only=True, tag="begin_muster"):
    """Begin a muster: from now on a tap at the meeting point says that somebody is safe."""


class EndMuster(_Order, frozen=True, kw_only=True, tag="end_muster"):
    """End it."""


class TellMuster(_Order, frozen=True, kw_only=True, tag="tell_muster"):
    """Say where this terminal saw everybody last, as `up/<terminal>/muster` says it: a document a line."""

    must_be_recorded: ClassVar[bool] = False


class PlayCue(_Order, frozen=True, kw_only=True, tag="play_cue"):
    """Play a cue once, as a test."""

    must_be_recorded: ClassVar[bool] = False

    cue: CueName


DoorOrder: TypeAlias = Look | Release | Unlock | Relock | Lockdown | ResetPassback | Simulate
PeopleOrder: TypeAlias = IssueDayCard | ReturnDayCard | DayCardsOut | Vouch | EnterPaper | PressKeys
MusterOrder: TypeAlias = BeginMuster | EndMuster | TellMuster
Order: TypeAlias = DoorOrder | PeopleOrder | MusterOrder | PlayCue


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What became of an order.

    Attributes:
        ok: it was done, and is recorded.
        said: for the person who ordered it: what is so now, or why it was not done.
    """

    ok: bool
    said: str

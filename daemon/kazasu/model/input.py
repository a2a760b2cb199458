"""Everything that can enter the terminal's queue; the terminal thread takes them one at a time."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, TypeAlias

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable

    from kazasu.model.access import DenyReason, Direction, EventFields, Identifier
    from kazasu.model.command import Command, TurnedAway, Verdict
    from kazasu.model.door_input import DoorInput
    from kazasu.model.door_rules import DoorPolicy
    from kazasu.model.order import Answer, Order
    from kazasu.model.receipt import Receipt


class CardPresented(msgspec.Struct, frozen=True, kw_only=True):
    """A card entered a field; its read begins."""

    reader: str


class CardRead(msgspec.Struct, frozen=True, kw_only=True):
    """A read ended: with an identifier, or with the reason why there is none. Exactly one a tap.

    Attributes:
        reader: the configured short name of the reader.
        identifier: None if the read failed.
        refusal: None if the read succeeded.
        detail: why, for the log; holds no number off the card.
    """

    reader: str
    identifier: Identifier | None = None
    refusal: DenyReason | None = None
    detail: str = ""


class PinAsked(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody is asked for a PIN, of a card or of a code; what is entered never enters this queue (rule 7).

    Attributes:
        tries_left: that the card in the field still allows; None for a code.
    """

    tries_left: int | None


class KeyTaken(msgspec.Struct, frozen=True, kw_only=True):
    """A key of a PIN or a code was pressed and taken; which, nobody says.

    Attributes:
        entered: how many digits there are now.
        of_code: of a code; else of a PIN.
    """

    entered: int
    of_code: bool = False


class PinEnded(msgspec.Struct, frozen=True):
    """The PIN was entered, or nobody finished; the read goes on."""


class CodeAbandoned(msgspec.Struct, frozen=True):
    """A code, or its PIN, was begun and nobody finished; no read comes of it."""


class ReaderState(enum.StrEnum):
    """How a reader is."""

    PRESENT = "present"
    MISSING = "missing"


class ReaderChanged(msgspec.Struct, frozen=True, kw_only=True):
    """A reader came, or has been missing for ten seconds."""

    reader: str
    state: ReaderState
    detail: str = ""


class ButtonPressed(msgspec.Struct, frozen=True, kw_only=True):
    """A push-button was pressed.

    Attributes:
        button: the way it stands for.
    """

    button: Direction


class DoorChanged(msgspec.Struct, frozen=True, kw_only=True):
    """A door's contact, REX, fire or tamper input changed, or was looked at for the first time.

    Attributes:
        door: the configured name.
        given: what happened.
    """

    door: str
    given: DoorInput


class ReceiptArrived(msgspec.Struct, frozen=True, kw_only=True):
    """The collector vouches, verifiably, for everything up to an event."""

    receipt: Receipt


class RosterApplied(msgspec.Struct, frozen=True, kw_only=True):
    """The site's roster counts from now on; it is durable.

    Attributes:
        fields: what the event says of it.
        rules: what it, or the configuration, says of doors now; None: what was said before.
    """

    fields: EventFields
    rules: DoorPolicy | None


class RosterRejected(msgspec.Struct, frozen=True, kw_only=True):
    """A roster came that is not taken over.

    Attributes:
        fields: what the event says of it.
    """

    fields: EventFields


class Ordered(msgspec.Struct, frozen=True, kw_only=True):
    """An operator at this machine orders something.

    Attributes:
        order: what.
        answer: takes the answer, exactly once; does not block.
    """

    order: Order
    answer: Callable[[Answer], None]


class CommandArrived(msgspec.Struct, frozen=True, kw_only=True):
    """The site commands something, or somebody tried in its name.

    Attributes:
        command: signed by the site; or why it was turned away before it came so far.
        answer: takes the verdict, exactly once; does not block.
    """

    command: Command | TurnedAway
    answer: Callable[[Verdict], None]


class CommandFailed(msgspec.Struct, frozen=True, kw_only=True):
    """A command that was accepted, and that no order does, could not be done.

    Attributes:
        command: which.
        said: why.
        answer: takes the verdict, exactly once; does not block.
    """

    command: Command
    said: str
    answer: Callable[[Verdict], None]


class Stop(msgspec.Struct, frozen=True):
    """The last input: everything before it has been handled."""


Input: TypeAlias = (
    CardPresented
    | CardRead
    | PinAsked
    | KeyTaken
    | PinEnded
    | CodeAbandoned
    | ReaderChanged
    | ButtonPressed
    | DoorChanged
    | Ordered
    | CommandArrived
    | CommandFailed
    | ReceiptArrived
    | RosterApplied
    | RosterRejected
    | Stop
)

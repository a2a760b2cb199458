"""The wires of doors, put together from the configuration: locks, contacts and buttons. The rest is assemble.py's."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, NamedTuple

from kazasu.doors import Doorway
from kazasu.model.door_input import (
    ContactChanged,
    FireChanged,
    RexKind,
    RexPressed,
    RexReleased,
    TamperChanged,
)
from kazasu.model.door_settings import DoorSettings, Fail
from kazasu.model.input import DoorChanged
from kazasu.outputs.locks import Locks
from kazasu.outputs.terminal import DrawnRelay

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from contextlib import ExitStack

    from kazasu.model.configuration import Config
    from kazasu.model.configuration_doors import Door
    from kazasu.model.door_input import DoorInput
    from kazasu.model.table import ButtonPin
    from kazasu.outputs.gpio import Header
    from kazasu.outputs.locks import Relay
    from kazasu.ports.clock import Clock
    from kazasu.ports.inbox import Inbox


class Unwired:
    """A door without a lock of its own: its answer is the cue's, and its relay."""

    def switch(self, on: bool) -> None:  # noqa: FBT001  (as it stands)
        """See locks.Relay."""


class Wired(NamedTuple):
    """Doors whose wires are open.

    Attributes:
        doorways: by name.
        locks: what keeps no lock released for too long.
    """

    doorways: Mapping[str, Doorway]
    locks: Locks


def open_doors(config: Config, inbox: Inbox, clock: Clock, header: Header | None, stack: ExitStack) -> Wired:
    """Open locks, contacts and buttons of all doors; how these are enters the inbox at once.

    Raises:
        OutputError: a pin that cannot be driven, or cannot be an input.
    """
    locks = open_locks(config, inbox, clock, header, stack)
    open_contacts(config, inbox, header, stack)
    return Wired(doorways(config, locks), locks)


def open_locks(config: Config, inbox: Inbox, clock: Clock, header: Header | None, stack: ExitStack) -> Locks:
    """Open the relays of all doors, off: each lock is locked.

    Raises:
        OutputError: a pin that cannot be driven.
    """
    relays = {
        door.name: (_relay(door, header, stack), settings_of(door, contact=True).longest_release_s)
        for door in config.doors
    }
    return Locks(relays, inbox, mono_s=clock.mono_s)


def doorways(config: Config, locks: Locks) -> Mapping[str, Doorway]:
    """The doors of the configuration, by name."""
    simulated = config.outputs.driver == "terminal"  # and so are the contacts: see model/order.py
    return {
        door.name: Doorway(settings_of(door, contact=simulated or door.contact is not None), locks.by_door[door.name])
        for door in config.doors
    }


def open_contacts(config: Config, inbox: Inbox, header: Header | None, stack: ExitStack) -> None:
    """Open contacts and buttons of all doors; how they are enters the inbox at once.

    Raises:
        OutputError: a pin that cannot be an input.
    """
    if header is None:
        return
    from kazasu.outputs.gpio import GpioContacts, Pin

    wired = [
        (Pin(number=pin.pin, active_low=pin.active_low), f"the {what} of door {door.name}", tell)
        for door in config.doors
        for what, pin, tell in _contacts(door, inbox)
        if pin is not None
    ]
    stack.callback(GpioContacts(wired, header).close)


def settings_of(door: Door, *, contact: bool) -> DoorSettings:
    """What the configuration says of how a door moves; `contact`: somebody tells when it opens and closes."""
    return DoorSettings(
        name=door.name,
        fail=Fail(door.fail),
        contact=contact,
        release_s=door.release,
        extended_release_s=door.extended_release,
        held_open_warning_s=door.held_open_warning,
        held_open_s=door.held_open,
    )


def _relay(door: Door, header: Header | None, stack: ExitStack) -> Relay:
    if header is None:
        drawn = DrawnRelay(door.name, sys.stdout)
        stack.callback(drawn.close)
        return drawn
    if door.strike is None:
        return Unwired()
    from kazasu.outputs.gpio import GpioRelay, Pin

    pin = Pin(number=door.strike.pin, active_low=door.strike.active_low)
    relay = GpioRelay(pin, f"the lock of door {door.name}", header)
    stack.callback(relay.close)
    return relay


def _contacts(door: Door, inbox: Inbox) -> Iterator[tuple[str, ButtonPin | None, Callable[[bool], None]]]:
    """What each contact of a door says when it closes, and when it opens.

    Contact, fire and tamper are closed while all is well, so that a cut wire is noticed; REX is closed while it asks.
    """

    def telling(closed: DoorInput, opened: DoorInput) -> Callable[[bool], None]:
        return lambda is_closed: inbox.put(DoorChanged(door=door.name, given=closed if is_closed else opened))

    yield "contact", door.contact, telling(ContactChanged(open=False), ContactChanged(open=True))
    yield "REX", door.rex, telling(RexPressed(RexKind.BUTTON), RexReleased(RexKind.BUTTON))
    yield "REX by motion", door.motion, telling(RexPressed(RexKind.MOTION), RexReleased(RexKind.MOTION))
    yield "fire input", door.fire, telling(FireChanged(active=False), FireChanged(active=True))
    yield "tamper contact", door.tamper, telling(TamperChanged(active=False), TamperChanged(active=True))

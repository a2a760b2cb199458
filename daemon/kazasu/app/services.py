"""What a terminal is for, put together: its services, and the one that it asks. The rest is assemble.py's.

Of services, and of what else only some terminals have, nothing is imported that the configuration does not name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from kazasu.meeting_point import MeetingPoint
from kazasu.presenting import Vouching
from kazasu.reception import Reception

if TYPE_CHECKING:
    from collections.abc import Callable

    from kazasu.model import configuration_people
    from kazasu.model.configuration import Config
    from kazasu.model.day_card import DayCards
    from kazasu.model.document import Signer
    from kazasu.model.try_limit import TryLimit
    from kazasu.ports.clock import Clock
    from kazasu.ports.services import Service
    from kazasu.reception import Pressed
    from kazasu.services.attendance import Attendance
    from kazasu.services.door_access import DoorAccess
    from kazasu.services.muster import Muster


class Services(NamedTuple):
    """The configured services.

    Attributes:
        names: `[services.<name>]`, in the order in which they are asked.
        asked: all of them as one.
        access: who passes doors; None without doors.
        attendance: None if nobody punches here.
        muster: None if no reader is at a meeting point.
    """

    names: tuple[str, ...]
    asked: Service
    access: DoorAccess | None
    attendance: Attendance | None
    muster: Muster | None


def services_of(config: Config, *, secure: Callable[[str], bool], roster_made_s: Callable[[], int | None]) -> Services:
    """Build what the configuration names.

    Args:
        config: checked.
        secure: whether a door is closed and locked.
        roster_made_s: see ports.store.Roster.made_s.

    Raises:
        ConfigurationError: the holidays of a country that nobody knows.
    """
    attendance, access, muster = None, None, None
    if config.services.attendance is not None:
        from kazasu.app.attendance import attendance_of

        attendance = attendance_of(config.services.attendance, config.terminal, config.punching)
    if config.services.door is not None:
        from kazasu.app.doors import door_access

        access = door_access(config, secure=secure, roster_made_s=roster_made_s)
    if config.services.muster is not None:
        from kazasu.services.muster import Muster

        muster = Muster(config.services.muster.readers, fire=config.services.muster.fire)
    services: list[Service] = [each for each in (attendance, access, muster) if each is not None]
    return Services(
        names=tuple(service.name for service in services),
        asked=services[0] if len(services) == 1 else _together(services),
        access=access,
        attendance=attendance,
        muster=muster,
    )


def meeting_point(config: Config, muster: Muster | None, signer: Signer, clock: Clock) -> MeetingPoint:
    """What there is for a muster; every terminal that sees people enter something keeps count of them."""
    if not config.sees_people:
        return MeetingPoint()
    from kazasu.app.doors import areas
    from kazasu.model.whereabouts import Whereabouts
    from kazasu.publishers.muster import MusterBoard

    terminal = config.terminal
    whereabouts = Whereabouts(terminal.id, areas(config), terminal.timezone)
    return MeetingPoint(muster, MusterBoard(whereabouts, site=terminal.site, signer=signer, clock=clock))


def reception_of(config: Config, attendance: Attendance | None, keypad: Pressed | None) -> Reception:
    """What there is for people without a card.

    Args:
        config: checked.
        attendance: takes punches from paper lists.
        keypad: takes keys from orders.
    """
    vouching = config.vouching
    return Reception(
        day_cards=None if config.day_cards is None else _day_cards(config.day_cards),
        vouching=None
        if vouching is None
        else Vouching(levels=frozenset(vouching.levels), within_s=float(vouching.within)),
        paper=attendance,
        readers=tuple(reader.name for reader in config.readers),
        tries=None if config.codes is None else _try_limit(config.codes),
        keypad=keypad,
    )


def _together(services: list[Service]) -> Service:
    from kazasu.services.together import Together

    return Together(services)


def _day_cards(day_cards: configuration_people.DayCards) -> DayCards:
    from kazasu.model.day_card import DayCards

    return DayCards(day_cards.cards)


def _try_limit(codes: configuration_people.Codes) -> TryLimit:
    from kazasu.model.try_limit import TryLimit

    return TryLimit(
        per_person=codes.tries_per_person, per_terminal=codes.tries_per_terminal, within_s=float(codes.within)
    )

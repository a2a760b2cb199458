"""What a terminal is for, put together: its services, and the one that it asks. The rest is assemble.py's."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from kazasu.app.cards import attendance_policy
from kazasu.app.doors import access_levels, areas, door_site
from kazasu.model.day_card import DayCards
from kazasu.model.schedule import TimeRange
from kazasu.model.try_limit import TryLimit
from kazasu.orders.muster import MeetingPoint
from kazasu.orders.people import Reception
from kazasu.presenting import Vouching
from kazasu.services.attendance import Alternation, Attendance, ByButton, BySchedule
from kazasu.services.door_access import DoorAccess
from kazasu.services.muster import Muster
from kazasu.services.together import Together

if TYPE_CHECKING:
    from collections.abc import Callable

    from kazasu.model import configuration, configuration_attendance
    from kazasu.model.configuration import Config
    from kazasu.model.document import Signer
    from kazasu.orders.people import Pressed
    from kazasu.ports import Clock, Service
    from kazasu.services.attendance import DirectionRule


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
        roster_made_s: see ports.Roster.made_s.

    Raises:
        ConfigurationError: the holidays of a country that nobody knows.
    """
    attendance, access, muster = None, None, None
    services: list[Service] = []
    if config.services.attendance is not None:
        attendance = _attendance(config.services.attendance, config.terminal, config.punching)
        services.append(attendance)
    if config.services.door is not None:
        access = DoorAccess(door_site(config), access_levels(config), secure=secure, roster_made_s=roster_made_s)
        services.append(access)
    if config.services.muster is not None:
        muster = Muster(config.services.muster.readers, fire=config.services.muster.fire)
        services.append(muster)
    return Services(
        names=tuple(service.name for service in services),
        asked=services[0] if len(services) == 1 else Together(services),
        access=access,
        attendance=attendance,
        muster=muster,
    )


def meeting_point(config: Config, muster: Muster | None, signer: Signer, clock: Clock) -> MeetingPoint:
    """What there is for a muster; every terminal that sees people enter something keeps count of them."""
    if not config.sees_people:
        return MeetingPoint()
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
    vouching, codes = config.vouching, config.codes
    return Reception(
        day_cards=None if config.day_cards is None else DayCards(config.day_cards.cards),
        vouching=None
        if vouching is None
        else Vouching(levels=frozenset(vouching.levels), within_s=float(vouching.within)),
        paper=attendance,
        readers=tuple(reader.name for reader in config.readers),
        tries=None
        if codes is None
        else TryLimit(
            per_person=codes.tries_per_person, per_terminal=codes.tries_per_terminal, within_s=float(codes.within)
        ),
        keypad=keypad,
    )


def _attendance(
    service: configuration_attendance.Attendance, terminal: configuration.Terminal, readers: tuple[str, ...]
) -> Attendance:
    return Attendance(
        _direction_rule(service),
        day_boundary=service.day_boundary,
        repeat_after_s=service.repeat_after,
        policy=attendance_policy(service, terminal),
        readers=readers,
    )


def _direction_rule(service: configuration_attendance.Attendance) -> DirectionRule:
    if service.direction == "button":
        return ByButton()
    if service.direction == "schedule":
        return BySchedule(
            [
                *((TimeRange(first=ways.first, last=ways.last), "in") for ways in service.in_),
                *((TimeRange(first=ways.first, last=ways.last), "out") for ways in service.out),
            ]
        )
    return Alternation()

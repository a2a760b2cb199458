"""Attendance, put together from the configuration: which way a punch is. The rest is services.py's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kazasu.app.cards import attendance_policy
from kazasu.model.schedule import TimeRange
from kazasu.services.attendance import Alternation, Attendance, ByButton, BySchedule

if TYPE_CHECKING:
    from kazasu.model import configuration, configuration_attendance
    from kazasu.services.attendance import DirectionRule


def attendance_of(
    service: configuration_attendance.Attendance, terminal: configuration.Terminal, readers: tuple[str, ...]
) -> Attendance:
    """The attendance service of the configuration, at these readers."""
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

"""The alarms of doors; apart from door_table.py, since what shows alarms is there where no door is, too."""

from __future__ import annotations

import enum


class Alarm(enum.StrEnum):
    """What is wrong at a door, the gravest first: one is shown at a time."""

    FORCED_OPEN = "forced_open"
    HELD_OPEN = "held_open"
    FIRE = "fire"
    FAULT = "fault"
    TAMPER = "tamper"
    HELD = "held"  # a warning: the alarm follows

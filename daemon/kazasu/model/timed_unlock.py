"""When a door stays unlocked by its schedule, and what has to happen first.

A start never unlocks (rule 11): hours that have begun while nothing ran count only from the next person who enters by
a level that may start them; without one the door stays locked, and cards open it as at any other time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kazasu.model.moment import TimeSource

if TYPE_CHECKING:
    from kazasu.model.calendar import Schedule
    from kazasu.model.moment import Moment


class TimedUnlock:
    """One door's.

    Args:
        schedule: when it stays unlocked.
        first_person: not before somebody has entered who may start it.
    """

    def __init__(self, schedule: Schedule, *, first_person: bool) -> None:
        self._schedule = schedule
        self._first_person = first_person
        self._was_closed = self._begun = False
        self._looked: Moment | None = None

    def tick(self, moment: Moment) -> bool:
        """Look at the time, at least once a minute; returns whether the door is to stay unlocked now."""
        self._looked = moment
        if moment.source is TimeSource.NONE:
            self._begun = self._was_closed = False
        elif self._schedule.outside(moment.at) is not None:
            self._begun, self._was_closed = False, True
        elif self._was_closed and not self._first_person:
            self._begun = True
        return self._begun

    def follow(self, schedule: Schedule) -> None:
        """Go by other hours from now on: what has begun goes on while they last."""
        self._schedule = schedule

    def entered(self, moment: Moment) -> None:
        """Take over that somebody entered who may start the hours.

        What happened before the last look at the time unlocks nothing: it was recorded before this start, and may be
        told long after it, by a journal that could not be read until then.
        """
        looked = self._looked
        if looked is None or looked.boot != moment.boot or moment.mono_ms < looked.mono_ms:
            return
        if moment.source is not TimeSource.NONE and self._schedule.outside(moment.at) is None:
            self._begun = True

    def lock(self) -> None:
        """Take over a lockdown: the hours do not go on after it unless somebody enters who may start them."""
        self._begun = self._was_closed = False

"""What a door answers to an input: what the lock and the alarm are to do, and what has to be recorded."""

from __future__ import annotations

import msgspec

from kazasu.model.access import EventFields
from kazasu.model.alarm import Alarm
from kazasu.model.door_table import DoorEventType


class LockOutput(msgspec.Struct, frozen=True, kw_only=True):
    """What the lock is to do.

    Attributes:
        released: the door can be opened from outside.
        energised: whether the lock's coil has current; for a strike that is released, for a magnet locked.
        lasting: released until told otherwise, and not for somebody who passes.
        release: counts the releases, so that one that never ends can be told from many.
    """

    released: bool
    energised: bool
    lasting: bool
    release: int


class DoorEvent(msgspec.Struct, frozen=True, kw_only=True):
    """What has to be recorded.

    Attributes:
        event_type: `door.opened`, …
        fields: flat; `door` and `contact` (`open`, `closed`, or `none` if none is wired) always.
    """

    event_type: DoorEventType
    fields: EventFields


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What follows from one input.

    Attributes:
        lock: what the lock is to do.
        alarm: what is wrong, the gravest if there are several.
        events: to record, in this order.
        wake_at_s: when a `Tick` is due, monotonic seconds; None if only an input changes anything.
        releases: the lock is to be released now, or to stay so after a fire, and not by fire: only once the events are
            durable.
    """

    lock: LockOutput
    alarm: Alarm | None
    events: tuple[DoorEvent, ...]
    wake_at_s: float | None
    releases: bool

    @property
    def energised(self) -> bool:
        """Whether the lock's coil has current."""
        return self.lock.energised

"""The locks of a terminal's doors, each with the second limit that cuts one that is never locked again.

The limit has a thread of its own, which sees only what a lock was told and the clock: it cuts a lock also while the
terminal's thread hangs. The relay is on while the lock is released, for a strike (COM and NO) as for a magnet (COM and
NC), so that a crash, which switches it off, opens neither.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Protocol

from kazasu.model.door_input import DoorFault, FaultChanged
from kazasu.model.input import DoorChanged
from kazasu.model.strike_limit import StrikeLimit

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from kazasu.model.door_outcome import LockOutput
    from kazasu.ports.inbox import Inbox
    from kazasu.ports.loops import Beat

_IDLE_S = 10.0  # the longest a loop may be silent: see ports.loops.Beat
_SPARE_S = 1.0  # the door's own time ends first


class Relay(Protocol):
    """What moves a lock."""

    def switch(self, on: bool) -> None:  # noqa: FBT001  (as it stands)
        """On: the lock is released. What it is already it stays.

        Raises:
            OutputError: it cannot be driven.
        """
        ...


class Wiring:
    """One lock: its relay, and its second limit. Implements ports.outputs.Lock; any thread."""

    def __init__(self, door: str, relay: Relay, longest_s: float, locks: Locks) -> None:
        self._door = door
        self._relay = relay
        self._limit = StrikeLimit(longest_s + _SPARE_S)
        self._locks = locks
        self._wanted: LockOutput | None = None

    def release(self, wanted: LockOutput) -> None:
        """See ports.outputs.Lock."""
        with self._locks.changed:
            self._wanted = wanted
            self.look()
            self._locks.changed.notify()

    def look(self) -> None:
        """Drive the relay as it is to be now; under the lock of `Locks`."""
        if self._wanted is None:
            return
        was_cut = self._limit.cut
        limited = self._limit.limited(self._wanted, self._locks.mono_s())
        self._relay.switch(limited.released)
        if self._limit.cut is not was_cut:
            self._locks.inbox.put(DoorChanged(door=self._door, given=FaultChanged(self._limit.cut, DoorFault.LOCK)))

    @property
    def wake_at_s(self) -> float | None:
        """When to look again, monotonic seconds; None if nothing is bounded now."""
        return self._limit.wake_at_s


class Locks:
    """All locks of a terminal, and the loop of their second limits. Implements ports.loops.Loop.

    Args:
        relays: by door, each with the longest time in seconds that one grant may release it.
        inbox: hears of a lock that had to be cut, and of its end.
        mono_s: monotonic seconds.
        condition: what the thread sleeps on.
    """

    def __init__(
        self,
        relays: Mapping[str, tuple[Relay, float]],
        inbox: Inbox,
        *,
        mono_s: Callable[[], float],
        condition: threading.Condition | None = None,
    ) -> None:
        self.inbox = inbox
        self.mono_s = mono_s
        self.changed = condition or threading.Condition()
        self._stopped = False
        self.by_door = {door: Wiring(door, relay, longest_s, self) for door, (relay, longest_s) in relays.items()}

    def run(self, beat: Beat) -> None:
        """Cut what has to be cut; see ports.loops.Loop.

        Raises:
            OutputError: a lock that has to be cut cannot be driven.
        """
        while True:
            beat()
            with self.changed:
                if self._stopped:
                    return
                for wiring in self.by_door.values():
                    if wiring.wake_at_s is not None and wiring.wake_at_s <= self.mono_s():
                        wiring.look()
                self.changed.wait(self._sleep_s())

    def stop(self) -> None:
        """Make `run` return; the relays are let go by whoever opened them."""
        with self.changed:
            self._stopped = True
            self.changed.notify()

    def _sleep_s(self) -> float:
        times_s = [at_s - self.mono_s() for wiring in self.by_door.values() if (at_s := wiring.wake_at_s) is not None]
        return max(0.0, min([_IDLE_S, *times_s]))

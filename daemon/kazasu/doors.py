"""The terminal's doors: what happens to them is recorded, and only then is a lock released (rule 1).

Locking, and a fire above all, wait for nothing: the lock moves, and it is recorded as well as can be. A release whose
event cannot be made durable is none, and the door is out of order until the journal works again; the way out is the
lock's own circuit and asks nobody here.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, NamedTuple, Protocol

from kazasu.errors import OutputError
from kazasu.model.alarm import Alarm
from kazasu.model.door import Door
from kazasu.model.door_input import DoorFault, FaultChanged, Granted, LockdownChanged, Tick, UnlockChanged, Unlocker
from kazasu.model.door_table import DoorState
from kazasu.model.event import Draft
from kazasu.model.presence import answered

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from kazasu.model.access import EventFields
    from kazasu.model.door_input import DoorInput
    from kazasu.model.door_outcome import DoorEvent, Outcome
    from kazasu.model.door_rules import DoorPolicy
    from kazasu.model.door_settings import DoorSettings
    from kazasu.model.event import Event
    from kazasu.model.moment import Moment
    from kazasu.ports.clock import Clock
    from kazasu.ports.health import Health
    from kazasu.ports.outputs import Lock
    from kazasu.recorder import Recorder

_log = logging.getLogger(__name__)

_LOOK_S = 10.0  # how often the hours of a schedule are looked at
_RETRY_S = 1.0  # how often a lock that could not be driven is tried again

_WORDS = {
    Alarm.FORCED_OPEN: "forced open",
    Alarm.HELD_OPEN: "held open",
    Alarm.FIRE: "released by the fire alarm",
    Alarm.FAULT: "out of order, and locked",
    Alarm.TAMPER: "its housing is open",
    Alarm.HELD: "open for long",
}


class Access(Protocol):
    """What is asked of the service that decides who passes doors."""

    def due(self, moment: Moment) -> Sequence[tuple[str, EventFields]]:
        """Event types and fields to record before anything else of this moment."""
        ...

    def locked_down(self, door: str) -> bool:
        """Whether a door is locked down."""
        ...

    def follow(self, policy: DoorPolicy) -> None:
        """Take over what the site says of levels and hours from now on."""
        ...

    def unlocked(self, moment: Moment) -> Mapping[str, bool]:
        """Which doors stay unlocked by their schedules now; asked at least once a minute."""
        ...


class Doorway(NamedTuple):
    """A door as it is installed: what the site decides about it, and its lock."""

    settings: DoorSettings
    lock: Lock


class Doors:
    """All doors of a terminal. The terminal's thread only.

    Args:
        doorways: by name; none for a terminal without doors.
        access: the service that decides who passes.
        recorder: the terminal's.
        clock: the terminal's.
        health: hears of alarms, and how each door is.
        changed: is called when the gravest alarm is another one.
    """

    def __init__(
        self,
        doorways: Mapping[str, Doorway],
        access: Access | None,
        recorder: Recorder,
        clock: Clock,
        health: Health,
        *,
        changed: Callable[[], None],
    ) -> None:
        self._locks = {name: doorway.lock for name, doorway in doorways.items()}
        self._access = access
        self._recorder = recorder
        self._clock = clock
        self._health = health
        self._changed = changed
        self._wake_at_s: dict[str, float] = {}
        self._held_until_s: dict[str, float] = {}
        self._stuck: dict[str, float] = {}
        self._alarms: dict[str, Alarm] = {}
        self._looked_s: float | None = None
        self._told = False
        # Rule 11: each begins locked, whatever it was before.
        self._doors = {name: Door(doorway.settings, clock.mono_s()) for name, doorway in doorways.items()}

    @property
    def names(self) -> tuple[str, ...]:
        """Of all doors."""
        return tuple(self._doors)

    @property
    def alarm(self) -> Alarm | None:
        """The gravest of all doors."""
        return next((alarm for alarm in Alarm if alarm in self._alarms.values()), None)

    def state(self, name: str) -> str:
        """How a door is, and its alarm, in a few words for people."""
        door, alarm = self._doors[name], self._alarms.get(name)
        bar = "" if door.state in {DoorState.LOCKED_DOWN, DoorState.FAULT} else door.bar
        alarmed = "" if alarm is None else f"; alarm: {_WORDS[alarm]}"
        return f"{door.state.value}{bar and f'; {bar}'}{alarmed}"

    def is_secure(self, name: str) -> bool:
        """Whether a door is closed and locked: what an interlock asks of the other door."""
        return self._doors[name].secure and name not in self._stuck

    def follow(self, policy: DoorPolicy) -> None:
        """Take over what the site says of levels and hours; `pass_time` acts on it."""
        if self._access is not None:
            self._access.follow(policy)
            self._looked_s = None

    def start(self) -> None:
        """Begin, once what was recorded before is known again: a lockdown outlives a start."""
        self._told = True
        self.pass_time()

    def waits_s(self, most_s: float) -> float:
        """In how many seconds `pass_time` has to be called, `most_s` at the most."""
        if self._told:
            return 0.0
        now_s = self._clock.mono_s()
        times_s = (*self._wake_at_s.values(), *self._held_until_s.values(), *self._stuck.values())
        return max(0.0, min([most_s, *(at_s - now_s for at_s in times_s)]))

    def pass_time(self) -> None:
        """See whose time is over, what was told since, and which doors their schedules unlock."""
        now_s = self._clock.mono_s()
        if self._told:
            self._told, self._looked_s = False, None
            self._follow()
        due = {name for times_s in (self._wake_at_s, self._stuck) for name, at_s in times_s.items() if at_s <= now_s}
        for name in sorted(due):
            self.take(name, Tick())
        for name in [name for name, at_s in self._held_until_s.items() if at_s <= now_s]:
            self.let_go(name)
        if self._access is not None and (self._looked_s is None or now_s - self._looked_s >= _LOOK_S):
            self._looked_s = now_s
            self._follow_schedules()

    def granted(self, event: Event) -> None:
        """Let the person through whose event is durable, if it grants a door: see services/together.py."""
        fields = event.fields
        if answered(fields)[0] != "granted":
            return
        name = str(fields["door"])
        in_lockdown = self._access is not None and self._access.locked_down(name)
        self.take(name, Granted(extended="extended" in fields, in_lockdown=in_lockdown, seq=event.seq))

    def released(self, name: str, event: Event) -> None:
        """Let through whom an operator lets through; the order's event is durable."""
        self.take(name, Granted(seq=event.seq))

    def bar(self, name: str) -> str:
        """What keeps people out now: `fault`, `lockdown`, or empty."""
        return self._doors[name].bar

    def hold(self, name: str, for_s: float | None) -> None:
        """Unlock a door for an operator: for so many seconds, or until `let_go`; no restart keeps it (rule 11)."""
        self._held_until_s.pop(name, None)
        if for_s is not None:
            self._held_until_s[name] = self._clock.mono_s() + for_s
        self.take(name, UnlockChanged(True, Unlocker.OPERATOR))

    def let_go(self, name: str) -> None:
        """End `hold`; a schedule goes on."""
        self._held_until_s.pop(name, None)
        self.take(name, UnlockChanged(False, Unlocker.OPERATOR))

    def recorded(self, event: Event) -> None:
        """Take over that something is durable, which the service has been told; `pass_time` acts on it.

        Not at once: it may be one of the events of a door that has not moved yet.
        """
        self._told = self._told or str(event.fields["event_type"]).startswith("lockdown.")

    def journal_changed(self) -> None:
        """Take over that the journal works again, or does so no longer; `pass_time` acts on it."""
        self._told = True

    def take(self, name: str, given: DoorInput) -> None:
        """Let something happen to a door.

        Args:
            name: which.
            given: what; a grant is durable already.
        """
        door, now_s = self._doors[name], self._clock.mono_s()
        outcome, was_stuck = door.take(given, now_s), name in self._stuck
        events = outcome.events
        if outcome.releases:
            if not self._record(events):
                outcome = door.take(FaultChanged(True, DoorFault.JOURNAL), now_s)
            events = ()
        if not self._moved(name, outcome):
            outcome = door.take(FaultChanged(True, DoorFault.LOCK), now_s)
            events += outcome.events
        self._record(events)
        if outcome.wake_at_s is None:
            self._wake_at_s.pop(name, None)
        else:
            self._wake_at_s[name] = outcome.wake_at_s
        self._tell(name, outcome.alarm)
        if was_stuck and name not in self._stuck:
            self.take(name, FaultChanged(False, DoorFault.LOCK))

    def _moved(self, name: str, outcome: Outcome) -> bool:
        """Release or lock; whether that worked. If it did not, `pass_time` tries again."""
        try:
            self._locks[name].release(outcome.lock)
        except OutputError as error:
            if name not in self._stuck:
                _log.critical("lock_failed", extra={"fields": {"door": name, "detail": str(error)}})
            self._stuck[name] = self._clock.mono_s() + _RETRY_S
            return False
        self._stuck.pop(name, None)
        return True

    def _record(self, events: tuple[DoorEvent, ...]) -> bool:
        """Record what happened; whether all of it is durable."""
        for event in events:
            draft = Draft(event_type=event.event_type.value, moment=self._recorder.now(), fields=event.fields)
            recorded = self._recorder.append(draft)
            if recorded is None:
                return False
            self._recorder.announce(recorded)
        return True

    def _follow(self) -> None:
        for name in self.names:
            if self._recorder.able:
                self.take(name, FaultChanged(False, DoorFault.JOURNAL))
            if self._access is not None:
                self.take(name, LockdownChanged(self._access.locked_down(name)))

    def _follow_schedules(self) -> None:
        if self._access is not None:
            for name, unlocked in self._access.unlocked(self._recorder.now()).items():
                self.take(name, UnlockChanged(unlocked, Unlocker.SCHEDULE))

    def _tell(self, name: str, alarm: Alarm | None) -> None:
        on_the_wire = f"door_{name.replace('-', '_')}"
        self._health.note(**{on_the_wire: self._doors[name].state.value})
        before, gravest = self._alarms.get(name), self.alarm
        if alarm is before:
            return
        if alarm is None:
            del self._alarms[name]
            self._health.clear(on_the_wire)
        else:
            self._alarms[name] = alarm
            self._health.alert(on_the_wire, f"door {name}: {_WORDS[alarm]}")
        if self.alarm is not gravest:
            self._changed()

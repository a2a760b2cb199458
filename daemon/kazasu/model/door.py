"""One door: what door_table.py says, with the time that passes and what stands (lockdown, unlock, fire, faults).

Pure: it is handed every input and the monotonic time, and answers with what the lock and the alarm are to do and what
has to be recorded. Whoever asks keeps this order (rule 1): if `Outcome.releases`, the events are made durable before
the lock is switched, and if they cannot be, it is not switched and the door is told of a `DoorFault.JOURNAL`;
everything else, fire and locking above all, is switched first.

A request to exit never releases anything here: it is wired into the lock's own circuit, and the way out waits for no
software. Here it is recorded, and excuses the opening that follows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kazasu.model.alarm import Alarm
from kazasu.model.door_input import Granted
from kazasu.model.door_outcome import DoorEvent, LockOutput, Outcome
from kazasu.model.door_settings import Fail
from kazasu.model.door_standing import Standing, naming
from kazasu.model.door_table import STATES, TABLE, DoorEventType, DoorState, Impossible, Signal

if TYPE_CHECKING:
    from kazasu.model.access import EventFields
    from kazasu.model.door_input import DoorInput
    from kazasu.model.door_settings import DoorSettings

_SECURE = frozenset({DoorState.LOCKED, DoorState.LOCKED_DOWN, DoorState.FAULT})
_WAY_OUT = {Signal.REX: "rex_button", Signal.MOTION: "rex_motion"}
_CAUSES = {
    DoorState.UNLOCKED: "grant",
    DoorState.PROPPED: "unlock",
    DoorState.FIRE_RELEASE: "fire",
    DoorState.FORCED_OPEN: "forced",
}


class Door:
    """Begins locked, whatever it was before (rule 11).

    Args:
        settings: the site's.
        mono_s: now.
    """

    def __init__(self, settings: DoorSettings, mono_s: float) -> None:
        self._settings = settings
        self._state = DoorState.STARTING
        self._now_s = mono_s
        self._deadline_s: float | None = mono_s + settings.start_s
        self._standing = Standing()
        self._release = self._granted_seq = 0
        self._unused = self._extended = False
        self._cause = "found_open"
        self._way_out, self._excused_until_s = "", mono_s
        self._unlocked_by = ""
        self._opened_s = self._timed_from_s = mono_s
        self._events: list[DoorEvent] = []

    @property
    def state(self) -> DoorState:
        """How the door is, as far as it was told."""
        return self._state

    @property
    def bar(self) -> str:
        """What keeps people out now, however the door is: `fault`, `lockdown`, or empty."""
        return self._standing.bar

    @property
    def secure(self) -> bool:
        """Closed and locked, and nobody is about to leave: what an interlock asks of the other door."""
        return self._state in _SECURE

    @property
    def lock(self) -> LockOutput:
        """What the lock is to do."""
        shape = STATES[self._state]
        return LockOutput(
            released=shape.released,
            energised=shape.released == (self._settings.fail is Fail.SECURE),
            lasting=shape.lasting,
            release=self._release,
        )

    def take(self, item: DoorInput, mono_s: float) -> Outcome:
        """Take one input, after whatever time has brought about before it.

        Args:
            item: what happened.
            mono_s: now, by the monotonic clock; a time before the last one counts as that one.

        Raises:
            AssertionError: the table calls it impossible; a defect of ours.
        """
        before, was, self._events = self.lock, self._state, []
        self._now_s = max(self._now_s, mono_s)
        self._pass_time()
        signal, fields = self._standing.take(item, starting=self._state is DoorState.STARTING)
        if signal is not None:
            self._apply(signal, self._now_s, fields)
            if isinstance(item, Granted) and signal is Signal.GRANTED:
                self._take_grant(item)
            self._pass_time()  # a duration of nothing is over at once
        lock = self.lock
        return Outcome(
            lock=lock,
            alarm=self._alarm(),
            events=tuple(self._events),
            wake_at_s=self._deadline_s,
            releases=lock.released
            and (lock != before or was is DoorState.FIRE_RELEASE)
            and self._state is not DoorState.FIRE_RELEASE,
        )

    def _pass_time(self) -> None:
        """Do what is due, each at its own time: a tick that comes late gives nobody longer."""
        while self._deadline_s is not None and self._deadline_s <= self._now_s:
            self._apply(Signal.TIMEOUT, self._deadline_s, {})

    def _apply(self, signal: Signal, at_s: float, fields: EventFields) -> None:
        cell, left = TABLE[self._state, signal], self._state
        if isinstance(cell, Impossible):
            raise AssertionError(  # noqa: TRY004  (no wrong type, but a defect)
                f"{left.value} cannot take {signal.value!r}: {cell.value}"
            )
        self._way_out = _WAY_OUT.get(signal, self._way_out)
        if signal in (Signal.REX, Signal.MOTION, Signal.REX_ENDED) and not self._standing.open:
            # In every state: a door that is released now may be locked again before it is opened.
            self._excused_until_s = at_s + self._settings.exit_s
        excused = at_s < self._excused_until_s
        to = cell.to if isinstance(cell.to, DoorState) else self._standing.chosen(cell.to, excused=excused)
        if signal is Signal.OPENED:
            self._opened_s = self._excused_until_s = at_s
        ends = STATES[left].ends
        if to not in (None, left) and ends is not None:
            self._record(ends, at_s, {})
        for event_type in cell.events:
            self._record(event_type, at_s, fields)
        if signal is Signal.OPENED:
            self._unused = False
        if to is not None:
            self._enter(to, left, signal, at_s)

    def _enter(self, to: DoorState, left: DoorState, signal: Signal, at_s: float) -> None:
        self._state = to
        if to is DoorState.OPENING or (to is DoorState.OPEN and left is not DoorState.OPENING):
            self._timed_from_s = at_s
        self._cause = self._way_out if to is DoorState.EXITING else _CAUSES.get(to, self._cause)
        if to in (DoorState.RELOCKING, DoorState.EXITING):
            self._extended = False
        if to in (DoorState.PROPPED, DoorState.FORCED_OPEN) or (to is not left and left is DoorState.RELOCKING):
            self._unused = False
        begins = STATES[to].begins
        if to is not left and begins is not None:
            if to is DoorState.PROPPED:
                self._unlocked_by = min(self._standing.unlockers).value
            self._record(begins, at_s, {})
        self._deadline_s = self._deadline(to, left, at_s)

    def _take_grant(self, item: Granted) -> None:
        """Whose passing it is from now on; whoever needs longer keeps that while others follow."""
        self._extended = self._extended or item.extended
        if self._state is DoorState.UNLOCKED:
            self._release += 1
            self._unused, self._granted_seq = True, item.seq
            release_s = self._settings.extended_release_s if self._extended else self._settings.release_s
            self._deadline_s = self._now_s + release_s
        elif self._state is DoorState.OPEN:
            self._deadline_s = self._deadline(self._state, self._state, self._now_s)

    def _deadline(self, state: DoorState, left: DoorState, at_s: float) -> float | None:
        settings = self._settings
        longer_s = settings.extended_release_s - settings.release_s if self._extended else 0.0
        match state:
            case DoorState.OPENING:
                return at_s + settings.relock_after_s
            case DoorState.OPEN:
                return self._timed_from_s + settings.held_open_warning_s + longer_s
            case DoorState.HELD:
                return self._timed_from_s + settings.held_open_s + longer_s
            case DoorState.RELOCKING:
                return at_s + settings.settle_s
            case DoorState.EXITING:
                return None if self._standing.leaving else self._excused_until_s
        return None

    def _alarm(self) -> Alarm | None:
        standing = {STATES[self._state].alarm}
        standing |= {
            alarm for alarm, on in ((Alarm.FAULT, self._standing.faults), (Alarm.TAMPER, self._standing.tamper)) if on
        }
        return next((alarm for alarm in Alarm if alarm in standing), None)

    def _record(self, event_type: DoorEventType, at_s: float, fields: EventFields) -> None:
        own: EventFields = {}
        match event_type:
            case DoorEventType.NOT_OPENED:
                if not self._unused or not self._settings.contact:
                    return
                own = naming(self._granted_seq)
            case DoorEventType.OPENED:
                own = {"cause": self._cause, **naming(self._granted_seq if self._cause == "grant" else 0)}
            case DoorEventType.CLOSED:
                own = {"open_ms": round((at_s - self._opened_s) * 1000)}
            case DoorEventType.UNLOCKED | DoorEventType.UNLOCKED_ENDED:
                own = {"by": self._unlocked_by}
            case DoorEventType.REX | DoorEventType.FAULT | DoorEventType.FAULT_ENDED | DoorEventType.NOT_RELEASED:
                own = fields
        contact = ("open" if self._standing.open else "closed") if self._settings.contact else "none"
        fields = {"door": self._settings.name, "contact": contact, **own}
        self._events.append(DoorEvent(event_type=event_type, fields=fields))

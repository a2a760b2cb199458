"""No order of taps, inputs, orders, clock steps, failures and power cuts opens a door that policy denies (rules 1, 11).

The real terminal with its doors, locks and second limits; fake are the journal, which may fail or take the power away
at any append, the relays, which may hang, and the clock. The model knows no state of a door and no class of the
service: it reads what is durable, looks at the clocks and the wires, and says what may be released and who may pass.
"""

from __future__ import annotations

import logging
from datetime import datetime, time
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from fakes.clock import FakeClock
from fakes.cues import FakeCues
from fakes.doors import OFFICE, TOKYO
from fakes.health import FakeHealth
from fakes.inbox import ListInbox
from fakes.journal import FakeJournal
from fakes.roster import FakeRoster, person
from kazasu.app.terminal import terminal_of
from kazasu.doors import Doors, Doorway
from kazasu.errors import JournalUnwritable, OutputError
from kazasu.model.access import Assurance, Identifier
from kazasu.model.access_level import AccessLevel, AccessLevels
from kazasu.model.alarm import Alarm
from kazasu.model.cue import CueName
from kazasu.model.door_input import (
    ContactChanged,
    FireChanged,
    RexKind,
    RexPressed,
    RexReleased,
    TamperChanged,
)
from kazasu.model.door_rules import DoorRules, DoorSite, Passage
from kazasu.model.door_settings import DoorSettings
from kazasu.model.input import CardRead, DoorChanged, Input, Ordered, ReaderChanged, ReaderState
from kazasu.model.moment import TimeSource
from kazasu.model.order import EVERY_DOOR, Lockdown, Release, Relock, ResetPassback, Unlock
from kazasu.model.passback import Area
from kazasu.model.policy import AssurancePolicy
from kazasu.outputs.locks import Locks
from kazasu.services.attendance import Alternation, Attendance
from kazasu.services.door_access import DoorAccess
from kazasu.services.together import Together
from kazasu.terminal import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kazasu.model.access import EventFields
    from kazasu.model.door_input import DoorInput
    from kazasu.model.event import Draft, Event
    from kazasu.model.order import Answer, Order

DOORS = ("lab", "gate")  # the gate has no contact: it has no leaf
BOTH = frozenset(DOORS)
LEVELS = (
    AccessLevel(name="staff", doors=BOTH, schedule=OFFICE),
    AccessLevel(name="always", doors=BOTH),
    AccessLevel(name="guard", doors=BOTH, in_lockdown=True),
    AccessLevel(name="fire", doors=BOTH, emergency=True),
    AccessLevel(name="slow", extended=True),
)
PEOPLE = {"1": ("staff",), "2": ("always",), "3": ("guard",), "4": ("fire",), "5": ("always", "slow"), "6": ()}
READERS = {
    "lab_in": Passage(door="lab", way="in", leaves="hall", enters="lab"),
    "lab_out": Passage(door="lab", way="out", leaves="lab", enters="hall"),
    "gate_in": Passage(door="gate", way="in", leaves="street", enters="hall"),
}
POLICY = AssurancePolicy(min_assurance=Assurance.SERIAL)
RELEASE_S, EXTENDED_S, RELOCK_S, EXIT_S = 5, 15, 1, 10
QUIET_S = EXIT_S + 3  # so long after its last change a door that nobody moves is closed and locked
COMPANY_MS = 15_000
RECORDED = ("held_open", "forced_open", "unlocked", "fire_release", "fault", "tamper")
people = st.sampled_from(sorted(PEOPLE))
doors = st.sampled_from(DOORS)


class PowerCut(BaseException):
    """Nothing runs any more."""


class Disk(FakeJournal):
    """Fails, or takes the power away, when a test says so.

    Attributes:
        fails_in: so many appends later all fail until somebody mends it; then nothing can be read either.
        cut_in: so many appends later the power goes; and whether that append is durable.
    """

    def __init__(self) -> None:
        super().__init__()
        self.fails_in: int | None = None
        self.cut_in: tuple[int, bool] | None = None

    def append(self, draft: Draft) -> Event:
        if self.fails_in is not None:
            if self.fails_in <= 0:
                raise JournalUnwritable("the disk is read-only")
            self.fails_in -= 1
        if self.cut_in is None:
            return super().append(draft)
        left, durable = self.cut_in
        self.cut_in = (left - 1, durable) if left else None
        if left:
            return super().append(draft)
        if durable:
            super().append(draft)
        raise PowerCut

    def recent(self, span_s: int) -> Iterator[Event]:
        return iter(()) if self.fails_in == 0 else super().recent(span_s)


class Relay:
    """Implements locks.Relay."""

    def __init__(self, moved: Callable[[], None]) -> None:
        self.on = self.stuck = False
        self._moved = moved

    def switch(self, on: bool) -> None:
        if self.stuck:
            raise OutputError("the relay board is gone")
        changed, self.on = on is not self.on, on
        if changed:
            self._moved()


class Woken:
    def wake(self) -> None:
        """Nobody publishes here."""


class House(RuleBasedStateMachine):
    """A gate where people punch, and a lab behind it.

    Attributes:
        let_through_s: by door, until when at the latest its last grant may hold the lock.
        held_s: by door, until when an operator holds it unlocked.
        opening: what the lab's leaf was found to be when it opened: True: forced; False: surely not; None: who knows.
    """

    @initialize(
        two_person=st.booleans(),
        interlock=st.booleans(),
        hard=st.booleans(),
        capacity=st.sampled_from([None, 2]),
        hour=st.sampled_from([6, 9, 19]),
    )
    def build(self, *, two_person: bool, interlock: bool, hard: bool, capacity: int | None, hour: int) -> None:
        logging.disable(logging.CRITICAL)
        self.two_person, self.interlock, self.hard, self.capacity = two_person, interlock, hard, capacity
        self.clock = FakeClock(datetime(2026, 11, 24, hour, 59, 30, tzinfo=TOKYO))
        self.stepped_s = 0
        self.journal = Disk()
        self.roster = FakeRoster([person(number, number * 32, levels=levels) for number, levels in PEOPLE.items()])
        self.roster.made_s = int(self.clock.at.timestamp())
        self.removed: set[str] = set()
        self.relays = {door: Relay(lambda door=door: self.moved(door)) for door in DOORS}  # type: ignore[misc]
        self.open, self.fire, self.tamper = False, dict.fromkeys(DOORS, False), dict.fromkeys(DOORS, False)
        self.leaving: dict[str, set[RexKind]] = {door: set() for door in DOORS}
        self.absorbed = 0
        self.lockdowns: set[str] = set()
        self.whereabouts: dict[str, str] = {}
        self.waiting: tuple[str, str, int] | None = None
        self.unbroken = True
        self.boot()

    # What runs.

    def boot(self) -> None:
        """Start, with nothing but the journal and what the wires say."""
        self.clock.advance(0.5)  # no start is faster
        for relay in self.relays.values():
            relay.on = False  # whoever loses the power loses the relay
        self.let_through_s = dict.fromkeys(DOORS, float("-inf"))
        self.extended_s = dict.fromkeys(DOORS, float("-inf"))
        self.held_s = dict.fromkeys(DOORS, float("-inf"))
        self.changed_s = dict.fromkeys(DOORS, self.clock.mono_s())
        self.was_closed = self.entered = False
        self.opening: bool | None = None
        self.excused_s = float("-inf")
        self.inbox, self.cues, self.health = ListInbox(), FakeCues(), FakeHealth()
        self.started = len(self.journal.events)
        self.absorb()
        longest_s = EXTENDED_S + RELOCK_S
        self.locks = Locks(
            {door: (relay, longest_s) for door, relay in self.relays.items()}, self.inbox, mono_s=self.clock.mono_s
        )
        both = {"lab": ("gate",), "gate": ("lab",)} if self.interlock else {"lab": (), "gate": ()}
        site = DoorSite(
            doors=(
                DoorRules(name="lab", two_person=self.two_person, interlock=both["lab"], unlock=OFFICE),
                DoorRules(name="gate", interlock=both["gate"]),
            ),
            passages=READERS,
            areas=(Area(name="lab", passback="hard" if self.hard else "off", capacity=self.capacity),),
            zone=TOKYO,
        )
        access = DoorAccess(
            site,
            AccessLevels(LEVELS),
            secure=lambda door: self._doors.is_secure(door),  # noqa: PLW0108  (it comes later)
            roster_made_s=lambda: self.roster.made_s,
        )
        punches = Attendance(
            Alternation(), day_boundary=time(5), repeat_after_s=120, policy=POLICY, readers={"gate_in"}
        )
        self.terminal = terminal_of(
            Settings(policy=POLICY, button_within_s=10, version="1"),
            inbox=self.inbox,  # type: ignore[arg-type]  # nobody runs the loop: `take` and `pass` stand for it
            clock=self.clock,
            roster=self.roster,
            service=Together([punches, access]),
            journal=self.journal,
            cues=self.cues,
            publisher=Woken(),
            health=self.health,
            access=access,
            doorways={
                door: Doorway(DoorSettings(name=door, contact=door == "lab"), self.locks.by_door[door])
                for door in DOORS
            },
        )
        if not self.runs(self.terminal._start):
            return
        for door in DOORS:
            for given in (FireChanged(self.fire[door]), TamperChanged(self.tamper[door])):
                self.tell(door, given)
            for kind in RexKind:
                self.tell(door, RexPressed(kind) if kind in self.leaving[door] else RexReleased(kind))
        self.tell("lab", ContactChanged(self.open))

    @property
    def _doors(self) -> Doors:
        """The terminal's."""
        assert self.terminal.doors is not None
        return self.terminal.doors

    def runs(self, do: Callable[[], None]) -> bool:
        """Let the terminal do something; False if the power went meanwhile, and it has started anew."""
        try:
            do()
            self._doors.pass_time()
            for item in self.inbox.drained():
                self.terminal.take(item)
                self._doors.pass_time()
        except PowerCut:
            self.unbroken = False
            self.boot()
            return False
        self.absorb()
        self.look_at_the_hours()
        return True

    def take(self, item: Input) -> bool:
        return self.runs(lambda: self.terminal.take(item))

    def tell(self, door: str, given: DoorInput) -> bool:
        self.changed_s[door] = self.clock.mono_s()
        return self.take(DoorChanged(door=door, given=given))

    def order(self, order: Order) -> Answer | None:
        answers: list[Answer] = []
        self.take(Ordered(order=order, answer=answers.append))
        return answers[0] if answers else None

    def moved(self, door: str) -> None:
        """A relay moves: before the lock is released, it is durable why, but in a fire."""
        self.changed_s[door] = self.clock.mono_s()
        if not self.relays[door].on or self.fire[door]:
            return
        now_ms = self.clock.now().mono_ms
        granted = any(lets_through(fields) and fields["mono_ms"] == now_ms for fields in self.durable(door))
        assert granted or self.is_unlocked(door)

    def durable(self, door: str) -> list[EventFields]:
        """What this run has recorded of a door."""
        return [event.fields for event in self.journal.events[self.started :] if event.fields.get("door") == door]

    def is_unlocked(self, door: str) -> bool:
        """Whether it is recorded that a door stays unlocked."""
        types = [fields["event_type"] for fields in self.durable(door)]
        return [each for each in types if str(each).startswith("door.unlocked")][-1:] == ["door.unlocked"]

    # What is durable, as the model understands it.

    def absorb(self, before: Event | None = None) -> None:
        for event in self.journal.events[self.absorbed :]:
            if event is before:
                return
            self.absorbed += 1
            self._absorb(event)

    def _absorb(self, event: Event) -> None:
        fields, here = event.fields, event.seq > self.started
        self._absorb_order(fields, here=here)
        if lets_through(fields):
            self._absorb_passing(fields, here=here)
        if fields.get("reason") == "second_person_needed":
            self.waiting = (str(fields["cardholder"]), str(fields["boot"]), int(fields["mono_ms"]))

    def _absorb_order(self, fields: EventFields, *, here: bool) -> None:
        door = str(fields.get("door", ""))
        match fields["event_type"]:
            case "lockdown.begun":
                for name in DOORS if door == EVERY_DOOR else [door]:
                    if not self.barred(name):  # whoever passes in a lockdown is not kept from it by another
                        self.let_through_s[name] = float("-inf")
                self.lockdowns.add(door)
                self.waiting = None
                self.look_at_the_hours()
            case "lockdown.ended":
                self.lockdowns = set() if door == EVERY_DOOR else self.lockdowns - {door}
            case "passback.reset":
                self.whereabouts.pop(str(fields["cardholder"]), None)
            case "operator.unlocked" if here:
                self.held_s[door] = int(fields["mono_ms"]) / 1000 + float(fields.get("for_s", "inf"))
            case "operator.relocked" if here:
                self.held_s[door] = float("-inf")

    def _absorb_passing(self, fields: EventFields, *, here: bool) -> None:
        door, now_s = str(fields["door"]), int(fields["mono_ms"]) / 1000
        if here:
            extended = "extended" in fields or now_s < self.extended_s[door]
            self.let_through_s[door] = now_s + (EXTENDED_S if extended else RELEASE_S) + RELOCK_S
            if extended:
                self.extended_s[door] = self.let_through_s[door] + 60  # an open door keeps it
        if "cardholder" not in fields:
            return
        for each in {str(fields["cardholder"]), str(fields.get("second_person", fields["cardholder"]))}:
            self.whereabouts[each] = str(fields["area"])
            if self.waiting is not None and self.waiting[0] == each:
                self.waiting = None
        if here and (door, fields["way"]) == ("lab", "in") and self.in_hours() and not self.barred("lab"):
            self.entered = self.clock_is_set()

    def look_at_the_hours(self) -> None:
        """Whether the lab may be unlocked by its hours: somebody came in them, or they began while it ran."""
        if not self.clock_is_set() or self.barred("lab"):
            self.was_closed = self.entered = False
        elif not self.in_hours():
            self.was_closed, self.entered = True, False

    def clock_is_set(self) -> bool:
        return self.clock.source is not TimeSource.NONE

    def in_hours(self) -> bool:
        at = self.clock.at
        return at.weekday() < 5 and 7 <= at.hour < 20

    def barred(self, door: str) -> bool:
        return not self.lockdowns.isdisjoint({door, EVERY_DOOR})

    def policy(self, number: str, reader: str, *, others: bool | None) -> str:
        """What a tap comes to; `others`: whether the other door is closed and locked; None: who knows."""
        passage = READERS[reader]
        if number in self.removed:
            return "unknown_card"
        refused = self.levels_refuse(PEOPLE[number], passage.door)
        if refused:
            return refused
        if self.interlock and others is not True:
            return "interlock" if others is False else "?"
        if self.hard and passage.enters == "lab" and self.whereabouts.get(number, "hall") != "hall":
            return "passback"
        return self.company_refuses(number) if passage.enters == "lab" else ""

    def levels_refuse(self, levels: tuple[str, ...], door: str) -> str:
        if "staff" in levels and self.clock_is_set() and not self.in_hours():
            return "out_of_hours"
        if not self.clock_is_set() and levels and "fire" not in levels:
            return "clock_unset"
        if not levels:
            return "no_access_level"
        return "lockdown" if self.barred(door) and "guard" not in levels else ""

    def company_refuses(self, number: str) -> str:
        inside = {each for each, area in self.whereabouts.items() if area == "lab"}
        second = self.second(number)
        party = {number} | ({second} if second else set())
        if self.capacity is not None and len(inside | party) > self.capacity and party - inside:
            return "area_full"
        return "second_person_needed" if self.two_person and second is None else ""

    def second(self, number: str) -> str | None:
        if not self.two_person or self.waiting is None:
            return None
        other, boot, mono_ms = self.waiting
        now = self.clock.now()
        return other if other != number and boot == now.boot and now.mono_ms - mono_ms <= COMPANY_MS else None

    def secure(self, door: str) -> bool | None:
        """Whether a door is closed and locked, by its wires alone."""
        if self.relays[door].on or (door == "lab" and self.open) or self.leaving[door] or self.fire[door]:
            return False
        return True if self.clock.mono_s() - self.changed_s[door] >= QUIET_S else None

    # What happens.

    @rule(number=people, reader=st.sampled_from(sorted(READERS)))
    def tap(self, number: str, reader: str) -> None:
        door = READERS[reader].door
        others = self.secure("gate" if door == "lab" else "lab")
        if any(relay.stuck for relay in self.relays.values()):
            others = False if others is False else None
        earlier, played = len(self.journal.events), len(self.cues.played)
        shut = door == "gate" or not self.open
        if not self.take_tap(number, reader):
            return
        found = [event for event in self.journal.events[earlier:] if "decision" in event.fields]
        cues = self.cues.played[played:]
        assert len(cues) == 1
        if not found:
            assert self.journal.fails_in is not None
            assert cues == [CueName.FAULT]
            return
        (event,) = found
        at_door = "door_" if "door_decision" in event.fields else ""
        granted = event.fields[f"{at_door}decision"] == "granted"
        reason = "" if granted else str(event.fields[f"{at_door}reason"])
        assert cues != [CueName.FAULT] or reason == "clock_unset"
        expected = self.expected(event, number, reader, others)
        if expected == "?":
            assert reason == "interlock" or reason == self.expected(event, number, reader, True)
        elif number in self.removed and reader == "gate_in":
            assert reason == expected
        else:
            assert reason == expected
        if granted and shut and not self.relays[door].stuck and self.opening is not True:
            assert self.relays[door].on or self.journal.fails_in is not None

    def take_tap(self, number: str, reader: str) -> bool:
        identifier = Identifier(kind="piv", pseudonym=number * 32, assurance=Assurance.CHALLENGE)
        self.before = (self.absorbed, set(self.lockdowns), dict(self.whereabouts), self.waiting)
        return self.take(CardRead(reader=reader, identifier=identifier))

    def expected(self, event: Event, number: str, reader: str, others: bool | None) -> str:
        """What the model says with what was durable before a tap's event."""
        now = (self.absorbed, set(self.lockdowns), dict(self.whereabouts), self.waiting)
        rest = (dict(self.let_through_s), dict(self.extended_s), dict(self.held_s), self.was_closed, self.entered)
        self.absorbed, self.lockdowns, self.whereabouts, self.waiting = self.before
        self.lockdowns, self.whereabouts = set(self.lockdowns), dict(self.whereabouts)
        self.absorb(before=event)
        said = self.policy(number, reader, others=others)
        self.absorbed, self.lockdowns, self.whereabouts, self.waiting = now
        self.let_through_s, self.extended_s, self.held_s, self.was_closed, self.entered = rest
        return said

    @rule(
        first=people,
        second=st.one_of(st.none(), people),
        reader=st.sampled_from(sorted(READERS)),
        seconds=st.integers(0, 16),
        between=st.sampled_from(["", "", "lockdown", "cut", "boot", "disk"]),
    )
    def come_together(self, first: str, second: str | None, reader: str, seconds: int, between: str) -> None:
        self.tap(first, reader)
        self.wait(seconds)
        match between:
            case "lockdown":
                self.lock_down(EVERY_DOOR, True)
            case "cut" | "boot":
                self.cut_the_power(between == "boot")
            case "disk":
                self.break_the_disk(1)
        self.tap(second or first, "lab_in")

    @rule(leaf=st.booleans())
    def move_the_leaf(self, leaf: bool) -> None:
        if leaf is self.open:
            return
        now_s, changed_s = self.clock.mono_s(), self.changed_s["lab"]
        relay = self.relays["lab"]
        self.opening = None
        if leaf and not relay.stuck:
            if relay.on or self.leaving["lab"] or self.fire["lab"] or now_s < self.excused_s:
                self.opening = False
            elif now_s - changed_s >= QUIET_S and self.journal.fails_in is None:
                self.opening = True
        self.open, self.excused_s = leaf, float("-inf")
        self.tell("lab", ContactChanged(leaf))

    @rule(door=doors, kind=st.sampled_from(RexKind))
    def ask_for_the_way_out_or_end_it(self, door: str, kind: RexKind) -> None:
        self.leaving[door] ^= {kind}
        if door == "lab" and not self.open:
            self.excused_s = self.clock.mono_s() + EXIT_S
        self.tell(door, RexPressed(kind) if kind in self.leaving[door] else RexReleased(kind))

    @rule(door=doors)
    def change_fire(self, door: str) -> None:
        self.fire[door] = not self.fire[door]
        if self.fire[door]:
            self.opening = self.opening and None if door == "lab" else self.opening
        self.tell(door, FireChanged(self.fire[door]))

    @rule(door=doors, broken=st.booleans())
    def burn_while_it_is_unlocked(self, door: str, broken: bool) -> None:
        self.unlock(door, None, False)
        self.change_fire(door)
        if broken:
            self.break_the_disk(0)
        self.change_fire(door)

    @rule(door=doors)
    def change_tamper(self, door: str) -> None:
        self.tamper[door] = not self.tamper[door]
        self.take(DoorChanged(door=door, given=TamperChanged(self.tamper[door])))

    @rule(door=st.sampled_from([*DOORS, EVERY_DOOR]), active=st.booleans())
    def lock_down(self, door: str, active: bool) -> None:
        self.order(Lockdown(by="taro", door=door, active=active))

    @rule(door=doors, for_s=st.sampled_from([None, 30.0]), broken=st.booleans())
    def unlock(self, door: str, for_s: float | None, broken: bool) -> None:
        if broken:  # just before the door's own event
            self.break_the_disk(1)
        self.order(Unlock(by="taro", door=door, for_s=for_s))

    @rule(door=doors)
    def relock(self, door: str) -> None:
        self.order(Relock(by="taro", door=door))

    @rule(door=doors)
    def release(self, door: str) -> None:
        answer = self.order(Release(by="taro", door=door))
        if answer is not None and answer.ok:
            assert not self.barred(door)

    @rule(number=people)
    def forget(self, number: str) -> None:
        self.order(ResetPassback(by="taro", cardholder=number))

    @rule(seconds=st.one_of(st.integers(0, 40), st.just(3600)))
    def wait(self, seconds: int) -> None:
        left_s = float(seconds)
        while left_s > 0:
            now_s = min(self._doors.waits_s(10.0), left_s)
            self.clock.advance(now_s)
            left_s -= now_s
            if not self.runs(self.terminal._recorder.idle if now_s == 10.0 else lambda: None):
                return

    @rule(let_in=st.sampled_from([*DOORS, None]))
    def hang(self, let_in: str | None) -> None:
        """The terminal's thread does nothing for longer than any grant; the limits' does."""
        if let_in is not None:
            self.release(let_in)
        self.clock.advance(EXTENDED_S + RELOCK_S + 1)
        with self.locks.changed:
            for door, wiring in self.locks.by_door.items():
                due = wiring.wake_at_s is not None and wiring.wake_at_s <= self.clock.mono_s()
                if due and not self.relays[door].stuck:  # that would end the process
                    wiring.look()
        for door, relay in self.relays.items():
            assert not relay.on or relay.stuck or self.fire[door] or self.is_unlocked(door)
        self.runs(lambda: None)

    @rule(seconds=st.sampled_from([-3600, -7, 7, 3600, 2 * 3600]))
    def set_the_clock(self, seconds: int) -> None:
        if abs(self.stepped_s + seconds) > 4 * 3600:
            seconds = -seconds
        self.stepped_s += seconds
        before = [relay.on for relay in self.relays.values()]
        self.clock.step(seconds)
        self.look_at_the_hours()
        if not self.runs(lambda: None):
            return
        assert before == [relay.on for relay in self.relays.values()] or self.relays["lab"].on is not before[0]
        self.wait(10)  # the hours are looked at

    @rule(source=st.sampled_from([TimeSource.NTP, TimeSource.NTP, TimeSource.HOLDOVER, TimeSource.NONE]))
    def change_the_source(self, source: TimeSource) -> None:
        self.clock.source = source
        self.look_at_the_hours()
        self.wait(10)

    @rule(number=people)
    def change_the_roster(self, number: str) -> None:
        self.removed ^= {number}
        kept = [person(each, each * 32, levels=levels) for each, levels in PEOPLE.items() if each not in self.removed]
        self.roster._enrolments = {enrolment.credential.pseudonym: enrolment for enrolment in kept}

    @rule(after=st.integers(0, 3))
    def break_the_disk(self, after: int) -> None:
        self.journal.fails_in, self.unbroken = after, False

    @precondition(lambda self: self.journal.fails_in is not None)
    @rule(by_reader=st.booleans())
    def mend_the_disk(self, by_reader: bool) -> None:
        self.journal.fails_in = None
        if by_reader:
            self.take(ReaderChanged(reader="lab_in", state=ReaderState.PRESENT))

    @rule(number=people, lockdown=st.booleans())
    def start_without_a_disk_that_comes_later(self, number: str, lockdown: bool) -> None:
        if lockdown:
            self.lock_down("lab", True)
        self.break_the_disk(0)
        self.cut_the_power(False)
        self.mend_the_disk(True)
        self.tap(number, "lab_in")

    @rule(after=st.integers(0, 2), durable=st.booleans())
    def the_power_will_go(self, after: int, durable: bool) -> None:
        self.journal.cut_in = (after, durable)

    @rule(boot=st.booleans())
    def cut_the_power(self, boot: bool) -> None:
        self.unbroken = False
        if boot:
            self.clock.reboot()
        self.boot()

    @rule(door=doors)
    def hang_or_free_the_relay(self, door: str) -> None:
        relay = self.relays[door]
        relay.stuck = not relay.stuck
        self.changed_s[door] = self.clock.mono_s()
        self.wait(2)  # tried again

    # What holds.

    @invariant()
    def nothing_is_released_without_a_reason(self) -> None:
        if not hasattr(self, "terminal"):
            return
        now_s = self.clock.mono_s()
        for door, relay in self.relays.items():
            if relay.stuck:
                continue
            by_hours = door == "lab" and self.clock_is_set() and self.in_hours() and (self.was_closed or self.entered)
            stays = (by_hours or now_s < self.held_s[door]) and not self.barred(door)
            if relay.on:
                assert self.fire[door] or (stays and self.is_unlocked(door)) or now_s < self.let_through_s[door]
            if self.fire[door]:
                assert relay.on

    @invariant()
    def a_forced_leaf_alarms_and_no_other(self) -> None:
        if not hasattr(self, "terminal"):
            return
        forced = self._doors.alarm is Alarm.FORCED_OPEN
        if not self.open or self.fire["lab"] or self.opening is False:
            assert not forced
        elif self.opening is True:
            assert forced

    def teardown(self) -> None:
        """Mend, close and end everything: every alarm ends, and what began in an unbroken run has ended."""
        try:
            if hasattr(self, "terminal"):
                self.end()
        finally:
            logging.disable(logging.NOTSET)

    def end(self) -> None:
        self.journal.fails_in = self.journal.cut_in = None
        for relay in self.relays.values():
            relay.stuck = False
        self.wait(11)
        self.move_the_leaf(False)
        for door in DOORS:
            for kind in self.leaving[door].copy():
                self.ask_for_the_way_out_or_end_it(door, kind)
            if self.fire[door]:
                self.change_fire(door)
            if self.tamper[door]:
                self.change_tamper(door)
            self.relock(door)
        self.clock.source = TimeSource.NTP
        self.lock_down(EVERY_DOOR, True)
        self.wait(30)
        assert self._doors.alarm is None
        assert not any(alert.startswith("door_") for alert in self.health.alerts)
        assert not any(relay.on for relay in self.relays.values())
        assert {self._doors.state(door) for door in DOORS} == {"locked_down"}
        if self.unbroken:
            self.what_began_has_ended()

    def what_began_has_ended(self) -> None:
        standing: set[tuple[str, str]] = set()
        for event in self.journal.events:
            kind, door = str(event.fields["event_type"]), str(event.fields.get("door"))
            if kind.endswith("_ended"):
                standing.remove((kind.removesuffix("_ended"), door))
            elif kind in {f"door.{name}" for name in RECORDED}:
                assert (kind, door) not in standing
                standing.add((kind, door))
        assert standing == set()


def lets_through(fields: EventFields) -> bool:
    """Whether an event lets somebody through a door."""
    if fields["event_type"] in {"door.granted", "operator.released"}:
        return True
    return fields.get("door_decision") == "granted"


TestHouse = pytest.mark.rule(1)(pytest.mark.rule(11)(House.TestCase))
TestHouse.settings = settings(max_examples=150, stateful_step_count=30, deadline=None)

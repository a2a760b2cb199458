"""The same door on the Pi's pins and drawn in a terminal: what opens it, what is noticed, what is left at the end."""

from __future__ import annotations

import io
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import pytest
from gpiozero.pins.mock import MockFactory

from fakes.clock import FakeClock
from fakes.health import FakeHealth
from fakes.inbox import ListInbox
from fakes.journal import FakeJournal
from fakes.outputs import ScriptedCondition
from fakes.roster import FakeRoster
from kazasu.app.wiring import doorways, open_contacts, open_locks
from kazasu.config import parse
from kazasu.doors import Doors
from kazasu.errors import OutputError
from kazasu.model.alarm import Alarm
from kazasu.model.door_input import (
    ContactChanged,
    DoorFault,
    FaultChanged,
    FireChanged,
    Granted,
    LockdownChanged,
    RexKind,
    RexPressed,
    RexReleased,
    TamperChanged,
    UnlockChanged,
)
from kazasu.model.door_table import DoorEventType
from kazasu.model.input import DoorChanged
from kazasu.outputs.gpio import GpioRelay, Header, Pin
from kazasu.outputs.locks import Locks
from kazasu.outputs.terminal import DrawnRelay
from kazasu.recorder import Followers, Recorder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kazasu.model.configuration import Config
    from kazasu.model.door_input import DoorInput

STRIKE, CONTACT, REX, MOTION, FIRE, TAMPER = 5, 18, 4, 6, 20, 21
BASE = """
[terminal]
site = "town"
id = "lab"
[[readers]]
name = "desk"
[cards]
kinds = ["felica"]
[services.door]
[outputs]
driver = "terminal"
[collector]
present = false
[[doors]]
name = "lab"
readers = ["desk"]
"""
WIRED = f"""
strike = {{ pin = {STRIKE}, active_low = true }}
contact = {{ pin = {CONTACT} }}
rex = {{ pin = {REX} }}
motion = {{ pin = {MOTION} }}
fire = {{ pin = {FIRE} }}
tamper = {{ pin = {TAMPER} }}
"""
ON_PINS = BASE.replace(
    'driver = "terminal"', "[outputs.gpio]\ngreen = { pin = 17 }\nred = { pin = 27 }\nbuzzer = { pin = 22 }"
)


def config(text: str) -> Config:
    return parse(text.encode(), Path("/etc/kazasu/kazasu.toml"))


class Hardware(Protocol):
    """A door as hands and eyes know it."""

    locks: Locks

    @property
    def released(self) -> bool: ...

    def leaf(self, *, closed: bool) -> None: ...

    def rex(self, *, pressed: bool) -> None: ...

    def motion(self, *, seen: bool) -> None: ...

    def fire(self, *, burning: bool) -> None: ...

    def tamper(self, *, opened: bool) -> None: ...


class OnPins:
    """gpiozero's pins, without a Pi under them: a contact that closes pulls its pin low."""

    def __init__(self, inbox: ListInbox, clock: FakeClock, stack: ExitStack, wired: str = WIRED) -> None:
        self._factory = MockFactory()
        header = Header(self._factory)
        settings = config(ON_PINS + wired)
        self.locks = open_locks(settings, inbox, clock, header, stack)
        open_contacts(settings, inbox, header, stack)
        self.ways = doorways(settings, self.locks)

    @property
    def released(self) -> bool:
        pin = self._factory.pin(STRIKE)
        return pin.function == "output" and not pin.state

    def leaf(self, *, closed: bool) -> None:
        self._drive(CONTACT, low=closed)

    def rex(self, *, pressed: bool) -> None:
        self._drive(REX, low=pressed)

    def motion(self, *, seen: bool) -> None:
        self._drive(MOTION, low=seen)

    def fire(self, *, burning: bool) -> None:
        self._drive(FIRE, low=not burning)

    def tamper(self, *, opened: bool) -> None:
        self._drive(TAMPER, low=not opened)

    def _drive(self, number: int, *, low: bool) -> None:
        pin = self._factory.pin(number)
        pin.drive_low() if low else pin.drive_high()


class Drawn:
    """Lines in a terminal; what no wire tells, the test says."""

    def __init__(self, inbox: ListInbox, clock: FakeClock, stack: ExitStack, wired: str = WIRED) -> None:
        self._stream = io.StringIO()
        self._inbox = inbox
        settings = config(ON_PINS + wired)
        (door,) = settings.doors
        relay = DrawnRelay(door.name, self._stream)
        stack.callback(relay.close)
        self.locks = Locks({"lab": (relay, 16.0)}, inbox, mono_s=clock.mono_s)
        self.ways = doorways(settings, self.locks)
        for given in (ContactChanged(True), FireChanged(True), TamperChanged(True)):
            self._tell(given)  # as pins do that nothing is connected to

    @property
    def released(self) -> bool:
        return self._stream.getvalue().endswith("door lab: released\n")

    def leaf(self, *, closed: bool) -> None:
        self._tell(ContactChanged(not closed))

    def rex(self, *, pressed: bool) -> None:
        self._tell(RexPressed() if pressed else RexReleased())

    def motion(self, *, seen: bool) -> None:
        self._tell(RexPressed(RexKind.MOTION) if seen else RexReleased(RexKind.MOTION))

    def fire(self, *, burning: bool) -> None:
        self._tell(FireChanged(burning))

    def tamper(self, *, opened: bool) -> None:
        self._tell(TamperChanged(opened))

    def _tell(self, given: DoorInput) -> None:
        self._inbox.put(DoorChanged(door="lab", given=given))


class Woken:
    def wake(self) -> None:
        """Nobody publishes here."""


class Site:
    """A door with its wires, driven as the terminal's thread does."""

    def __init__(self, hardware: type[OnPins | Drawn], stack: ExitStack, door: str = WIRED) -> None:
        self.clock, self.journal, self.inbox = FakeClock(), FakeJournal(), ListInbox()
        wired = hardware(self.inbox, self.clock, stack, door)
        self.door: Hardware = wired
        self.locks = wired.locks
        recorder = Recorder(self.journal, self.clock, FakeRoster(), FakeHealth(), Woken())
        self.doors = Doors(wired.ways, None, recorder, self.clock, FakeHealth(), changed=lambda: None)
        recorder.followers = Followers(recorded=[self.doors.recorded], changed=[self.doors.journal_changed])
        self.doors.start()
        self.now()
        # What stands at the start: the installer connects the wires, and the door is shut.
        self.door.fire(burning=False)
        self.door.tamper(opened=False)
        self.door.leaf(closed=True)
        self.now()
        self.pass_time(10)
        self.journal.events.clear()

    def now(self) -> None:
        """Take what the wires have told."""
        for item in self.inbox.drained():
            assert isinstance(item, DoorChanged)
            self.doors.take(item.door, item.given)
        self.doors.pass_time()

    def pass_time(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.now()

    def grant(self) -> None:
        self.doors.take("lab", Granted(seq=1))

    def events(self) -> list[str]:
        self.now()
        return [str(event.fields["event_type"]).removeprefix("door.") for event in self.journal.events]


@pytest.fixture(params=[OnPins, Drawn])
def stage(request: pytest.FixtureRequest) -> Iterator[tuple[Site, Callable[[], None]]]:
    with ExitStack() as stack:
        yield Site(request.param, stack), stack.close


@pytest.fixture
def site(stage: tuple[Site, Callable[[], None]]) -> Site:
    return stage[0]


def test_a_grant_lets_one_person_through_and_locks_behind_them(site: Site) -> None:
    assert not site.door.released
    site.grant()
    assert site.door.released
    site.door.leaf(closed=False)
    assert site.events() == ["opened"]
    site.pass_time(1.1)
    assert not site.door.released, "once it is open, nobody needs the strike"
    site.door.leaf(closed=True)
    assert site.events() == ["opened", "closed"]
    assert site.journal.events[0].fields["cause"] == "grant"


def test_a_leaf_that_opens_by_itself_is_forced_and_the_alarm_ends_with_it(site: Site) -> None:
    site.door.leaf(closed=False)
    assert site.events() == ["forced_open"]
    assert site.doors.alarm is Alarm.FORCED_OPEN
    site.door.leaf(closed=True)
    assert site.events() == ["forced_open", "forced_open_ended", "closed"]
    assert site.doors.alarm is None


def test_a_leaf_that_stays_open_warns_and_alarms(site: Site) -> None:
    site.grant()
    site.door.leaf(closed=False)
    site.now()
    site.pass_time(21)
    assert site.doors.alarm is Alarm.HELD
    site.pass_time(10)
    assert site.events()[-1] == "held_open"


def test_who_leaves_by_the_button_forces_nothing(site: Site) -> None:
    site.door.rex(pressed=True)
    site.door.rex(pressed=False)
    site.door.leaf(closed=False)
    assert site.events() == ["rex", "opened"]
    assert site.journal.events[1].fields["cause"] == "rex_button"
    assert not site.door.released, "the button's own pole opens the lock, and no software"


def test_who_leaves_past_the_motion_detector_forces_nothing(site: Site) -> None:
    site.door.motion(seen=True)
    site.door.leaf(closed=False)
    assert site.events() == ["opened"]
    assert site.journal.events[0].fields["cause"] == "rex_motion"


def test_a_fire_releases_until_it_is_over(site: Site) -> None:
    site.door.fire(burning=True)
    site.now()
    assert site.door.released
    site.pass_time(3600)
    assert site.door.released, "the second limit is not for a fire"
    site.door.fire(burning=False)
    assert site.events() == ["fire_release", "fire_release_ended"]
    assert not site.door.released


def test_a_housing_that_is_opened_is_told(site: Site) -> None:
    site.door.tamper(opened=True)
    assert site.events() == ["tamper"]
    site.door.tamper(opened=False)
    assert site.events() == ["tamper", "tamper_ended"]


def test_the_second_limit_cuts_a_lock_while_the_terminal_hangs(site: Site) -> None:
    site.grant()
    site.clock.advance(30)  # and nobody takes anything

    def looked() -> None:
        assert not site.door.released
        site.locks.stop()

    site.locks.changed = ScriptedCondition(site.clock, [(0.0, looked)])
    site.locks.run(lambda: None)
    (told,) = site.inbox.drained()
    assert told == DoorChanged(door="lab", given=FaultChanged(True, DoorFault.LOCK))

    site.inbox.put(told)
    assert site.events() == ["not_opened", "fault"]
    assert not site.door.released
    assert site.events() == ["not_opened", "fault", "fault_ended"], "the lock was told to lock"
    site.grant()
    assert site.door.released


def test_the_second_limit_leaves_a_door_alone_that_its_hours_unlock(site: Site) -> None:
    site.doors.take("lab", UnlockChanged(True))
    site.clock.advance(3600)
    site.locks.changed = ScriptedCondition(site.clock, [(0.0, site.locks.stop)])
    site.locks.run(lambda: None)
    assert site.door.released


@pytest.mark.rule(11)
def test_the_end_of_the_program_leaves_the_lock_locked(stage: tuple[Site, Callable[[], None]]) -> None:
    site, close = stage
    site.grant()
    assert site.door.released
    close()
    assert not site.door.released


def live(site: Site, close: Callable[[], None]) -> list[object]:
    """A door's whole life: how lock, state and alarm are after each step, what was recorded, and the end."""
    seen: list[object] = []
    leaf, door = site.door.leaf, site.doors

    def opened() -> None:
        leaf(closed=False)

    def closed() -> None:
        leaf(closed=True)

    def tell(given: DoorInput) -> Callable[[], None]:
        return lambda: door.take("lab", given)

    def wait(seconds: float) -> Callable[[], None]:
        return lambda: site.pass_time(seconds)

    through = (site.grant, opened, wait(1.1), closed, wait(1.1))
    steps: tuple[Callable[[], None], ...] = (
        *through,
        *(site.grant, wait(4), site.grant, wait(4), opened, closed, wait(2)),  # another comes before anybody opened it
        *(tell(Granted(extended=True, seq=2)), wait(14), opened, wait(34), closed, wait(2)),
        *(site.grant, wait(7)),  # and nobody comes
        *(site.grant, opened, wait(21), wait(10), closed, wait(2)),  # held open
        *(opened, closed, wait(2)),  # forced
        *(lambda: site.door.rex(pressed=True), lambda: site.door.rex(pressed=False), opened, wait(2), closed, wait(2)),
        *(lambda: site.door.motion(seen=True), wait(60), opened, lambda: site.door.motion(seen=False), closed, wait(2)),
        *(lambda: site.door.tamper(opened=True), *through, lambda: site.door.tamper(opened=False)),
        *(tell(UnlockChanged(True)), opened, wait(3600), closed, tell(UnlockChanged(False)), wait(2)),
        *(site.grant, tell(LockdownChanged(True)), wait(2), site.grant, tell(Granted(in_lockdown=True, seq=3)), opened),
        *(wait(2), closed, lambda: site.door.fire(burning=True), opened, wait(60), closed),
        *(lambda: site.door.fire(burning=False), wait(2), tell(LockdownChanged(False))),
        *(tell(FaultChanged(True, DoorFault.LOCK)), site.grant, opened, closed, wait(2)),
        *(tell(FaultChanged(False, DoorFault.LOCK)), wait(2), *through, site.grant),
    )
    for step in steps:
        step()
        site.now()
        seen.append((site.door.released, door.state("lab"), door.alarm, door.is_secure("lab")))
    seen += [{**event.fields, "sig": ""} for event in site.journal.events]
    close()
    return [*seen, site.door.released]


@pytest.mark.parametrize("fail", ["secure", "safe"])
def test_a_doors_whole_life_is_the_same_on_pins_and_drawn(fail: str) -> None:
    lives = []
    for hardware in (OnPins, Drawn):
        with ExitStack() as stack:
            site = Site(hardware, stack, f'fail = "{fail}"\n{WIRED}')
            lives.append(live(site, stack.close))
    assert lives[0] == lives[1]
    moved = [each[0] for each in lives[0] if isinstance(each, tuple)]
    assert (moved[0], moved[-1], lives[0][-1]) == (True, True, False), "the current goes, and neither lock is released"
    types = {each["event_type"] for each in lives[0] if isinstance(each, dict)}
    assert types == {kind.value for kind in DoorEventType}


def test_two_uses_of_a_pin_are_refused_and_named() -> None:
    header = Header(MockFactory())
    GpioRelay(Pin(number=STRIKE), "the lock of door lab", header)
    with pytest.raises(OutputError, match="GPIO5 is used for the lock of door lab and for the lock of door gate"):
        GpioRelay(Pin(number=STRIKE), "the lock of door gate", header)

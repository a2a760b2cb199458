"""A gate at the hour when everybody comes: one tap a second, each a punch and an entry, and nobody at the broker.

Roster, journal, services, doors, locks and terminal are the daemon's own; the clock is simulated, and an hour of it
takes seconds.
"""

from __future__ import annotations

from contextlib import ExitStack
from datetime import datetime, time
from typing import TYPE_CHECKING, NamedTuple, Self
from zoneinfo import ZoneInfo

from fakes.clock import FakeClock
from fakes.cues import FakeCues
from fakes.health import FakeHealth
from fakes.inbox import ListInbox
from fakes.journal import SIGNER
from kazasu.app.terminal import terminal_of
from kazasu.doors import Doorway
from kazasu.model.access import Assurance, Identifier
from kazasu.model.access_level import AccessLevel, AccessLevels
from kazasu.model.door_input import ContactChanged
from kazasu.model.door_rules import DoorRules, DoorSite, Passage
from kazasu.model.door_settings import DoorSettings
from kazasu.model.input import CardPresented, CardRead, DoorChanged
from kazasu.model.passback import Area
from kazasu.model.policy import AssurancePolicy
from kazasu.outputs.locks import Locks
from kazasu.services.attendance import Alternation, Attendance
from kazasu.services.door_access import DoorAccess
from kazasu.services.together import Together
from kazasu.store.journal import Journal
from kazasu.store.roster import Roster
from kazasu.store.roster_import import import_csv
from kazasu.terminal import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from kazasu.doors import Doors

TOKYO = ZoneInfo("Asia/Tokyo")
NOBODYS = 10  # every so many people have no level for the gate
POLICY = AssurancePolicy(min_assurance=Assurance.SERIAL)


class Visit(NamedTuple):
    """One tap of the rush.

    Attributes:
        number: the cardholder's.
        reader: at which.
        reason: why the gate does not open; empty if it does.
    """

    number: int
    reader: str
    reason: str


def rush(taps: int) -> Iterator[Visit]:
    """Half of them come, then they go; one in ten may not, and another one in ten comes in twice instead."""
    for number in range(taps // 2):
        yield Visit(number, "gate_in", "" if number % NOBODYS else "no_access_level")
    for number in range(taps // 2):
        again = number % NOBODYS == NOBODYS // 2
        reason = "passback" if again else "" if number % NOBODYS else "no_access_level"
        yield Visit(number, "gate_in" if again else "gate_out", reason)


class SeenRelay:
    """Implements locks.Relay."""

    def __init__(self) -> None:
        self.on = False

    def switch(self, on: bool) -> None:
        self.on = on


class Gate(ExitStack):
    """The gate and its terminal.

    Args:
        directory: on the disk; empty.
        people: how many are enrolled.
        leaf: the gate has one, with a contact.
    """

    def __init__(self, directory: Path, people: int, *, leaf: bool) -> None:
        super().__init__()
        self.path, self.leaf = directory / "journal.db", leaf
        self._roster_path = directory / "roster.db"
        lines = [
            f"{each},Person {each},{each:032x},serial,,,{'' if each % NOBODYS == 0 else 'staff'}"
            for each in range(people)
        ]
        csv_path = directory / "roster.csv"
        csv_path.write_text(
            "\n".join(["cardholder,name,credential,min_assurance,valid_from,valid_until,levels", *lines, ""])
        )
        self.clock = FakeClock(datetime(2026, 11, 24, 8, tzinfo=TOKYO))
        made_s = int(self.clock.at.timestamp())
        import_csv(csv_path, self._roster_path, TOKYO, lambda _: None, made_s=made_s)
        self.cues, self.relay, self.inbox = FakeCues(), SeenRelay(), ListInbox()

    def __enter__(self) -> Self:
        self.journal = Journal(self.path, "city", "gate", SIGNER, max_events=10**6, keep_s=0, collector=True)
        self.callback(self.journal.close)
        roster = Roster(self._roster_path)
        self.callback(roster.close)
        site = DoorSite(
            doors=(DoorRules(name="gate"),),
            passages={
                "gate_in": Passage(door="gate", way="in", leaves="street", enters="site"),
                "gate_out": Passage(door="gate", way="out", leaves="site", enters="street"),
            },
            areas=(Area(name="site", passback="hard"),),
            zone=TOKYO,
            roster_max_age_s=7 * 86400,
        )
        levels = AccessLevels([AccessLevel(name="staff", doors=frozenset({"gate"}))])
        access = DoorAccess(
            site,
            levels,
            secure=lambda door: self.doors.is_secure(door),  # noqa: PLW0108  (it comes later)
            roster_made_s=lambda: roster.made_s,
        )
        settings = DoorSettings(name="gate", contact=self.leaf)
        locks = Locks({"gate": (self.relay, settings.longest_release_s)}, self.inbox, mono_s=self.clock.mono_s)
        self.limit = locks.by_door["gate"]
        self.terminal = terminal_of(
            Settings(policy=POLICY, button_within_s=5, version="1"),
            inbox=self.inbox,  # type: ignore[arg-type]  # nobody runs the loop: `take` stands for it
            clock=self.clock,
            roster=roster,
            service=Together(
                [Attendance(Alternation(), day_boundary=time(5), repeat_after_s=120, policy=POLICY), access]
            ),
            journal=self.journal,
            cues=self.cues,
            publisher=Unheard(),
            health=FakeHealth(),
            access=access,
            doorways={"gate": Doorway(settings, self.limit)},
        )
        self.terminal._start()
        if self.leaf:
            self.leaf_is(opened=False)
        self.pass_s(3)
        return self

    @property
    def doors(self) -> Doors:
        """The terminal's."""
        assert self.terminal.doors is not None
        return self.terminal.doors

    def present(self, visit: Visit) -> None:
        """A card enters the field."""
        self.terminal.take(CardPresented(reader=visit.reader))

    def tap(self, visit: Visit) -> None:
        """The card was read; on return everything about it has happened."""
        identifier = Identifier(kind="felica", pseudonym=f"{visit.number:032x}", assurance=Assurance.SERIAL)
        self.terminal.take(CardRead(reader=visit.reader, identifier=identifier))

    def walk(self) -> None:
        """Whatever is left of the second: whoever was let in opens and closes the leaf."""
        if self.leaf and self.relay.on:
            self.pass_s(0.2)
            self.leaf_is(opened=True)
            self.pass_s(0.4)
            self.leaf_is(opened=False)
            self.pass_s(0.4)
        else:
            self.pass_s(1)

    def leaf_is(self, *, opened: bool) -> None:
        """The leaf moves."""
        self.terminal.take(DoorChanged(door="gate", given=ContactChanged(opened)))

    def pass_s(self, seconds: float) -> None:
        """Let time pass, as the terminal's and the locks' loops see it."""
        self.clock.advance(seconds)
        self.doors.pass_time()
        if self.limit.wake_at_s is not None and self.limit.wake_at_s <= self.clock.mono_s():
            self.limit.look()


class Unheard:
    def wake(self) -> None:
        """The broker is down."""

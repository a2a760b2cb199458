"""A terminal with two doors, every seam a fake, whose operator and whose site give orders."""

from __future__ import annotations

from datetime import UTC, time
from typing import TYPE_CHECKING

from fakes.clock import FakeClock
from fakes.cues import FakeCues
from fakes.health import FakeHealth
from fakes.journal import FakeJournal
from fakes.roster import FakeRoster
from kazasu.app.terminal import terminal_of
from kazasu.doors import Doorway
from kazasu.model.access import Assurance
from kazasu.model.access_level import AccessLevels
from kazasu.model.door_rules import DoorRules, DoorSite
from kazasu.model.door_settings import DoorSettings
from kazasu.model.input import CommandArrived, Ordered
from kazasu.model.policy import AssurancePolicy
from kazasu.runtime.inbox import BoundedInbox
from kazasu.services.attendance import Alternation, Attendance
from kazasu.services.door_access import DoorAccess
from kazasu.services.together import Together
from kazasu.terminal import Settings

if TYPE_CHECKING:
    from kazasu.doors import Doors
    from kazasu.model.command import Command, TurnedAway, Verdict
    from kazasu.model.order import Answer, Order


class Strike:
    """Implements ports.outputs.Lock."""

    def __init__(self) -> None:
        self.released = False

    def release(self, wanted: object) -> None:
        self.released = wanted.released  # type: ignore[attr-defined]


class Woken:
    def wake(self) -> None:
        """Nobody publishes here."""


class Gatehouse:
    """A terminal with two doors.

    Args:
        simulated: there are no wires.
        doors: their names.
        clock: the terminal's.
        journal: with what was recorded before.
    """

    def __init__(
        self,
        *,
        simulated: bool = True,
        doors: tuple[str, ...] = ("gate", "hall"),
        clock: FakeClock | None = None,
        journal: FakeJournal | None = None,
    ) -> None:
        self.clock, self.journal, self.cues = clock or FakeClock(), journal or FakeJournal(), FakeCues()
        self.strikes = {door: Strike() for door in doors}
        policy = AssurancePolicy(min_assurance=Assurance.SERIAL)
        site = DoorSite(doors=tuple(DoorRules(name=door) for door in doors), passages={}, zone=UTC)
        access = DoorAccess(site, AccessLevels(()), secure=self._is_secure, roster_made_s=lambda: None)
        attendance = Attendance(Alternation(), day_boundary=time(5), repeat_after_s=120, policy=policy)
        self.terminal = terminal_of(
            Settings(policy=policy, button_within_s=10, version="1.2.3", simulated=simulated),
            inbox=BoundedInbox(),
            clock=self.clock,
            roster=FakeRoster([]),
            service=Together([attendance, access]),
            journal=self.journal,
            cues=self.cues,
            publisher=Woken(),
            health=FakeHealth(),
            access=access,
            doorways={name: Doorway(DoorSettings(name=name), lock) for name, lock in self.strikes.items()},
            commanded=True,
        )
        if self.terminal.doors is not None:
            self.terminal.doors.start()
        self.pass_time(3)  # nobody is at the contacts: closed, and locked

    @property
    def doors(self) -> Doors:
        """The terminal's."""
        assert self.terminal.doors is not None
        return self.terminal.doors

    def _is_secure(self, door: str) -> bool:
        return self.doors.is_secure(door)

    def pass_time(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.terminal.pass_time()

    def order(self, order: Order) -> Answer:
        answers: list[Answer] = []
        self.terminal.take(Ordered(order=order, answer=answers.append))
        self.terminal.pass_time()
        (answer,) = answers
        return answer

    def types(self) -> list[str]:
        return [str(event.fields["event_type"]) for event in self.journal.events]

    def command(self, command: Command | TurnedAway) -> Verdict:
        verdicts: list[Verdict] = []
        self.terminal.take(CommandArrived(command=command, answer=verdicts.append))
        self.terminal.pass_time()
        (verdict,) = verdicts
        return verdict

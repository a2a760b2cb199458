"""Orders about a muster: each recorded with who gave it, or refused with what to do instead."""

from __future__ import annotations

import json

from fakes.clock import FakeClock
from fakes.cues import FakeCues
from fakes.health import FakeHealth
from fakes.journal import SIGNER, FakeJournal
from fakes.roster import FakeRoster, person
from kazasu.app.terminal import terminal_of
from kazasu.doors import Doorway
from kazasu.errors import JournalFull
from kazasu.meeting_point import MeetingPoint
from kazasu.model.access import Assurance, EventFields, Identifier
from kazasu.model.cue import CueName
from kazasu.model.door_settings import DoorSettings
from kazasu.model.input import CardRead, Ordered
from kazasu.model.order import Answer, BeginMuster, EndMuster, Order, Simulate, TellMuster
from kazasu.model.policy import AssurancePolicy
from kazasu.model.whereabouts import Whereabouts
from kazasu.publishers.muster import MusterBoard
from kazasu.runtime.inbox import BoundedInbox
from kazasu.services.muster import Muster
from kazasu.terminal import Settings

HANAKO = "a" * 32
BEGIN, END, TELL = BeginMuster(by="taro"), EndMuster(by="taro"), TellMuster(by="taro")


class Strike:
    """Implements ports.outputs.Lock."""

    def release(self, wanted: object) -> None:
        """It has no wires."""


class Woken:
    def wake(self) -> None:
        """Nobody publishes here."""


class Park:
    """A terminal that is nothing but a meeting point; or, without one, of no use at all."""

    def __init__(self, *, fire: bool = False, meeting_point: bool = True) -> None:
        self.clock, self.journal, self.cues = FakeClock(), FakeJournal(), FakeCues()
        muster = Muster(["meeting"], fire=fire)
        whereabouts = Whereabouts("park", [], self.clock.at.tzinfo)  # type: ignore[arg-type]  # UTC is no ZoneInfo
        board = MusterBoard(whereabouts, site="s", signer=SIGNER, clock=self.clock)
        policy = AssurancePolicy(min_assurance=Assurance.SERIAL)
        self.terminal = terminal_of(
            Settings(policy=policy, button_within_s=10, version="1.2.3", simulated=True),
            inbox=BoundedInbox(),
            clock=self.clock,
            roster=FakeRoster([person("1001", HANAKO)]),
            service=muster,
            journal=self.journal,
            cues=self.cues,
            publisher=Woken(),
            health=FakeHealth(),
            doorways={"hall": Doorway(DoorSettings(name="hall"), Strike())},
            meeting_point=MeetingPoint(muster, board) if meeting_point else MeetingPoint(),
        )

    def order(self, order: Order) -> Answer:
        answers: list[Answer] = []
        self.terminal.take(Ordered(order=order, answer=answers.append))
        (answer,) = answers
        return answer

    def tap(self) -> None:
        identifier = Identifier(kind="felica", pseudonym=HANAKO, assurance=Assurance.SERIAL)
        self.terminal.take(CardRead(reader="meeting", identifier=identifier))

    def types(self) -> list[str]:
        return [str(event.fields["event_type"]) for event in self.journal.events]

    def told(self) -> EventFields:
        document: EventFields = json.loads(self.order(TELL).said)
        return document


def test_a_muster_begins_and_ends_once_each_with_who_ordered_it() -> None:
    park = Park()
    assert [park.order(order).ok for order in (END, BEGIN, BEGIN, END, END)] == [False, True, False, True, False]
    assert park.types() == ["muster.begun", "muster.ended"]
    assert {event.fields["by"] for event in park.journal.events} == {"taro"}


def test_what_cannot_be_recorded_has_not_begun() -> None:
    park = Park()
    park.journal.failing = JournalFull("no room")
    assert not park.order(BEGIN).ok
    assert "begun" not in park.told()


def test_a_tap_in_the_muster_is_one_event_one_cue_and_is_told() -> None:
    park = Park()
    park.tap()
    park.order(BEGIN)
    park.tap()
    assert park.types() == ["muster.denied", "muster.begun", "muster.present"]
    assert park.cues.played == [CueName.RETRY, CueName.GRANTED]
    told = park.told()
    assert (told["seq"], str(told["present"]).partition("@")[0]) == (3, "1001")


def test_whoever_taps_after_the_fire_alarm_counts_though_nobody_gave_an_order() -> None:
    park = Park(fire=True)
    park.order(Simulate(by="taro", door="hall", input="fire", active=True))
    park.tap()
    assert park.types() == ["door.fire_release", "muster.begun", "muster.present"]


def test_telling_records_nothing_and_works_while_nothing_can_be_recorded() -> None:
    park = Park()
    park.order(BEGIN)
    park.journal.failing = JournalFull("no room")
    assert park.told()["seq"] == 1
    assert park.types() == ["muster.begun"]


def test_where_no_meeting_point_is_and_nobody_enters_anything_that_is_said() -> None:
    park = Park(meeting_point=False)
    assert "no meeting point is here" in park.order(BEGIN).said
    assert "sees nobody enter anything" in park.order(TELL).said
    assert park.types() == []

from __future__ import annotations

from datetime import datetime, time, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from fakes.clock import START, FakeClock
from fakes.cues import FakeCues
from fakes.health import FakeHealth
from fakes.inbox import ListInbox
from fakes.journal import FakeJournal
from fakes.roster import FakeRoster, person
from kazasu.app.terminal import terminal_of
from kazasu.errors import JournalFull, JournalUnwritable, RosterError
from kazasu.model.access import Assurance, DenyReason, Direction, EventFields, Identifier
from kazasu.model.cue import CueName
from kazasu.model.input import (
    ButtonPressed,
    CardPresented,
    CardRead,
    Input,
    KeyTaken,
    PinAsked,
    PinEnded,
    ReaderChanged,
    ReaderState,
    ReceiptArrived,
    RosterApplied,
    RosterRejected,
    Stop,
)
from kazasu.model.moment import TimeSource
from kazasu.model.policy import AssurancePolicy
from kazasu.model.receipt import Receipt
from kazasu.recorder import Followers
from kazasu.services.attendance import Alternation, Attendance, ByButton
from kazasu.terminal import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kazasu.model.event import Event

HANAKO, KEN, STRANGER = "a" * 32, "b" * 32, "c" * 32


class Queue(ListInbox):
    """The terminal's end of an inbox whose waits take no time: an empty one is an idle one, as often as a test says."""

    def __init__(self) -> None:
        super().__init__()
        self.idle_rounds = 0

    def get(self, timeout_s: float) -> Input | None:
        if self._items.empty():
            if not self.idle_rounds:
                raise AssertionError("the terminal waits, and nothing will come")
            self.idle_rounds -= 1
            return None
        return self.next()


class Woken:
    def __init__(self) -> None:
        self.times = 0

    def wake(self) -> None:
        self.times += 1


class Entrance:
    """A terminal with every seam a fake."""

    def __init__(
        self,
        rule: Alternation | ByButton | None = None,
        journal: FakeJournal | None = None,
        roster: FakeRoster | None = None,
    ) -> None:
        self.inbox = Queue()
        self.clock = FakeClock()
        self.roster = roster or FakeRoster([person("1001", HANAKO), person("1002", KEN, Assurance.SIGNED_DATA)])
        self.journal = journal or FakeJournal()
        self.cues = FakeCues()
        self.publisher = Woken()
        self.health = FakeHealth()
        self.service = Attendance(
            rule or Alternation(),
            day_boundary=time(5),
            repeat_after_s=120,
            policy=AssurancePolicy(min_assurance=Assurance.SERIAL),
        )
        self.terminal = terminal_of(
            Settings(policy=AssurancePolicy(min_assurance=Assurance.SERIAL), button_within_s=10, version="1.2.3"),
            inbox=self.inbox,
            clock=self.clock,
            roster=self.roster,
            service=self.service,
            journal=self.journal,
            cues=self.cues,
            publisher=self.publisher,
            health=self.health,
        )

    def tap(self, pseudonym: str = HANAKO, assurance: Assurance = Assurance.SERIAL) -> EventFields:
        identifier = Identifier(kind="felica", pseudonym=pseudonym, assurance=assurance)
        self.terminal.take(CardRead(reader="desk", identifier=identifier))
        return self.fields()

    def fail(self, refusal: DenyReason) -> EventFields:
        self.terminal.take(CardRead(reader="desk", refusal=refusal, detail="why"))
        return self.fields()

    def fields(self) -> EventFields:
        return self.journal.events[-1].fields if self.journal.events else {}

    def run(self, *inputs: Input, idle_rounds: int = 0) -> list[str]:
        """Run the loop over these inputs; the event types that came of it."""
        for item in inputs:
            self.inbox.put(item)
        if not idle_rounds:
            self.terminal.stop()
        self.inbox.idle_rounds = idle_rounds
        try:
            self.terminal.run(lambda: None)
        except AssertionError:
            if not idle_rounds:
                raise
        return [str(event.fields["event_type"]) for event in self.journal.events]


def test_a_known_card_is_recorded_with_all_that_the_wire_names() -> None:
    entrance = Entrance()
    fields = entrance.tap()
    expected = {
        "event_type": "attendance.in",
        "decision": "granted",
        "cardholder": "1001",
        "credential": HANAKO,
        "card": "felica",
        "assurance": "serial",
        "reader": "desk",
        "day": "2026-04-01",
        "time_source": "ntp",
        "mono_ms": 1_000_000,
    }
    assert expected.items() <= fields.items()
    assert "reason" not in fields
    assert entrance.cues.played == [CueName.GRANTED]
    assert entrance.publisher.times == 1
    assert entrance.health.fields == {"last_seq": 1, "roster_version": 2, "roster_made_s": -1}
    entrance.roster.made_s = 1_775_000_000
    entrance.tap(KEN)
    assert entrance.health.fields["roster_made_s"] == 1_775_000_000


def test_while_a_pin_is_waited_for_the_request_stands_between_the_keys() -> None:
    entrance = Entrance()
    entrance.terminal.take(CardPresented(reader="desk"))
    entrance.terminal.take(PinAsked(tries_left=3))
    entrance.terminal.take(KeyTaken(entered=1))
    assert entrance.cues.rests == [CueName.PIN]
    entrance.terminal.take(ReaderChanged(reader="other", state=ReaderState.MISSING))
    assert entrance.cues.rests == [CueName.PIN, CueName.PIN]
    entrance.terminal.take(PinEnded())
    entrance.tap(assurance=Assurance.CHALLENGE_PIN)
    assert entrance.cues.rests == [CueName.PIN, CueName.PIN, CueName.FAULT]
    assert entrance.cues.played == [CueName.READING, CueName.PIN, CueName.KEY, CueName.READING, CueName.GRANTED]


@pytest.mark.parametrize(
    ("reason", "cue"),
    [
        (DenyReason.PIN_NEEDED, CueName.RETRY),
        (DenyReason.PIN_WRONG, CueName.RETRY),
        (DenyReason.PIN_LAST_TRY, CueName.BLOCKED),
        (DenyReason.CARD_BLOCKED, CueName.BLOCKED),
    ],
)
def test_what_went_wrong_with_a_pin_is_told_by_what_helps(reason: DenyReason, cue: CueName) -> None:
    entrance = Entrance()
    assert entrance.fail(reason)["reason"] == reason.value
    assert entrance.cues.played == [cue]


@pytest.mark.rule(1)
def test_green_comes_only_after_the_journal_has_the_event() -> None:
    entrance = Entrance()
    kept: list[int] = []
    entrance.cues.on_play = lambda _: kept.append(entrance.journal.seq)
    entrance.tap()
    assert kept == [1]


@pytest.mark.rule(1)
@pytest.mark.parametrize("error", [JournalFull("full"), JournalUnwritable("read-only")])
def test_without_a_journal_everybody_gets_the_fault_cue_and_nobody_green(error: JournalFull) -> None:
    entrance = Entrance()
    entrance.journal.failing = error
    entrance.tap()
    entrance.tap(STRANGER)
    entrance.fail(DenyReason.CARD_REMOVED)
    assert entrance.cues.played == [CueName.FAULT] * 3
    assert entrance.cues.rests == [CueName.FAULT]
    assert entrance.health.alerts == {"journal": str(error)}
    assert entrance.publisher.times == 0


def test_a_tap_that_was_not_recorded_leaves_no_trace_in_the_service() -> None:
    entrance = Entrance()
    entrance.journal.failing = JournalFull("full")
    entrance.tap()
    entrance.journal.failing = None
    assert entrance.tap()["event_type"] == "attendance.in"
    assert entrance.cues.rests == [CueName.FAULT, CueName.READY]
    assert entrance.health.alerts == {}


def test_the_terminal_finds_out_by_itself_that_the_disk_is_well_again() -> None:
    entrance = Entrance()
    entrance.journal.failing = JournalUnwritable("read-only")
    entrance.tap()
    entrance.journal.failing = None
    assert entrance.run(idle_rounds=1)[-1] in {"terminal.started", "journal.resumed"}
    assert entrance.cues.rests[-1] is CueName.READY
    assert entrance.health.alerts == {}


def test_a_journal_that_opens_only_after_the_start_is_read_before_the_next_decision() -> None:
    before = Entrance()
    before.tap()

    class Late(FakeJournal):
        def recent(self, span_s: int) -> Iterator[Event]:
            return iter(()) if self.failing else super().recent(span_s)

    journal = Late()
    journal.events = before.journal.events
    journal._at_s = before.journal._at_s
    journal.failing = JournalUnwritable("read-only")
    after = Entrance(journal=journal)
    after.run()
    journal.failing = None
    assert after.tap()["reason"] == "already_done"
    assert [event.fields["event_type"] for event in journal.events][1:] == ["journal.resumed", "attendance.suppressed"]


def test_health_warns_when_four_fifths_of_the_journals_room_are_used() -> None:
    entrance = Entrance(journal=FakeJournal(max_events=10))
    for _ in range(6):
        entrance.tap(STRANGER)
    entrance.run(idle_rounds=1)
    assert entrance.health.fields["journal_percent"] == 70
    assert entrance.health.alerts == {}
    entrance.tap(STRANGER)
    entrance.terminal._recorder.idle()
    assert entrance.health.alerts.keys() == {"journal_room"}


@pytest.mark.rule(2)
@pytest.mark.parametrize(
    ("reason", "cue"),
    [
        (DenyReason.CARD_REMOVED, CueName.RETRY),
        (DenyReason.CARD_UNREADABLE, CueName.RETRY),
        (DenyReason.FOREIGN_CARD, CueName.DENIED),
        (DenyReason.NO_STABLE_NUMBER, CueName.DENIED),
        (DenyReason.CERTIFICATE_EXPIRED, CueName.DENIED),
    ],
)
def test_a_read_that_failed_is_one_event_and_one_cue(reason: DenyReason, cue: CueName) -> None:
    entrance = Entrance()
    fields = entrance.fail(reason)
    assert len(entrance.journal.events) == 1
    assert (fields["event_type"], fields["decision"], fields["reason"]) == ("attendance.denied", "denied", reason.value)
    assert fields.keys().isdisjoint({"credential", "cardholder", "card", "assurance"})
    assert entrance.cues.played == [cue]


@pytest.mark.rule(2)
def test_known_unknown_weak_and_repeated_taps_are_each_one_event_and_one_cue() -> None:
    entrance = Entrance()
    entrance.tap()
    entrance.tap()
    entrance.tap(STRANGER)
    entrance.tap(KEN)
    reasons = [event.fields.get("reason", "") for event in entrance.journal.events]
    assert reasons == ["", "already_done", "unknown_card", "assurance_too_low"]
    assert entrance.cues.played == [CueName.GRANTED, CueName.ALREADY_DONE, CueName.DENIED, CueName.DENIED]
    assert entrance.journal.events[3].fields["cardholder"] == "1002"


def test_a_card_that_the_site_took_back_is_denied_as_such_and_its_pseudonym_kept() -> None:
    entrance = Entrance()
    entrance.roster.revoke(HANAKO)
    fields = entrance.tap()
    assert (fields["reason"], fields["credential"]) == ("credential_revoked", HANAKO)
    assert "cardholder" not in fields
    assert entrance.cues.played == [CueName.DENIED]


@pytest.mark.rule(3)
def test_every_event_names_the_hash_of_the_one_before() -> None:
    entrance = Entrance()
    for _ in range(5):
        entrance.tap()
        entrance.tap(STRANGER)
    for before, event in pairwise(entrance.journal.events):
        assert event.seq == before.seq + 1
        assert event.fields["prev"] == before.digest


@pytest.mark.rule(9)
def test_the_next_person_does_not_wait_for_the_last_ones_pause() -> None:
    entrance = Entrance()
    assert entrance.tap()["decision"] == "granted"
    assert entrance.tap(KEN, Assurance.SIGNED_DATA)["decision"] == "granted"


@pytest.mark.rule(10)
def test_a_clock_that_becomes_good_is_an_event_and_changes_nothing_before() -> None:
    entrance = Entrance()
    entrance.clock.source = TimeSource.NONE
    entrance.inbox.idle_rounds = 2
    bodies: list[bytes] = []

    class Synchronising(FakeJournal):
        def idle(self) -> None:
            super().idle()
            bodies.extend(event.body for event in self.events if event.body not in bodies)
            entrance.clock.source = TimeSource.NTP

    entrance = Entrance(journal=Synchronising())
    entrance.clock.source = TimeSource.NONE
    types = entrance.run(idle_rounds=2)
    assert types == ["terminal.started", "clock.changed"]
    assert entrance.journal.events[0].fields["time_source"] == "none"
    assert entrance.journal.events[0].body == bodies[0]
    assert entrance.fields()["previous_source"] == "none"
    assert entrance.fields()["time_source"] == "ntp"
    assert entrance.fields()["step_ms"] == 0


@pytest.mark.rule(10)
@pytest.mark.parametrize("seconds", [-31_536_000, -2, 2, 86_400])
def test_a_step_of_the_clock_is_an_event_of_its_own_before_the_tap_that_finds_it(seconds: int) -> None:
    entrance = Entrance()
    entrance.tap()
    entrance.clock.advance(300)
    entrance.clock.step(seconds)
    entrance.tap()

    _, changed, tap = (event.fields for event in entrance.journal.events)
    assert changed["event_type"] == "clock.changed"
    assert changed["step_ms"] == seconds * 1000
    assert changed["previous_source"] == changed["time_source"] == "ntp"
    assert changed["previous_time"] == "2026-04-01T08:35:00.000+00:00"
    assert datetime.fromisoformat(str(changed["time"])) == START + timedelta(seconds=300 + seconds)
    assert tap["decision"] == "granted"
    assert entrance.cues.played == [CueName.GRANTED, CueName.GRANTED]


def test_a_clock_that_is_slewed_is_none() -> None:
    entrance = Entrance()
    entrance.tap()
    entrance.clock.step(1.9)
    entrance.tap()
    assert [event.fields["event_type"] for event in entrance.journal.events][1:] == ["attendance.suppressed"]


@pytest.mark.rule(10)
def test_a_step_while_nothing_ran_is_told_at_the_start_and_another_boots_source_is_not() -> None:
    before = Entrance()
    before.tap()
    after = Entrance(journal=before.journal)
    after.clock.step(-3600)
    assert after.run()[1:] == ["clock.changed", "terminal.started", "terminal.stopped"]

    off = Entrance(journal=before.journal)
    off.clock.boot, off.clock.source = "c" * 32, TimeSource.HOLDOVER
    off.clock.advance(86_400)
    assert off.run()[-2:] == ["terminal.started", "terminal.stopped"]
    assert len(off.journal.events) == 6


def test_a_step_that_cannot_be_recorded_is_told_once_the_journal_is_well() -> None:
    entrance = Entrance()
    entrance.tap()
    entrance.clock.step(-3600)
    entrance.journal.failing = JournalUnwritable("read-only")
    entrance.tap()
    assert entrance.cues.played[1:] == [CueName.FAULT]
    entrance.journal.failing = None
    entrance.clock.advance(300)
    entrance.tap()
    types = [event.fields["event_type"] for event in entrance.journal.events]
    assert types[1:] == ["journal.resumed", "clock.changed", "attendance.out"]


@pytest.mark.rule(10)
def test_the_clock_hears_of_the_newest_event_before_it_is_asked_and_of_each_that_follows() -> None:
    before = Entrance()
    before.tap()
    after = Entrance(journal=before.journal)
    after.run()
    after.tap()
    assert after.clock.newest[0] == before.clock.now()
    assert [moment.time for moment in after.clock.newest] == [event.fields["time"] for event in after.journal.events]


def test_a_roster_that_cannot_be_read_is_the_terminals_fault_and_the_credential_is_kept() -> None:
    class Broken(FakeRoster):
        broken = True

        def look_up(self, pseudonym: str) -> None:
            raise RosterError("cannot be read")

    entrance = Entrance(roster=Broken())
    fields = entrance.tap()
    assert fields["reason"] == "roster_unreadable"
    assert fields["credential"] == HANAKO
    assert entrance.cues.played == [CueName.FAULT]
    assert entrance.health.alerts == {"roster": "cannot be read"}


def test_the_reading_cue_begins_when_the_card_comes() -> None:
    entrance = Entrance()
    entrance.terminal.take(CardPresented(reader="desk"))
    assert entrance.cues.played == [CueName.READING]
    assert entrance.journal.events == []


@pytest.mark.parametrize(("button", "event_type"), [("in", "attendance.in"), ("out", "attendance.out")])
def test_a_button_counts_for_the_next_tap(button: Direction, event_type: str) -> None:
    entrance = Entrance(ByButton())
    entrance.terminal.take(ButtonPressed(button=button))
    entrance.clock.advance(10)
    assert entrance.tap()["event_type"] == event_type


def test_a_button_counts_for_one_tap_only_and_not_for_ever() -> None:
    entrance = Entrance(ByButton())
    entrance.terminal.take(ButtonPressed(button="in"))
    entrance.tap()
    assert entrance.tap(KEN, Assurance.SIGNED_DATA)["reason"] == "no_direction"
    entrance.terminal.take(ButtonPressed(button="in"))
    entrance.clock.advance(10.1)
    assert entrance.tap(KEN, Assurance.SIGNED_DATA)["reason"] == "no_direction"


def test_a_reader_that_is_missing_is_an_event_and_a_fault_at_rest_until_it_is_back() -> None:
    entrance = Entrance()
    entrance.terminal.take(ReaderChanged(reader="desk", state=ReaderState.MISSING))
    entrance.terminal.take(ReaderChanged(reader="gate", state=ReaderState.MISSING))
    entrance.terminal.take(ReaderChanged(reader="desk", state=ReaderState.PRESENT))
    entrance.terminal.take(ReaderChanged(reader="gate", state=ReaderState.PRESENT))
    types = [event.fields["event_type"] for event in entrance.journal.events]
    assert types == ["reader.missing", "reader.missing", "reader.present", "reader.present"]
    assert entrance.cues.rests == [CueName.FAULT, CueName.FAULT, CueName.FAULT, CueName.READY]


def test_start_and_stop_are_events_and_what_is_queued_before_the_stop_is_handled() -> None:
    entrance = Entrance()
    tap = CardRead(reader="desk", refusal=DenyReason.FOREIGN_CARD)
    assert entrance.run(tap, tap) == ["terminal.started", *["attendance.denied"] * 2, "terminal.stopped"]
    assert entrance.journal.events[0].fields["version"] == "1.2.3"


def test_a_start_rebuilds_the_services_state() -> None:
    before = Entrance()
    before.tap()
    after = Entrance(journal=before.journal)
    after.run()
    assert after.tap()["reason"] == "already_done"


@pytest.mark.parametrize("by_tap", [True, False])
def test_a_journal_that_could_not_be_opened_at_the_start_is_known_before_anything_is_decided(by_tap: bool) -> None:
    before = Entrance()
    before.tap()
    before.journal.shut = True
    after = Entrance(journal=before.journal)
    after.run()
    before.journal.shut = False
    if not by_tap:
        after.terminal.take(ReaderChanged(reader="desk", state=ReaderState.MISSING))
        assert after.fields()["event_type"] == "reader.missing"
    assert after.tap()["reason"] == "already_done"


def test_what_was_recorded_in_this_run_is_not_told_a_second_time_when_the_journal_heals() -> None:
    entrance = Entrance()
    told: list[Event] = []
    entrance.terminal._recorder.followers = Followers(recorded=[told.append])
    entrance.run()
    entrance.journal.failing = JournalUnwritable("the disk hangs")
    entrance.tap()
    entrance.journal.failing = None
    entrance.tap()
    assert [event.seq for event in told] == [event.seq for event in entrance.journal.events]


@pytest.mark.rule(11)
def test_start_crash_and_reconnect_play_no_cue() -> None:
    entrance = Entrance()
    entrance.run()
    assert entrance.cues.played == []


@pytest.mark.rule(8)
def test_what_came_of_the_sites_roster_is_recorded_and_its_version_told() -> None:
    entrance = Entrance()
    entrance.roster.version = 7
    entrance.terminal.take(RosterApplied(fields={"roster_version": 7, "people": 3}, rules=None))
    entrance.terminal.take(RosterRejected(fields={"reason": "forked"}))
    applied, refused = entrance.journal.events
    assert (applied.fields["event_type"], applied.fields["people"]) == ("roster.applied", 3)
    assert (refused.fields["event_type"], refused.fields["reason"]) == ("roster.refused", "forked")
    assert entrance.health.fields["roster_version"] == 7


def test_a_receipt_prunes_and_one_for_another_history_is_an_alert() -> None:
    entrance = Entrance()
    entrance.tap()
    vouched: Event = entrance.journal.events[0]
    entrance.clock.advance(300)
    entrance.tap()
    epoch = entrance.journal.epoch
    entrance.terminal.take(ReceiptArrived(receipt=Receipt(epoch=epoch, seq=1, digest="0" * 64)))
    assert len(entrance.journal.events) == 2
    assert "receipt" in entrance.health.alerts
    entrance.terminal.take(ReceiptArrived(receipt=Receipt(epoch=epoch, seq=1, digest=vouched.digest)))
    assert [event.seq for event in entrance.journal.events] == [2]
    assert entrance.health.alerts == {}


@pytest.mark.rule(7)
def test_the_log_of_a_tap_names_neither_the_person_nor_the_card(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    entrance = Entrance()
    entrance.tap()
    text = " ".join(f"{record.getMessage()} {vars(record)}" for record in caplog.records)
    assert "attendance.in" in text
    assert HANAKO not in text
    assert "1001" not in text


def test_stop_may_be_asked_for_twice() -> None:
    entrance = Entrance()
    entrance.inbox.put(Stop())
    assert entrance.run() == ["terminal.started", "terminal.stopped"]

"""The site's commands at the terminal's thread: recorded before they are done, new, and never a flood of events."""

from __future__ import annotations

import pytest

from fakes.commands import later, taken
from fakes.gatehouse import Gatehouse
from kazasu.errors import JournalFull
from kazasu.model.command import Refusal, Restart, TurnedAway, Verdict
from kazasu.model.cue import CueName
from kazasu.model.input import CommandFailed
from kazasu.model.moment import TimeSource
from kazasu.model.order import Lockdown, PlayCue, Release

pytestmark = pytest.mark.rule(8)

LOCKDOWN = Lockdown(by="site:suzuki", door="*", active=True)
STRANGER = TurnedAway(reason=Refusal.BADLY_SIGNED, detail="no signed document")


@pytest.fixture
def gatehouse() -> Gatehouse:
    return Gatehouse()


@pytest.mark.rule(1)
def test_a_release_is_recorded_as_accepted_and_as_ordered_before_the_door_opens(gatehouse: Gatehouse) -> None:
    verdict = gatehouse.command(taken())
    assert verdict == Verdict(ok=True, said="gate: unlocked", seq=1)
    assert gatehouse.types() == ["command.accepted", "operator.released"]
    accepted, released = (event.fields for event in gatehouse.journal.events)
    assert accepted["command"] == "release"
    assert accepted["arguments"] == '{"door":"gate"}'
    assert released["by"] == accepted["by"] == "site:suzuki"
    assert gatehouse.strikes["gate"].released


@pytest.mark.rule(1)
def test_what_cannot_be_recorded_is_not_done(gatehouse: Gatehouse) -> None:
    gatehouse.journal.failing = JournalFull("no room")
    verdict = gatehouse.command(taken())
    assert (verdict.ok, verdict.seq) == (False, 0)
    assert "nothing can be recorded" in verdict.said
    assert not gatehouse.strikes["gate"].released


def test_a_command_is_taken_once(gatehouse: Gatehouse) -> None:
    gatehouse.command(taken())
    gatehouse.pass_time(5)
    verdict = gatehouse.command(taken())
    assert (verdict.ok, verdict.seq) == (False, gatehouse.journal.seq)
    fields = gatehouse.journal.events[-1].fields
    assert (fields["event_type"], fields["reason"], fields["transaction"]) == (
        "command.refused",
        "replayed",
        taken().transaction,
    )
    assert gatehouse.types().count("operator.released") == 1


def test_a_restart_forgets_no_transaction(gatehouse: Gatehouse) -> None:
    gatehouse.command(taken())
    again = Gatehouse(clock=gatehouse.clock, journal=gatehouse.journal)
    again.terminal._recorder.rebuild()
    assert again.command(taken()).said.startswith("replayed")
    assert not again.strikes["gate"].released


def test_a_refused_command_does_not_come_back_either(gatehouse: Gatehouse) -> None:
    early = taken(issued=later(60))
    assert gatehouse.command(early).said.startswith("not_yet_issued")
    gatehouse.pass_time(60)
    assert gatehouse.command(early).said.startswith("replayed")


@pytest.mark.parametrize(("seconds", "reason"), [(20, "expired"), (-20, "not_yet_issued")])
def test_a_command_of_another_time_is_refused_and_that_is_recorded(
    gatehouse: Gatehouse, seconds: float, reason: str
) -> None:
    gatehouse.clock.step(seconds)
    assert gatehouse.command(taken()).said.startswith(reason)
    assert gatehouse.journal.events[-1].fields["reason"] == reason
    assert not gatehouse.strikes["gate"].released


def test_who_does_not_know_the_time_locks_and_opens_nothing(gatehouse: Gatehouse) -> None:
    gatehouse.clock.source = TimeSource.NONE
    assert gatehouse.command(taken(number=1)).said.startswith("clock_unset")
    assert gatehouse.command(taken(LOCKDOWN, name="lockdown", number=2)).ok
    assert gatehouse.command(taken(LOCKDOWN, name="lockdown", number=3)).said.startswith("clock_unset")
    assert gatehouse.command(taken(LOCKDOWN, name="lockdown", number=4, issued=later(1))).ok


def test_what_was_accepted_and_could_not_be_done_is_recorded_and_answered(gatehouse: Gatehouse) -> None:
    verdict = gatehouse.command(taken(Release(by="site:suzuki", door="attic")))
    assert gatehouse.types() == ["command.accepted", "command.not_done"]
    assert verdict == Verdict(ok=False, said="there is no door 'attic' here; there is: gate, hall", seq=2)
    assert gatehouse.journal.events[-1].fields["transaction"] == taken().transaction


def test_what_the_terminal_does_not_do_itself_is_only_recorded_here(gatehouse: Gatehouse) -> None:
    restart = taken(Restart(), name="restart")
    assert gatehouse.command(restart) == Verdict(ok=True, said="", seq=1)
    verdicts: list[Verdict] = []
    gatehouse.terminal.take(CommandFailed(command=restart, said="kazasu.toml:3: no", answer=verdicts.append))
    assert verdicts == [Verdict(ok=False, said="kazasu.toml:3: no", seq=2)]
    assert gatehouse.types() == ["command.accepted", "command.not_done"]


def test_a_cue_is_tried_from_afar_and_green_is_not(gatehouse: Gatehouse) -> None:
    assert gatehouse.command(taken(PlayCue(by="b", cue=CueName.DENIED), name="cue", number=1)).ok
    assert gatehouse.cues.played == [CueName.DENIED]
    for number, cue in enumerate((CueName.GRANTED, CueName.ALREADY_DONE, CueName.PIN, CueName.READING), 2):
        assert not gatehouse.command(taken(PlayCue(by="b", cue=cue), name="cue", number=number)).ok
    assert gatehouse.cues.played == [CueName.DENIED]


def test_what_nobody_signed_leaves_a_reason_and_nothing_else(gatehouse: Gatehouse) -> None:
    verdict = gatehouse.command(STRANGER)
    assert verdict == Verdict(ok=False, said="badly_signed: no signed document", seq=1)
    fields = gatehouse.journal.events[0].fields
    assert fields["reason"] == "badly_signed"
    assert not fields.keys() & {"transaction", "command", "by", "detail"}


@pytest.mark.rule(4)
def test_ten_thousand_refusals_are_a_dozen_events_that_count_them_all(gatehouse: Gatehouse) -> None:
    for _ in range(10_000):
        gatehouse.command(STRANGER)
    assert gatehouse.types() == ["command.refused"] * 10
    gatehouse.pass_time(60)
    assert gatehouse.journal.seq == 11
    fields = gatehouse.journal.events[-1].fields
    assert (fields["reason"], fields["count"]) == ("flood", 9_990)
    gatehouse.pass_time(3600)
    assert gatehouse.journal.seq == 11


def test_those_that_nobody_looked_at_are_counted_with_them(gatehouse: Gatehouse) -> None:
    gatehouse.command(TurnedAway(reason=Refusal.FLOOD, detail="too many", count=500))
    assert gatehouse.journal.events[-1].fields["count"] == 500


def test_the_memory_of_transactions_is_bounded(gatehouse: Gatehouse) -> None:
    commands = gatehouse.terminal._commands
    assert commands is not None
    gatehouse.command(taken(number=1))
    (event, *_) = gatehouse.journal.events
    for number in range(2, 10_010):
        fields = event.fields | {"transaction": f"{number:032x}"}
        commands.recorded(type(event)(seq=1, fields=fields, body=b"", digest=""))
    assert len(commands._seen) == 10_000


def test_a_lockdown_locks_also_while_nothing_can_be_recorded_and_only_once(gatehouse: Gatehouse) -> None:
    gatehouse.journal.failing = JournalFull("no room")
    lockdown = taken(LOCKDOWN, name="lockdown")
    verdict = gatehouse.command(lockdown)
    assert (verdict.ok, verdict.seq) == (False, 0)
    assert "order it again then" in verdict.said
    assert "nothing is done" in gatehouse.command(lockdown).said


def test_a_journal_that_heals_with_a_command_tells_the_doors_of_a_lockdown_first(gatehouse: Gatehouse) -> None:
    gatehouse.command(taken(LOCKDOWN, name="lockdown", number=1))
    gatehouse.journal.failing = JournalFull("no room")
    gatehouse.command(taken(number=2))
    gatehouse.journal.failing = None
    assert not gatehouse.command(taken(number=3)).ok
    assert not gatehouse.strikes["gate"].released

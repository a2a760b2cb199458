from __future__ import annotations

from datetime import datetime, time

import pytest

from fakes.doors import OFFICE, TOKYO, Doors
from kazasu.model.access import Assurance, DenyReason, Presentation
from kazasu.model.access_level import AccessLevel, AccessLevels
from kazasu.model.calendar import Schedule
from kazasu.model.cue import CueName
from kazasu.model.door_rules import DoorPolicy, DoorRules, Passage
from kazasu.model.passback import Area
from kazasu.model.policy import CUE_OF_REASON
from kazasu.model.schedule import TimeRange, WeeklyHours

LAB = frozenset({"lab"})
STAFF = AccessLevel(name="staff", doors=LAB)
VISITOR = AccessLevel(name="visitor", doors=LAB, needs_escort=True)
HOST = AccessLevel(name="host", doors=LAB, escorts=True)
GUARD = AccessLevel(name="guard", doors=LAB, in_lockdown=True)
ALL = frozenset(range(7))
TWO = DoorRules(name="lab", two_person=True)


def at(words: str) -> datetime:
    return datetime.fromisoformat(words).replace(tzinfo=TOKYO)


def test_a_grant_says_which_door_which_way_and_by_which_level() -> None:
    decision = Doors().tap()
    assert decision.granted
    assert (decision.event_type, decision.cue) == ("door.granted", CueName.GRANTED)
    assert decision.details == {"door": "lab", "way": "in", "level": "staff", "area": "lab"}


def test_a_denial_says_why_and_where() -> None:
    decision = Doors().tap("1", "other")
    assert (decision.event_type, decision.reason) == ("door.denied", DenyReason.NO_ACCESS_LEVEL)
    assert (decision.cue, decision.details) == (CueName.DENIED, {"door": "lab", "way": "in"})


def test_who_comes_back_to_a_door_at_once_gets_it_again() -> None:
    doors = Doors()
    assert doors.tap().granted
    assert doors.tap().granted


def test_a_presentation_that_policy_refuses_never_gets_here() -> None:
    doors = Doors()
    with pytest.raises(ValueError, match="refused by policy"):
        doors.service.decide(Presentation(reader="lab_in"), doors.clock.now())
    assert doors.service.serves("lab_in")
    assert not doors.service.serves("desk")


def test_at_most_six_cues_tell_a_person_what_came_of_it() -> None:
    assert len({CueName.GRANTED, *CUE_OF_REASON.values()}) <= 6


def test_people_who_need_longer_get_it() -> None:
    doors = Doors(STAFF, AccessLevel(name="slow", extended=True))
    assert doors.tap("1", "staff", "slow").details["extended"] == 1
    assert "extended" not in doors.tap("2", "staff").details


@pytest.mark.rule(10)
def test_a_stale_roster_denies_but_for_emergencies() -> None:
    doors = Doors(STAFF, AccessLevel(name="fire", doors=LAB, emergency=True), roster_max_age_s=7 * 86400)
    assert doors.tap().granted
    doors.clock.advance(7 * 86400 + 1)
    denied = doors.tap()
    assert (denied.reason, denied.cue) == (DenyReason.ROSTER_STALE, CueName.FAULT)
    assert doors.tap("2", "fire").details["emergency"] == 1
    doors.made_s = int(doors.clock.at.timestamp())
    assert doors.tap().granted
    assert "emergency" not in doors.tap("2", "fire").details
    doors.clock.step(-2 * 86400)
    assert doors.tap().reason is DenyReason.ROSTER_STALE, "nobody knows how old a roster from the future is"
    doors.made_s = None
    assert doors.tap().reason is DenyReason.ROSTER_STALE


def test_passback_hard_denies_soft_records_and_a_level_may_be_free_of_it() -> None:
    free = AccessLevel(name="free", no_passback=True)
    hard = Doors(STAFF, free, areas=(Area(name="lab", passback="hard"),))
    soft = Doors(areas=(Area(name="lab", passback="soft"),))
    for doors in (hard, soft):
        assert "passback" not in doors.tap().details
    assert hard.tap().reason is DenyReason.PASSBACK
    assert soft.tap().details["passback"] == "breached"
    assert hard.tap("1", "staff", "free").details["passback"] == "breached"
    assert hard.tap(reader="lab_out").granted
    assert hard.tap().granted


def test_a_denied_tap_moves_nobody() -> None:
    doors = Doors(areas=(Area(name="lab", passback="hard"),))
    doors.tap("1", "other")
    assert doors.service.inside(doors.clock.now()) == {}
    assert doors.tap().granted
    assert doors.service.inside(doors.clock.now()) == {"1": "lab"}


def test_an_operator_resets_passback() -> None:
    doors = Doors(areas=(Area(name="lab", passback="hard"),))
    doors.tap("1")
    doors.tap("2")
    doors.record("passback.reset", {"cardholder": "1"})
    assert doors.tap("1").granted
    assert doors.tap("2").reason is DenyReason.PASSBACK
    doors.record("passback.reset", {})
    assert doors.tap("2").granted


def test_an_area_that_is_full_takes_the_next_when_one_leaves() -> None:
    doors = Doors(areas=(Area(name="lab", capacity=2),))
    assert doors.tap("1").granted
    assert doors.tap("2").granted
    assert doors.tap("3").reason is DenyReason.AREA_FULL
    doors.tap("1", reader="lab_out")
    assert doors.tap("3").granted


def test_two_people_may_enter_together_and_nobody_alone() -> None:
    doors = Doors(rules=TWO)
    first = doors.tap("1")
    assert (first.reason, first.cue) == (DenyReason.SECOND_PERSON_NEEDED, CueName.RETRY)
    assert doors.tap("1").reason is DenyReason.SECOND_PERSON_NEEDED, "the same person is no second one"
    doors.clock.advance(15)
    second = doors.tap("2")
    assert second.details["second_person"] == "1"
    assert doors.service.inside(doors.clock.now()) == {"1": "lab", "2": "lab"}
    assert doors.tap("3").reason is DenyReason.SECOND_PERSON_NEEDED, "nobody waits any more"
    assert doors.tap("3", reader="lab_out").granted


@pytest.mark.parametrize("what", ["time", "step back", "boot", "denied", "left", "lockdown"])
def test_a_first_person_waits_only_so_long_and_only_if_let_in(what: str) -> None:
    doors = Doors(rules=TWO)
    doors.tap("1", *(["other"] if what == "denied" else []))
    match what:
        case "time":
            doors.clock.advance(15.1)
        case "step back":
            doors.clock.advance(16)
            doors.clock.step(-3600)
        case "boot":
            doors.restart(boot=True)
            doors.clock.advance(1000)  # until the monotonic clock shows what it showed then
        case "left":
            doors.tap("1", reader="lab_out")
        case "lockdown":
            doors.record("lockdown.begun", {"door": "lab", "by": "desk"})
            doors.record("lockdown.ended", {"door": "lab", "by": "desk"})
    assert doors.tap("2").reason is DenyReason.SECOND_PERSON_NEEDED


def test_two_people_need_room_for_two() -> None:
    doors = Doors(rules=TWO, areas=(Area(name="lab", capacity=1),))
    doors.tap("1")
    assert doors.tap("2").reason is DenyReason.AREA_FULL


def test_a_visitor_enters_after_the_escort() -> None:
    doors = Doors(HOST, VISITOR)
    assert doors.tap("1", "host").granted
    entered = doors.tap("v", "visitor")
    assert entered.details["escort"] == "1"
    assert doors.tap("w", "visitor").granted, "a group follows one host"
    doors.clock.advance(16)
    assert doors.tap("x", "visitor").reason is DenyReason.ESCORT_NEEDED


def test_a_visitor_who_was_first_enters_with_the_escort() -> None:
    doors = Doors(STAFF, HOST, VISITOR)
    waiting = doors.tap("v", "visitor")
    assert (waiting.reason, waiting.cue) == (DenyReason.ESCORT_NEEDED, CueName.RETRY)
    assert "visitor" not in doors.tap("2", "staff").details, "not everybody escorts"
    assert doors.tap("1", "host").details["visitor"] == "v"
    assert doors.service.inside(doors.clock.now()) == {"1": "lab", "2": "lab", "v": "lab"}


def test_a_visitor_escorts_nobody_and_is_no_second_person() -> None:
    doors = Doors(STAFF, VISITOR, AccessLevel(name="odd", escorts=True), rules=TWO)
    assert doors.tap("v", "visitor", "odd").reason is DenyReason.ESCORT_NEEDED
    assert doors.tap("w", "visitor", "odd").reason is DenyReason.ESCORT_NEEDED
    assert doors.tap("1", "staff").reason is DenyReason.SECOND_PERSON_NEEDED
    assert doors.tap("v", "visitor").reason is DenyReason.ESCORT_NEEDED


def test_a_visitor_leaves_alone() -> None:
    assert Doors(VISITOR).tap("v", "visitor", reader="lab_out").granted


def test_one_door_of_two_opens_while_the_other_is_closed_and_locked() -> None:
    doors = Doors(rules=DoorRules(name="lab", interlock=("inner",)), other_doors=(DoorRules(name="inner"),))
    assert doors.tap().granted
    doors.secure = False
    waits = doors.tap()
    assert (waits.reason, waits.cue) == (DenyReason.INTERLOCK, CueName.RETRY)


@pytest.mark.parametrize("door", ["lab", "*"])
def test_a_lockdown_holds_over_a_restart_until_it_is_ended(door: str) -> None:
    doors = Doors(STAFF, GUARD)
    doors.record("lockdown.begun", {"door": door, "by": "desk"})
    assert doors.tap().reason is DenyReason.LOCKDOWN
    assert doors.tap("2", "guard").granted
    doors.restart(boot=True)
    assert doors.tap().reason is DenyReason.LOCKDOWN
    doors.record("lockdown.ended", {"door": door, "by": "desk"})
    assert doors.tap().granted


def test_a_lockdown_of_another_door_is_none_here() -> None:
    doors = Doors()
    doors.record("lockdown.begun", {"door": "roof", "by": "desk"})
    assert doors.tap().granted


def test_a_lockdown_of_a_week_is_still_one_after_a_restart() -> None:
    doors = Doors()
    doors.record("lockdown.begun", {"door": "lab", "by": "desk"})
    for _ in range(7 * 24):
        doors.clock.advance(3600)
        doors.tick()
        doors.tap()
    doors.restart()
    assert doors.tap().reason is DenyReason.LOCKDOWN
    renewed = [event for event in doors.events if event.fields.get("renewed")]
    assert len(renewed) == 14
    assert {event.fields["by"] for event in renewed} == {"desk"}


@pytest.mark.parametrize("step_days", [-400, 3, 400])
def test_a_lockdown_stands_whatever_is_done_to_the_clock(step_days: int) -> None:
    doors = Doors()
    doors.record("lockdown.begun", {"door": "lab", "by": "desk"})
    for sign in (1, -1):
        doors.clock.step(sign * step_days * 86400)
        doors.tick()
        doors.tap()
        doors.restart()
        assert doors.tap().reason is DenyReason.LOCKDOWN


def unlocking(*, first_person: bool, when: str) -> Doors:
    first = AccessLevel(name="first", doors=LAB, first_person=True)
    rules = DoorRules(name="lab", unlock=OFFICE, first_person=first_person)
    return Doors(STAFF, first, GUARD, rules=rules, at=at(when))


def test_a_door_stays_unlocked_by_its_schedule() -> None:
    doors = unlocking(first_person=False, when="2026-11-24T06:00")
    seen = []
    for _ in range(16):
        seen.append(doors.tick()["lab"])
        doors.clock.advance(3600)
    assert seen == [False, *[True] * 13, False, False]


@pytest.mark.rule(11)
@pytest.mark.parametrize("boot", [False, True])
def test_no_start_unlocks_a_door_until_somebody_enters(boot: bool) -> None:
    doors = unlocking(first_person=False, when="2026-11-24T09:00")
    assert doors.tick() == {"lab": False}
    doors.tap()
    assert doors.tick() == {"lab": True}
    doors.restart(boot=boot)
    assert doors.tick() == {"lab": False}
    doors.tap("1", "other")
    assert doors.tick() == {"lab": False}
    doors.tap()
    assert doors.tick() == {"lab": True}


def test_the_first_person_unlocks_and_nobody_else() -> None:
    doors = unlocking(first_person=True, when="2026-11-24T06:30")
    assert doors.tick() == {"lab": False}
    doors.tap("1", "first")
    doors.clock.advance(1800)
    assert doors.tick() == {"lab": False}, "who came before the hours starts none"
    doors.tap("2", "staff")
    assert doors.tick() == {"lab": False}
    doors.tap("1", "first", reader="lab_out")
    assert doors.tick() == {"lab": False}, "nor who leaves"
    doors.tap("1", "first")
    assert doors.tick() == {"lab": True}
    doors.clock.advance(13 * 3600)
    assert doors.tick() == {"lab": False}
    doors.clock.advance(11 * 3600)
    assert doors.tick() == {"lab": False}, "each day has its own first person"


@pytest.mark.rule(11)
def test_what_the_journal_tells_late_unlocks_nothing() -> None:
    """A disk that comes back after the start: yesterday's first person is nobody's today."""
    doors = unlocking(first_person=True, when="2026-11-24T09:00")
    doors.tick()
    doors.tap("1", "first")
    assert doors.tick() == {"lab": True}
    doors.clock.advance(24 * 3600)
    told, doors.events = doors.events, []  # nothing can be read at the start
    doors.restart()
    for event in told:
        doors.service.recorded(event)
    assert doors.tick() == {"lab": False}


def test_who_enters_in_a_lockdown_starts_no_hours_that_come_after_it() -> None:
    doors = unlocking(first_person=False, when="2026-11-24T09:00")
    doors.record("lockdown.begun", {"door": "*", "by": "desk"})
    doors.tick()
    doors.tap("1", "guard")
    doors.record("lockdown.ended", {"door": "*", "by": "desk"})
    assert doors.tick() == {"lab": False}


def test_a_lockdown_locks_and_its_end_unlocks_nothing() -> None:
    doors = unlocking(first_person=False, when="2026-11-24T06:00")
    doors.tick()
    doors.clock.advance(7200)
    assert doors.tick() == {"lab": True}
    doors.record("lockdown.begun", {"door": "*", "by": "desk"})
    assert doors.tick() == {"lab": False}
    doors.tap("1", "guard")
    assert doors.tick() == {"lab": False}
    doors.record("lockdown.ended", {"door": "*", "by": "desk"})
    assert doors.tick() == {"lab": False}
    doors.tap()
    assert doors.tick() == {"lab": True}


@pytest.mark.rule(10)
def test_an_unset_clock_unlocks_nothing() -> None:
    doors = unlocking(first_person=False, when="2026-11-24T06:00")
    doors.tick()
    doors.clock.advance(7200)
    doors.clock.source = type(doors.clock.source).NONE
    assert doors.tick() == {"lab": False}
    doors.clock.source = type(doors.clock.source).NTP
    assert doors.tick() == {"lab": False}


def test_a_card_is_asked_for_what_opens_a_door_now() -> None:
    strict = AccessLevel(name="vault", doors=LAB, min_assurance=Assurance.CHALLENGE_PIN)
    doors = Doors(STAFF, strict, more={"side": Passage(door="lab")})
    enrolments = [doors.enrolment("1", "vault"), doors.enrolment("1", "vault", "staff"), doors.enrolment("1")]
    asked = [doors.service.asks(enrolment, doors.clock.now(), None) for enrolment in enrolments]
    assert asked == [Assurance.CHALLENGE_PIN, Assurance.SERIAL, Assurance.SERIAL]


def test_a_new_roster_brings_other_levels_and_hours_while_it_runs() -> None:
    doors = Doors(rules=DoorRules(name="lab", unlock=OFFICE), at=at("2026-11-24 06:00"))
    assert doors.tap().granted
    assert not doors.service.unlocked(doors.clock.now())["lab"]
    night = Schedule(name="night", hours=(WeeklyHours(hours=TimeRange(first=time(6, 30), last=time(7)), weekdays=ALL),))
    doors.service.follow(DoorPolicy(levels=AccessLevels([HOST]), unlock={"lab": night}))
    assert doors.tap().reason is DenyReason.NO_ACCESS_LEVEL
    assert doors.tap("2", "host").granted
    doors.clock.advance(1800)
    assert doors.service.unlocked(doors.clock.now())["lab"]
    doors.clock.advance(1800)
    assert not doors.service.unlocked(doors.clock.now())["lab"]

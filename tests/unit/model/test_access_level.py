from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from fakes.doors import OFFICE, TUESDAY, hours
from kazasu.model.access import Assurance, DenyReason
from kazasu.model.access_level import AccessLevel, AccessLevels, Circumstances
from kazasu.model.calendar import HolidayCalendar, national_days
from kazasu.model.moment import Moment, TimeSource

TOKYO = ZoneInfo("Asia/Tokyo")
LAB = frozenset({"lab"})
CHALLENGE = Assurance.CHALLENGE


def now(
    at: str | datetime = TUESDAY,
    source: TimeSource = TimeSource.NTP,
    *,
    roster_stale: bool = False,
    lockdown: bool = False,
) -> Circumstances:
    when = at if isinstance(at, datetime) else datetime.fromisoformat(at).replace(tzinfo=TOKYO)
    moment = Moment(at=when, source=source, error_ms=5, boot="b" * 32, mono_ms=1_000_000)
    return Circumstances(moment=moment, roster_stale=roster_stale, lockdown=lockdown)


WORKDAYS = hours("07:00", "20:00", holidays=HolidayCalendar((), national_days("JP")))
STAFF = AccessLevel(name="staff", doors=LAB, schedule=OFFICE)
WITH_KEY = AccessLevel(name="with-key", doors=LAB, min_assurance=CHALLENGE)
LEVELS = AccessLevels(
    [
        STAFF,
        WITH_KEY,
        AccessLevel(name="spring", doors=LAB, valid_from=date(2026, 4, 1), valid_until=date(2026, 6, 30)),
        AccessLevel(name="fire-brigade", doors=LAB, schedule=OFFICE, emergency=True),
        AccessLevel(name="guard", doors=LAB, in_lockdown=True),
        AccessLevel(name="elsewhere", doors=frozenset({"roof"})),
        AccessLevel(name="slow", extended=True),
        AccessLevel(name="visitor", doors=LAB, needs_escort=True),
        AccessLevel(name="workdays", doors=LAB, schedule=WORKDAYS),
    ]
)


@pytest.mark.parametrize(
    ("held", "at", "reason"),
    [
        ((), "2026-11-24T09:00", DenyReason.NO_ACCESS_LEVEL),
        (("elsewhere",), "2026-11-24T09:00", DenyReason.NO_ACCESS_LEVEL),
        (("of-another-terminal",), "2026-11-24T09:00", DenyReason.NO_ACCESS_LEVEL),
        (("slow",), "2026-11-24T09:00", DenyReason.NO_ACCESS_LEVEL),
        (("staff",), "2026-11-24T06:59:59", DenyReason.OUT_OF_HOURS),
        (("staff",), "2026-11-24T07:00", None),
        (("staff",), "2026-11-24T20:00", DenyReason.OUT_OF_HOURS),
        (("staff",), "2026-11-23T12:00", None),  # a holiday, which it does not keep
        (("workdays",), "2026-11-23T12:00", DenyReason.HOLIDAY),
        (("workdays", "staff"), "2026-11-23T12:00", None),
        (("spring",), "2026-03-31T23:59:59", DenyReason.LEVEL_NOT_YET_VALID),
        (("spring",), "2026-04-01T00:00", None),
        (("spring",), "2026-06-30T23:59:59", None),
        (("spring",), "2026-07-01T00:00", DenyReason.LEVEL_EXPIRED),
        (("staff", "spring"), "2026-07-01T22:00", DenyReason.OUT_OF_HOURS),  # the nearer one says why
        (("with-key", "staff"), "2026-11-24T22:00", None),
    ],
)
def test_levels_open_their_doors_at_their_hours(held: tuple[str, ...], at: str, reason: DenyReason | None) -> None:
    assert LEVELS.verdict(held, "lab", CHALLENGE, now(at)).reason is reason


def test_a_level_asks_for_its_own_assurance() -> None:
    weak = Assurance.SIGNED_DATA
    assert LEVELS.verdict(["with-key"], "lab", weak, now()).reason is DenyReason.ASSURANCE_TOO_LOW
    assert LEVELS.verdict(["with-key"], "lab", CHALLENGE, now()).reason is None
    assert LEVELS.verdict(["with-key", "staff"], "lab", weak, now()).level == "staff"


@pytest.mark.rule(10)
def test_with_the_clock_unset_only_levels_for_emergencies_count_and_then_at_any_hour() -> None:
    unset = now("1970-01-01T03:00", TimeSource.NONE)
    for name in ("staff", "with-key", "spring", "guard", "workdays"):
        assert LEVELS.verdict([name], "lab", CHALLENGE, unset).reason is DenyReason.CLOCK_UNSET
    assert LEVELS.verdict(["fire-brigade"], "lab", CHALLENGE, unset).reason is None
    assert LEVELS.verdict(["fire-brigade"], "lab", CHALLENGE, now("2026-11-24T03:00")).reason is DenyReason.OUT_OF_HOURS


@pytest.mark.rule(10)
@pytest.mark.parametrize("source", [TimeSource.NTP, TimeSource.RTC, TimeSource.HOLDOVER])
def test_a_clock_that_drifts_is_still_a_clock(source: TimeSource) -> None:
    assert LEVELS.verdict(["staff"], "lab", CHALLENGE, now(source=source)).reason is None


def test_with_a_stale_roster_only_levels_for_emergencies_count() -> None:
    stale = now(roster_stale=True)
    assert LEVELS.verdict(["staff", "guard"], "lab", CHALLENGE, stale).reason is DenyReason.ROSTER_STALE
    assert LEVELS.verdict(["fire-brigade"], "lab", CHALLENGE, stale).reason is None


def test_in_a_lockdown_only_levels_that_say_so_count() -> None:
    lockdown = now(lockdown=True)
    assert LEVELS.verdict(["staff", "fire-brigade"], "lab", CHALLENGE, lockdown).reason is DenyReason.LOCKDOWN
    assert LEVELS.verdict(["guard"], "lab", CHALLENGE, lockdown).reason is None
    assert LEVELS.verdict([], "lab", CHALLENGE, lockdown).reason is DenyReason.NO_ACCESS_LEVEL


def test_what_a_person_is_counts_beside_what_opens_the_door_and_opens_none() -> None:
    both = LEVELS.verdict(["staff", "slow"], "lab", CHALLENGE, now())
    assert (both.reason, both.level, both.extended) == (None, "staff", True)
    assert not LEVELS.verdict(["staff"], "lab", CHALLENGE, now()).extended


def test_a_level_that_is_not_in_force_says_nothing_of_a_person() -> None:
    levels = AccessLevels([STAFF, AccessLevel(name="host", escorts=True, valid_until=date(2026, 11, 23))])
    assert not levels.verdict(["staff", "host"], "lab", CHALLENGE, now()).escorts
    assert levels.verdict(["staff", "host"], "lab", CHALLENGE, now("2026-11-23T12:00")).escorts


def test_who_has_one_level_of_their_own_needs_no_escort() -> None:
    assert LEVELS.verdict(["visitor"], "lab", CHALLENGE, now()).needs_escort
    both = LEVELS.verdict(["visitor", "staff"], "lab", CHALLENGE, now())
    assert (both.needs_escort, both.level) == (False, "staff")
    assert LEVELS.verdict(["visitor", "staff"], "lab", CHALLENGE, now("2026-11-24T22:00")).needs_escort


def test_a_card_is_asked_for_the_least_that_opens_a_door_now() -> None:
    day, night = now("2026-11-24T12:00"), now("2026-11-24T22:00")
    held = ["with-key", "staff"]
    assert LEVELS.asked(held, ["lab"], day) is Assurance.SERIAL
    assert LEVELS.asked(held, ["lab"], night) is CHALLENGE
    assert LEVELS.asked(held, ["roof"], night) is Assurance.SERIAL
    assert LEVELS.asked(["staff"], ["lab"], night) is Assurance.SERIAL

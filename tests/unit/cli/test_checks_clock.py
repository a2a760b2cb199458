"""How the doctor judges the machine's clock and its battery-backed ones."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import msgspec
import pytest

from kazasu.cli.checks_clock import judge_clock, judge_commands, judge_rtcs
from kazasu.cli.finding import Grade
from kazasu.model.moment import Moment, TimeSource
from kazasu.runtime.rtc import Rtc

NOW = datetime(2026, 4, 1, 8, 30, tzinfo=timezone(timedelta(hours=9)))
NOW_S = int(NOW.timestamp())
MODULE = Rtc(device="rtc0", chip="rtc-ds1307 1-0068", at_s=NOW_S, set_clock=True, battery_v=None)
PI_5 = msgspec.structs.replace(MODULE, chip="rpi-rtc soc:rpi_rtc", battery_v=3.0)


def moment(source: TimeSource, error_ms: int = -1, at: datetime = NOW) -> Moment:
    return Moment(at=at, source=source, error_ms=error_ms, boot="b" * 32, mono_ms=60_000)


@pytest.mark.parametrize(
    ("source", "error_ms", "grade", "found"),
    [
        (TimeSource.NTP, 12, Grade.OK, "synchronised, within 12 ms"),
        (TimeSource.NTP, -1, Grade.OK, "synchronised"),
        (TimeSource.RTC, -1, Grade.NOTE, "set from the RTC, not synchronised: punches say so"),
        (TimeSource.HOLDOVER, -1, Grade.NOTE, "not synchronised, holding over: punches say so"),
        (TimeSource.NONE, -1, Grade.NOTE, "unset, as far as anybody knows: punches say so"),
    ],
)
def test_where_the_time_comes_from(source: TimeSource, error_ms: int, grade: Grade, found: str) -> None:
    (finding,) = judge_clock(moment(source, error_ms), NOW, moment(TimeSource.NTP), source)
    assert (finding.grade, finding.found) == (grade, found)
    assert bool(finding.todo) is (grade is not Grade.OK)


def test_a_clock_before_the_newest_event_is_a_problem_unless_ntp_says_so() -> None:
    newest = moment(TimeSource.NTP, at=NOW + timedelta(days=1))
    (finding,) = judge_clock(moment(TimeSource.HOLDOVER), NOW, newest, TimeSource.HOLDOVER)
    assert finding.grade is Grade.PROBLEM
    assert finding.found.startswith("shows 2026-04-01 08:30, before the newest event of 2026-04-02 08:30")
    assert "timedatectl set-time" in finding.todo

    (finding,) = judge_clock(moment(TimeSource.NTP), NOW, newest, TimeSource.NTP)
    assert finding.grade is Grade.OK


def test_chrony_which_the_service_cannot_see_is_told_with_what_to_do_unless_it_can() -> None:
    synchronised = moment(TimeSource.NTP, 12)
    for newest in (None, moment(TimeSource.HOLDOVER)):
        (finding,) = judge_clock(synchronised, NOW, newest, TimeSource.HOLDOVER)
        assert (finding.grade, finding.found) == (Grade.NOTE, "synchronised, but not by systemd-timesyncd")
        assert "SystemCallFilter=adjtimex clock_adjtime" in finding.todo
    (finding,) = judge_clock(synchronised, NOW, moment(TimeSource.NTP), TimeSource.HOLDOVER)
    assert finding.grade is Grade.OK


def test_without_an_rtc_the_doctor_says_what_to_buy() -> None:
    (finding,) = judge_rtcs([], NOW, synchronised=True)
    assert finding.grade is Grade.NOTE
    assert "DS3231" in finding.todo
    assert "dtoverlay=i2c-rtc,ds3231" in finding.todo


@pytest.mark.parametrize(
    ("rtc", "change", "found", "todo"),
    [
        (MODULE, {"at_s": None}, "has lost its time, or was never set", "change its battery"),
        (MODULE, {"at_s": NOW_S - 3600}, "is 3,600 s behind", "hwclock --systohc"),
        (MODULE, {"at_s": NOW_S + 31}, "is 31 s ahead", "hwclock --systohc"),
        (MODULE, {"set_clock": False}, "keeps time, but the clock was not set from it at boot", "update the system"),
        (PI_5, {"battery_v": 0.1}, ": its battery is missing or empty (0.1 V)", "rtc_bbat_vchg"),
        (PI_5, {"at_s": None}, "has lost its time, or was never set", "connect Raspberry Pi's RTC battery"),
    ],
)
def test_an_rtc_that_is_no_help_is_named_with_what_to_do(
    rtc: Rtc, change: dict[str, int | float | None], found: str, todo: str
) -> None:
    (finding,) = judge_rtcs([msgspec.structs.replace(rtc, **change)], NOW, synchronised=True)
    assert finding.grade is Grade.NOTE
    assert finding.found.startswith(f"rtc0 ({rtc.chip})")
    assert finding.found.endswith(found)
    assert todo in finding.todo


@pytest.mark.parametrize(
    ("rtc", "found"),
    [
        (MODULE, "rtc0 (rtc-ds1307 1-0068) keeps time"),
        (PI_5, "rtc0 (rpi-rtc soc:rpi_rtc) keeps time, battery 3.0 V"),
        (msgspec.structs.replace(MODULE, at_s=NOW_S - 29), "rtc0 (rtc-ds1307 1-0068) keeps time"),
    ],
)
def test_one_that_is_has_nothing_to_do(rtc: Rtc, found: str) -> None:
    (finding,) = judge_rtcs([rtc], NOW, synchronised=True)
    assert (finding.grade, finding.found, finding.todo) == (Grade.OK, found, "")


def test_a_clock_that_is_not_synchronised_is_no_measure_for_an_rtc() -> None:
    (finding,) = judge_rtcs([msgspec.structs.replace(MODULE, at_s=NOW_S + 3600)], NOW, synchronised=False)
    assert finding.grade is Grade.OK


def test_of_two_rtcs_the_kernel_needs_only_one() -> None:
    second = msgspec.structs.replace(MODULE, device="rtc1", set_clock=False)
    assert [finding.grade for finding in judge_rtcs([PI_5, second], NOW, synchronised=True)] == [Grade.OK, Grade.OK]


def test_a_clock_that_tells_no_fresh_command_is_told_to_whoever_waits_for_one() -> None:
    assert list(judge_commands(moment(TimeSource.NTP))) == []
    for source in (TimeSource.HOLDOVER, TimeSource.NONE):
        (finding,) = judge_commands(moment(source))
        assert (finding.grade, finding.subject) == (Grade.NOTE, "clock")
        assert "only those that make things safer" in finding.found

from __future__ import annotations

import os
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import msgspec
import pytest

from kazasu.model.moment import Moment, TimeSource
from kazasu.runtime.adjtimex import maximum_error_ms
from kazasu.runtime.clock import SystemClock
from kazasu.runtime.rtc import Rtc

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

TOKYO = ZoneInfo("Asia/Tokyo")
NOW = datetime(2026, 4, 1, 8, 30, tzinfo=UTC)
YEAR_S = 365 * 86_400.0
BOOT = "0b1c2d3e4f5061728394a5b6c7d8e9f0"


class Machine:
    """What the clock looks at, in files and values of the test's own."""

    def __init__(self, folder: Path) -> None:
        self.timesyncd = folder / "synchronized"
        self.boot_id = folder / "boot_id"
        self.boot_id.write_text("0b1c2d3e-4f50-6172-8394-a5b6c7d8e9f0\n")
        self.kernel_error_ms: int | None = None
        self.rtcs: Sequence[Rtc] = ()
        self.asked = 0
        self.wall_s = NOW.timestamp()
        self.boottime_s = 30.0

    def clock(self, zone: ZoneInfo = TOKYO) -> SystemClock:
        def kernel_error_ms() -> int | None:
            self.asked += 1
            return self.kernel_error_ms

        return SystemClock(
            zone,
            kernel_error_ms=kernel_error_ms,
            rtcs=lambda: self.rtcs,
            timesyncd=self.timesyncd,
            boot_id=self.boot_id,
            wall_s=lambda: self.wall_s,
            boottime_s=lambda: self.boottime_s,
        )

    def pass_s(self, seconds: float) -> None:
        self.wall_s += seconds
        self.boottime_s += seconds

    def rtc(self, *, wrong_s: int = 0, set_clock: bool = True) -> Rtc:
        return Rtc(
            device="rtc0", chip="rtc-ds1307", at_s=int(self.wall_s) + wrong_s, set_clock=set_clock, battery_v=None
        )

    def touch(self, age_s: float = 0) -> None:
        self.timesyncd.touch()
        os.utime(self.timesyncd, (self.wall_s - age_s, self.wall_s - age_s))


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def event_of_the_last_boot(seconds_ago: float, source: TimeSource = TimeSource.NTP) -> Moment:
    """When the newest event was, as the machine's clock now has it."""
    at = NOW - timedelta(seconds=seconds_ago)
    return Moment(at=at, source=source, error_ms=5, boot="f" * 32, mono_ms=86_400_000)


@pytest.mark.rule(10)
def test_a_moment_is_wall_time_boot_and_monotonic_time(machine: Machine) -> None:
    moment = machine.clock().now()

    assert moment.at == NOW
    assert moment.at.utcoffset() == timedelta(hours=9)
    assert moment.boot == BOOT
    assert moment.mono_ms == 30_000


def test_this_machine_has_a_boot_id_and_both_clocks() -> None:
    before, before_s = datetime.now(UTC), time.clock_gettime(time.CLOCK_BOOTTIME)
    clock = SystemClock(UTC)
    moment = clock.now()

    assert len(bytes.fromhex(moment.boot)) == 16
    assert before <= moment.at <= datetime.now(UTC)
    assert int(before_s * 1000) <= moment.mono_ms <= int(clock.mono_s() * 1000)


@pytest.mark.rule(10)
def test_a_disciplined_clock_says_so_with_the_kernels_error(machine: Machine) -> None:
    machine.kernel_error_ms = 12

    moment = machine.clock().now()

    assert (moment.source, moment.error_ms) == (TimeSource.NTP, 12)


@pytest.mark.rule(10)
def test_where_the_kernel_may_not_be_asked_timesyncds_file_tells(machine: Machine) -> None:
    machine.touch()

    moment = machine.clock().now()

    assert (moment.source, moment.error_ms) == (TimeSource.NTP, -1)


@pytest.mark.rule(10)
@pytest.mark.parametrize("age_s", [3 * 2048 + 60, -3 * 2048 - 60], ids=["old", "from the future"])
def test_a_file_that_timesyncd_has_not_touched_for_long_tells_nothing(machine: Machine, age_s: int) -> None:
    machine.touch(age_s)

    assert machine.clock().now().source is TimeSource.NONE


@pytest.mark.rule(10)
def test_a_clock_that_was_disciplined_in_this_run_is_holding_over_with_an_error_that_grows(machine: Machine) -> None:
    machine.kernel_error_ms = 12
    clock = machine.clock()
    clock.now()
    machine.kernel_error_ms = None
    machine.pass_s(1000)
    soon = clock.now()
    machine.pass_s(1000)
    later = clock.now()

    assert (soon.source, later.source) == (TimeSource.HOLDOVER, TimeSource.HOLDOVER)
    assert 12 + 500 <= soon.error_ms < later.error_ms < 12 + 1100


@pytest.mark.rule(10)
def test_without_discipline_rtc_and_events_nothing_is_known_until_somebody_sets_the_clock(machine: Machine) -> None:
    clock = machine.clock()
    unset = clock.now()
    clock.recorded(unset)
    machine.pass_s(60)
    assert (unset.source, clock.now().source) == (TimeSource.NONE, TimeSource.NONE)

    machine.wall_s += YEAR_S
    moment = clock.now()
    assert (moment.source, moment.at) == (TimeSource.HOLDOVER, NOW + timedelta(seconds=60 + YEAR_S))


@pytest.mark.rule(10)
def test_a_clock_that_stands_after_the_last_event_is_held_over(machine: Machine) -> None:
    clock = machine.clock()
    clock.recorded(event_of_the_last_boot(seconds_ago=86_400))

    moment = clock.now()

    assert (moment.source, moment.error_ms, moment.at) == (TimeSource.HOLDOVER, -1, NOW)


@pytest.mark.rule(10)
@pytest.mark.parametrize("lost_s", [31.0, YEAR_S])
def test_a_machine_that_lost_its_time_goes_on_from_the_last_event(machine: Machine, lost_s: float) -> None:
    clock = machine.clock()
    clock.recorded(event_of_the_last_boot(seconds_ago=-lost_s))

    # 30 s have passed since the boot, whatever passed before it.
    first = clock.now()
    assert (first.source, first.error_ms) == (TimeSource.HOLDOVER, -1)
    assert first.at == NOW + timedelta(seconds=lost_s + 30)
    assert first.at.utcoffset() == timedelta(hours=9)
    clock.recorded(first)
    # A pause is no reason to fall back to a clock that is known to be wrong.
    machine.pass_s(3600)
    assert clock.now().at == first.at + timedelta(hours=1)
    assert clock.now().source is TimeSource.HOLDOVER


@pytest.mark.rule(10)
def test_ntp_ends_it_even_if_it_goes_back_behind_the_last_event(machine: Machine) -> None:
    clock = machine.clock()
    clock.recorded(event_of_the_last_boot(seconds_ago=-YEAR_S, source=TimeSource.HOLDOVER))
    wrong = clock.now()
    machine.kernel_error_ms = 3
    machine.pass_s(10)

    right = clock.now()
    assert (right.source, right.at) == (TimeSource.NTP, NOW + timedelta(seconds=10))
    assert right.step_ms(wrong) == pytest.approx(-(YEAR_S + 30) * 1000)

    clock.recorded(right)
    machine.kernel_error_ms = None
    machine.pass_s(10)
    assert (clock.now().source, clock.now().at) == (TimeSource.HOLDOVER, NOW + timedelta(seconds=20))


@pytest.mark.rule(10)
def test_a_clock_set_back_behind_an_event_is_doubted_and_followed_after_a_pause(machine: Machine) -> None:
    machine.kernel_error_ms = 3
    clock = machine.clock()
    clock.recorded(clock.now())
    machine.kernel_error_ms = None
    machine.pass_s(10)
    machine.wall_s -= 300

    doubted = clock.now()
    assert (doubted.source, doubted.at) == (TimeSource.NONE, NOW + timedelta(seconds=10))
    clock.recorded(doubted)
    machine.pass_s(299)
    assert clock.now().at == NOW + timedelta(seconds=309)
    machine.pass_s(2)
    followed = clock.now()
    assert (followed.source, followed.at) == (TimeSource.HOLDOVER, NOW + timedelta(seconds=11))


@pytest.mark.rule(10)
@pytest.mark.parametrize(("known", "source"), [(TimeSource.NTP, TimeSource.HOLDOVER), (TimeSource.RTC, TimeSource.RTC)])
def test_a_run_takes_over_what_the_former_one_of_this_boot_knew(
    machine: Machine, known: TimeSource, source: TimeSource
) -> None:
    newest = Moment(at=NOW, source=known, error_ms=7, boot=BOOT, mono_ms=30_000)
    machine.pass_s(3600)
    machine.wall_s += 3  # drift
    clock = machine.clock()
    clock.recorded(newest)
    assert clock.now().source is source
    assert clock.now().at == NOW + timedelta(seconds=3603)

    machine.wall_s -= 86_400
    clock = machine.clock()
    clock.now()  # somebody else may look before the journal is read
    clock.recorded(newest)
    assert clock.now().source is TimeSource.NONE
    assert clock.now().at == NOW + timedelta(seconds=3600)


@pytest.mark.rule(10)
def test_a_step_is_noticed_at_once(machine: Machine) -> None:
    clock = machine.clock()
    clock.now()
    machine.kernel_error_ms = 3
    machine.wall_s += 60

    assert clock.now().source is TimeSource.NTP


@pytest.mark.rule(10)
def test_a_clock_that_the_kernel_set_from_an_rtc_says_so_until_somebody_sets_it(machine: Machine) -> None:
    machine.rtcs = [machine.rtc()]
    clock = machine.clock()
    clock.recorded(event_of_the_last_boot(seconds_ago=60))
    moment = clock.now()
    assert (moment.source, moment.error_ms, moment.at) == (TimeSource.RTC, -1, NOW)

    machine.wall_s += 60
    assert clock.now().source is TimeSource.HOLDOVER


@pytest.mark.rule(10)
def test_an_rtc_is_no_reason_to_go_back_behind_an_event(machine: Machine) -> None:
    machine.rtcs = [machine.rtc()]
    clock = machine.clock()
    clock.recorded(event_of_the_last_boot(seconds_ago=-YEAR_S))

    moment = clock.now()

    assert (moment.source, moment.at) == (TimeSource.NONE, NOW + timedelta(seconds=YEAR_S + 30))


@pytest.mark.rule(10)
@pytest.mark.parametrize("change", [{"set_clock": False}, {"at_s": None}, {"at_s": int(NOW.timestamp()) + 4}])
def test_an_rtc_that_did_not_set_the_clock_or_tells_another_time_is_none(
    machine: Machine, change: dict[str, bool | int | None]
) -> None:
    machine.rtcs = [msgspec.structs.replace(machine.rtc(), **change)]

    assert machine.clock().now().source is TimeSource.NONE


@pytest.mark.parametrize(
    ("began", "last_event", "passed_s", "shown"),
    [
        ("2026-10-25T02:00+02:00", 3000, 1200, "2026-10-25T02:10:00.000+01:00"),
        ("2026-03-29T01:00+01:00", 3000, 1200, "2026-03-29T03:10:00.000+02:00"),
    ],
    ids=["the hour that comes twice", "the hour that is left out"],
)
@pytest.mark.rule(10)
def test_the_hour_that_changes_makes_nobody_doubt_the_clock(
    machine: Machine, began: str, last_event: float, passed_s: float, shown: str
) -> None:
    machine.wall_s = datetime.fromisoformat(began).timestamp()
    machine.rtcs = [machine.rtc()]
    clock = machine.clock(ZoneInfo("Europe/Berlin"))
    clock.now()
    machine.pass_s(last_event)
    clock.recorded(clock.now())
    machine.pass_s(passed_s)
    moment = clock.now()
    assert (moment.time, moment.source) == (shown, TimeSource.RTC)


@pytest.mark.rule(10)
def test_time_that_goes_on_from_an_event_goes_on_over_the_hour_that_changes(machine: Machine) -> None:
    berlin = ZoneInfo("Europe/Berlin")
    machine.wall_s, machine.boottime_s = 0.0, 0.0
    clock = machine.clock(berlin)
    at = datetime(2026, 10, 25, 1, tzinfo=berlin)
    clock.recorded(Moment(at=at, source=TimeSource.NTP, error_ms=5, boot="f" * 32, mono_ms=0))
    machine.pass_s(3 * 3600)
    moment = clock.now()
    assert (moment.time, moment.source) == ("2026-10-25T03:00:00.000+01:00", TimeSource.HOLDOVER)


def test_a_process_stopped_between_two_readings_reads_again(machine: Machine) -> None:
    readings = iter([30.0, 90.0, 90.0, 90.0])

    clock = SystemClock(
        UTC,
        kernel_error_ms=lambda: None,
        rtcs=list,
        timesyncd=machine.timesyncd,
        boot_id=machine.boot_id,
        wall_s=lambda: machine.wall_s,
        boottime_s=lambda: next(readings),
    )

    assert clock.now().mono_ms == 90_000


def test_a_tap_does_not_ask_the_kernel_again(machine: Machine) -> None:
    clock = machine.clock()
    clock.now()
    machine.pass_s(4.9)
    clock.now()
    assert machine.asked == 1

    machine.pass_s(0.1)
    clock.now()
    assert machine.asked == 2


def test_the_kernel_of_this_machine_answers_or_does_not() -> None:
    error_ms = maximum_error_ms()

    assert error_ms is None or error_ms >= 1

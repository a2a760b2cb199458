from __future__ import annotations

import os
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest

from kazasu.model.moment import TimeSource
from kazasu.runtime.adjtimex import maximum_error_ms
from kazasu.runtime.clock import SystemClock

if TYPE_CHECKING:
    from pathlib import Path

TOKYO = ZoneInfo("Asia/Tokyo")
NOW = datetime.now(UTC)


class Machine:
    """What the clock looks at, in files and a value of the test's own."""

    def __init__(self, folder: Path) -> None:
        self.timesyncd = folder / "synchronized"
        self.boot_id = folder / "boot_id"
        self.boot_id.write_text("0b1c2d3e-4f50-6172-8394-a5b6c7d8e9f0\n")
        self.kernel_error_ms: int | None = None
        self.asked = 0

    def clock(self, floor: datetime | None = None) -> SystemClock:
        def kernel_error_ms() -> int | None:
            self.asked += 1
            return self.kernel_error_ms

        return SystemClock(
            TOKYO, floor, kernel_error_ms=kernel_error_ms, timesyncd=self.timesyncd, boot_id=self.boot_id
        )


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def look_again(clock: SystemClock) -> None:
    """Let the five seconds be over, without waiting for them."""
    clock._looked_s = float("-inf")


@pytest.mark.rule(10)
def test_a_moment_is_wall_time_boot_and_monotonic_time(machine: Machine) -> None:
    clock = machine.clock()
    before_s = time.clock_gettime(time.CLOCK_BOOTTIME)

    moment = clock.now()

    assert NOW <= moment.at <= datetime.now(UTC)
    assert moment.at.utcoffset() == timedelta(hours=9)
    assert moment.boot == "0b1c2d3e4f5061728394a5b6c7d8e9f0"
    assert int(before_s * 1000) <= moment.mono_ms <= int(clock.mono_s() * 1000)


def test_this_machines_boot_has_an_id() -> None:
    moment = SystemClock(UTC, None).now()

    assert len(bytes.fromhex(moment.boot)) == 16


@pytest.mark.rule(10)
def test_a_disciplined_clock_says_so_with_the_kernels_error(machine: Machine) -> None:
    machine.kernel_error_ms = 12

    moment = machine.clock().now()

    assert (moment.source, moment.error_ms) == (TimeSource.NTP, 12)


@pytest.mark.rule(10)
def test_where_the_kernel_may_not_be_asked_timesyncds_file_tells(machine: Machine) -> None:
    machine.timesyncd.touch()

    moment = machine.clock().now()

    assert (moment.source, moment.error_ms) == (TimeSource.NTP, -1)


@pytest.mark.rule(10)
@pytest.mark.parametrize("age_s", [3 * 2048 + 60, -3 * 2048 - 60], ids=["old", "from the future"])
def test_a_file_that_timesyncd_has_not_touched_for_long_tells_nothing(machine: Machine, age_s: int) -> None:
    machine.timesyncd.touch()
    at_s = time.time() - age_s
    os.utime(machine.timesyncd, (at_s, at_s))

    assert machine.clock().now().source is TimeSource.NONE


@pytest.mark.rule(10)
def test_a_clock_that_was_disciplined_in_this_run_is_holding_over(machine: Machine) -> None:
    machine.kernel_error_ms = 12
    clock = machine.clock()
    clock.now()
    machine.kernel_error_ms = None
    look_again(clock)

    moment = clock.now()

    assert (moment.source, moment.error_ms) == (TimeSource.HOLDOVER, -1)


@pytest.mark.rule(10)
@pytest.mark.parametrize(
    ("floor", "source"),
    [
        (NOW - timedelta(days=1), TimeSource.HOLDOVER),
        (NOW + timedelta(days=1), TimeSource.NONE),
        (None, TimeSource.NONE),
    ],
    ids=["after the last event", "before the last event", "no event"],
)
def test_without_discipline_the_last_event_is_the_measure(
    machine: Machine, floor: datetime | None, source: TimeSource
) -> None:
    moment = machine.clock(floor).now()

    assert (moment.source, moment.error_ms) == (source, -1)


def test_a_tap_does_not_ask_the_kernel_again(machine: Machine) -> None:
    clock = machine.clock()
    clock.now()
    clock._looked_s = float("inf")  # just now, however slow this machine is
    clock.now()
    assert machine.asked == 1

    look_again(clock)
    clock.now()
    assert machine.asked == 2


def test_the_kernel_of_this_machine_answers_or_does_not() -> None:
    error_ms = maximum_error_ms()

    assert error_ms is None or error_ms >= 1

"""The clocks of the real daemon are moved while it runs, and between runs: libfaketime stands before the C library.

Whether the clock is synchronised timesyncd's file tells, in a /run of the sandbox's own; the kernel may not be asked,
as under the shipped unit.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import time
import uuid
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from kazasu.runtime.clock import TIMESYNCD
from kazasu.store.audit import verify
from kazasu.store.keys import load_verifier
from kazasu.virtual.daemon import DaemonProcess
from kazasu.virtual.stage import TERMINAL, Stage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kazasu.virtual.card import VirtualCard

Fields = dict[str, Any]

DAY = timedelta(days=1)
YEAR = 365 * DAY
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
NO_ADJTIMEX = Path(__file__).parents[1] / "fakes" / "no_adjtimex.c"


def faketime() -> str:
    """Where Debian has libfaketime for programs with threads."""
    files = subprocess.run(["dpkg", "-L", "libfaketime"], check=True, capture_output=True, text=True).stdout.split()
    return next(file for file in files if file.endswith("libfaketimeMT.so.1"))


class Door:
    """A stage whose daemon has a clock that the test sets."""

    def __init__(self, stage: Stage, folder: Path) -> None:
        self.stage = stage
        self._folder = folder
        self._offset_file = folder / "offset"
        library = folder / "no_adjtimex.so"
        subprocess.run(["gcc", "-shared", "-fPIC", "-o", library, NO_ADJTIMEX], check=True)
        stage.daemon = DaemonProcess(
            stage.config_file,
            folder,
            LD_PRELOAD=f"{library}:{faketime()}",
            FAKETIME_TIMESTAMP_FILE=str(self._offset_file),
            FAKETIME_NO_CACHE="1",
            FAKETIME_DONT_FAKE_MONOTONIC="1",
            NO_FAKE_STAT="1",
        )
        self.set_clock(timedelta())

    def set_clock(self, offset: timedelta, *, ntp: bool = False) -> None:
        """Set the wall clock against the machine's own, by a time server or by hand."""
        self._offset_file.write_text(f"{offset.total_seconds():+.0f}s")
        if ntp:
            at_s = time.time() + offset.total_seconds()
            TIMESYNCD.parent.mkdir(parents=True, exist_ok=True)
            TIMESYNCD.touch()
            os.utime(TIMESYNCD, (at_s, at_s))
        else:
            TIMESYNCD.unlink(missing_ok=True)

    def tap(self, card: VirtualCard) -> Fields:
        """What came of it; it may be preceded by an event about the clock."""
        before = len(self.taps())
        self.stage.tap(card)
        assert self.stage.daemon.wait_for(lambda: len(self.taps()) > before)
        return self.taps()[-1]

    def taps(self) -> list[Fields]:
        return [event for event in self.events() if event["event_type"].startswith("attendance.")]

    def events(self) -> list[Fields]:
        return [json.loads(body) for _, body in self.stage.backlog.after(0, 1000)]

    @contextlib.contextmanager
    def another_boot(self) -> Iterator[None]:
        """For the daemon it is one; the monotonic clock goes on, which is a boot some time ago."""
        boot_id = self._folder / "boot_id"
        boot_id.write_text(f"{uuid.uuid4()}\n")
        subprocess.run(["mount", "--bind", boot_id, BOOT_ID], check=True)
        try:
            yield
        finally:
            subprocess.run(["umount", BOOT_ID], check=True)


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    with Stage(tmp_path / "stage", '[journal]\nkeep = "3650d"\n') as stage:
        door = Door(stage, tmp_path)
        yield door
        # Where the clock was a year off, TLS took the broker's certificate for one of another time.
        door.set_clock(timedelta(), ntp=True)
        with stage.daemon:
            last_seq = stage.backlog.last_seq()
            assert stage.subscriber.wait_for(lambda: stage.subscriber.seq(TERMINAL) == last_seq)
        TIMESYNCD.unlink()
        assert stage.subscriber.problems == []
        *_, progress = verify(stage.config.terminal.journal_path, load_verifier(stage.public_key_file))
        assert progress.seq == stage.backlog.last_seq()


def at(event: Fields) -> datetime:
    return datetime.fromisoformat(event["time"])


@pytest.mark.rule(10)
def test_a_clock_that_ntp_sets_a_year_back_and_forward_loses_no_punch_and_counts_none_twice(door: Door) -> None:
    _, _, first, second, _ = (person.card for person in door.stage.staff)
    door.set_clock(timedelta(), ntp=True)
    with door.stage.daemon:
        now = door.tap(first)
        door.set_clock(-YEAR, ntp=True)
        back, other = door.tap(first), door.tap(second)
        door.set_clock(YEAR, ntp=True)
        forward = door.tap(second)
        door.set_clock(timedelta(), ntp=True)
        again = door.tap(first)
    taps = [now, back, other, forward, again]
    assert taps == door.taps()
    assert [event["event_type"] for event in taps] == [
        "attendance.in",
        "attendance.suppressed",  # told by the monotonic clock
        "attendance.in",
        "attendance.suppressed",
        "attendance.suppressed",
    ]
    assert {event["time_source"] for event in taps} == {"ntp"}
    assert at(back) < at(now) - YEAR + DAY
    assert at(forward) > at(now) + YEAR - DAY
    monotonic = [event["mono_ms"] for event in taps]
    assert monotonic == sorted(monotonic)

    steps = [event for event in door.events() if event["event_type"] == "clock.changed" and event["step_ms"]]
    assert [round(event["step_ms"] / 86_400_000) for event in steps if abs(event["step_ms"]) > 1000] == [
        -365,
        730,
        -365,
    ]


@pytest.mark.rule(10)
def test_a_clock_set_back_by_hand_is_doubted_and_no_punch_runs_behind_another(door: Door) -> None:
    _, _, first, second, third = (person.card for person in door.stage.staff)
    door.set_clock(timedelta(), ntp=True)
    with door.stage.daemon:
        known = door.tap(first)
        door.set_clock(-YEAR)
        doubted = door.tap(second)
    with door.stage.daemon:
        still = door.tap(third)
        door.set_clock(timedelta(), ntp=True)
        right = door.tap(first)
    sources = [event["time_source"] for event in (known, doubted, still, right)]
    assert sources == ["ntp", "none", "none", "ntp"]
    assert [at(event) for event in door.events()] == sorted(at(event) for event in door.events())
    assert at(right) - at(known) < DAY


@pytest.mark.rule(10)
def test_a_machine_that_lost_its_time_goes_on_from_the_last_event_until_ntp_sets_it(door: Door) -> None:
    _, _, first, second, third = (person.card for person in door.stage.staff)
    door.set_clock(timedelta(), ntp=True)
    with door.stage.daemon:
        before = door.tap(first)
    with door.another_boot():
        door.set_clock(-YEAR)
        with door.stage.daemon:
            lost = door.tap(second)
            door.set_clock(DAY, ntp=True)
            found = door.tap(third)
    assert [event["time_source"] for event in (before, lost, found)] == ["ntp", "holdover", "ntp"]
    assert lost["boot"] != before["boot"]
    assert lost["time_error_ms"] == -1
    since_boot = timedelta(milliseconds=lost["mono_ms"])
    stopped = next(event for event in door.events() if event["event_type"] == "terminal.stopped")
    assert timedelta() <= at(lost) - at(stopped) - since_boot < timedelta(seconds=1)
    changed = next(event for event in reversed(door.events()) if event["event_type"] == "clock.changed")
    assert changed["previous_source"] == "holdover"
    assert changed["step_ms"] == pytest.approx((at(found) - at(lost)) / timedelta(milliseconds=1), abs=10_000)


@pytest.mark.rule(10)
def test_an_event_in_the_future_holds_the_clock_up_only_until_ntp_contradicts_it(door: Door) -> None:
    _, _, first, second, third = (person.card for person in door.stage.staff)
    door.set_clock(YEAR)
    with door.stage.daemon:
        wrong = door.tap(first)
    with door.another_boot():
        door.set_clock(timedelta())
        with door.stage.daemon:
            held = door.tap(second)
        door.set_clock(timedelta(), ntp=True)
        with door.stage.daemon:
            right = door.tap(third)
        door.set_clock(timedelta())
        with door.stage.daemon:
            after = door.tap(first)
    assert at(held) > at(wrong)
    assert right["time_source"] == "ntp"
    assert at(right) < at(wrong) - YEAR + DAY
    assert after["time_source"] == "holdover"
    assert at(right) <= at(after) < at(right) + DAY

"""Whatever happens to the clocks, no time but NTP's runs behind the newest event, and each step is told (rule 10)."""

from __future__ import annotations

import shutil
import tempfile
from datetime import UTC, time, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from fakes.clock import START
from fakes.cues import FakeCues
from fakes.health import FakeHealth
from fakes.inbox import ListInbox
from fakes.journal import FakeJournal
from fakes.roster import FakeRoster
from kazasu.app.terminal import terminal_of
from kazasu.model.access import Assurance, DenyReason
from kazasu.model.input import CardRead, Input
from kazasu.model.moment import Moment, TimeSource
from kazasu.model.policy import AssurancePolicy
from kazasu.runtime.clock import SystemClock
from kazasu.runtime.rtc import Rtc
from kazasu.services.attendance import Alternation, Attendance
from kazasu.terminal import Settings

STEP_MS = 2000
JUMPS_S = st.one_of(st.integers(-5, 5), st.integers(-4000, 4000), st.integers(-(10**8), 10**8))


class Stopped(Exception):
    """The power is cut."""


class Queue(ListInbox):
    """Gives an idle round where the test has put nothing, and ends the run after it."""

    def __init__(self) -> None:
        super().__init__()
        self.rounds = 0

    def get(self, timeout_s: float) -> Input | None:
        if not self._items.empty():
            return self.next()
        if not self.rounds:
            raise Stopped
        self.rounds -= 1
        return None


class Watched(SystemClock):
    """The real clock; notes what it gave to the terminal."""

    given: list[Moment]

    def now(self) -> Moment:
        moment = super().now()
        self.given.append(moment)
        return moment


class Clocks(RuleBasedStateMachine):
    """A machine with a wall clock that anybody sets, an RTC and time servers that come and go."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="kazasu-clock-"))
        self.wall_s = START.timestamp()
        self.boottime_s = 20.0
        self.boots = 0
        self.ntp = False
        self.rtc_wrong_s: int | None = None
        self.journal = FakeJournal()
        self.looks: list[Moment] = []
        self.start()

    def teardown(self) -> None:
        shutil.rmtree(self.folder)

    def start(self) -> None:
        boot_id = self.folder / "boot_id"
        boot_id.write_text(f"{self.boots:032x}")
        clock = Watched(
            UTC,
            kernel_error_ms=lambda: 5 if self.ntp else None,
            rtcs=self.rtcs,
            timesyncd=self.folder / "none",
            boot_id=boot_id,
            wall_s=lambda: self.wall_s,
            boottime_s=lambda: self.boottime_s,
        )
        clock.given = self.looks
        self.queue = Queue()
        self.terminal = terminal_of(
            Settings(policy=AssurancePolicy(min_assurance=Assurance.SERIAL), button_within_s=10, version="1"),
            inbox=self.queue,
            clock=clock,
            roster=FakeRoster([]),
            service=Attendance(
                Alternation(),
                day_boundary=time(5),
                repeat_after_s=120,
                policy=AssurancePolicy(min_assurance=Assurance.SERIAL),
            ),
            journal=self.journal,
            cues=FakeCues(),
            publisher=Awake(),
            health=FakeHealth(),
        )
        self.run()

    def rtcs(self) -> list[Rtc]:
        if self.rtc_wrong_s is None:
            return []
        at_s = int(self.wall_s) + self.rtc_wrong_s
        return [Rtc(device="rtc0", chip="ds", at_s=at_s, set_clock=True, battery_v=None)]

    def run(self) -> None:
        with pytest.raises(Stopped):
            self.terminal.run(lambda: None)

    @rule(seconds=st.integers(0, 40))
    def tap(self, seconds: int) -> None:
        self.wall_s += seconds
        self.boottime_s += seconds
        self.terminal.take(CardRead(reader="desk", refusal=DenyReason.FOREIGN_CARD))

    @rule(seconds=st.integers(1, 100_000))
    def idle(self, seconds: int) -> None:
        self.wall_s += seconds
        self.boottime_s += seconds
        self.terminal._recorder.idle()

    @rule(seconds=JUMPS_S)
    def set_the_clock(self, seconds: int) -> None:
        self.wall_s = max(0.0, self.wall_s + seconds)

    @rule(ntp=st.booleans())
    def reach_a_time_server(self, ntp: bool) -> None:
        self.ntp = ntp

    @rule()
    def start_again(self) -> None:
        self.start()

    @rule(seconds=JUMPS_S, ntp=st.booleans(), rtc_wrong_s=st.one_of(st.none(), st.integers(-3, 3)))
    def boot_again(self, seconds: int, ntp: bool, rtc_wrong_s: int | None) -> None:
        self.boots += 1
        self.boottime_s = 20.0
        self.wall_s = max(0.0, self.wall_s + seconds)
        self.ntp = ntp
        self.rtc_wrong_s = rtc_wrong_s
        self.start()

    @invariant()
    def only_ntp_goes_back(self) -> None:
        moments = [event.moment for event in self.journal.events]
        for before, moment in pairwise(moments):
            assert moment.source is TimeSource.NTP or moment.at >= before.at

    @invariant()
    def each_step_is_told(self) -> None:
        told = [event.moment for event in self.journal.events if event.fields["event_type"] == "clock.changed"]
        for before, moment in pairwise(self.looks):
            if moment.boot == before.boot and abs(moment.step_ms(before)) >= STEP_MS:
                assert any(abs(moment.at - at.at) < timedelta(milliseconds=1) for at in told)


class Awake:
    """Implements ports.loops.Wakeable."""

    def wake(self) -> None:
        """Nobody sleeps here."""


TestClocks = Clocks.TestCase
TestClocks.settings = settings(max_examples=100, stateful_step_count=30, deadline=None)

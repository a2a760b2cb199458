"""Whatever acknowledgements, refusals and reconnections come: nothing is skipped, order is kept (rule 5)."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from kazasu.publishers.backoff import Backoff
from kazasu.publishers.window import LIMIT, Window

pytestmark = pytest.mark.rule(5)

# Few at a time mostly: what goes wrong goes wrong half-way.
FEW = st.integers(1, 4) | st.integers(1, 120)
CODES = st.sampled_from([0x00, 0x00, 0x00, 0x00, 0x10, 0x97, 0x87])


class Broker(RuleBasedStateMachine):
    """A broker, its connections, and behind it a reader so strict that it drops whatever is not the next event."""

    def __init__(self) -> None:
        super().__init__()
        self.window = Window(0, Backoff(lambda: 0.0))
        self.now_s = 0.0
        self.mid = 0
        self.journal = 0  # the last event there is
        self.reader = 0  # the last event that the strict reader has
        self.on_the_wire: list[tuple[int, int]] = []  # mid and seq (0: no event), not yet seen by the broker
        self.answers: list[tuple[int, int]] = []  # mid and code, not yet seen by the window
        self.answered_success: set[int] = set()
        self.receive_maximum = 0
        self.last_sent = 0

    @initialize(receive_maximum=st.sampled_from([3, 20, 65_535]))
    def first_connection(self, receive_maximum: int) -> None:
        self.reconnect(receive_maximum, 0)

    @rule(receive_maximum=st.sampled_from([1, 2, 3, 20, 65_535]), arrives=st.integers(0, 120))
    def reconnect(self, receive_maximum: int, arrives: int) -> None:
        for _, seq in self.on_the_wire[:arrives]:  # the broker still got these, and nobody hears of it
            self.read(seq)
        self.on_the_wire.clear()
        self.answers.clear()
        self.receive_maximum = receive_maximum
        self.window.connected(receive_maximum)
        assert self.window.sent == self.window.acked

    @rule(count=FEW)
    def punch_and_send(self, count: int) -> None:
        self.journal += count
        self.send(count)

    @rule(count=FEW)
    def send(self, count: int) -> None:
        for _ in range(min(count, self.window.room(self.now_s))):
            if self.window.sent == self.journal:
                return
            seq = self.window.sent + 1
            # In order: behind the last one, or, after a rewind, right behind what is acknowledged.
            assert seq == self.last_sent + 1 or self.window.sent == self.window.acked
            self.last_sent = seq
            self.put(seq)
            self.window.event_sent(self.mid, seq, self.now_s)

    @rule()
    def send_health(self) -> None:
        if self.window.room_for_other:
            self.put(0)
            self.window.other_sent(self.mid, self.now_s)

    @precondition(lambda self: self.on_the_wire)
    @rule(code=CODES, count=FEW)
    def broker_takes(self, code: int, count: int) -> None:
        for mid, seq in self.on_the_wire[:count]:
            if code == 0:
                self.read(seq)
            self.answers.append((mid, code))
        del self.on_the_wire[:count]

    @precondition(lambda self: self.answers)
    @rule(data=st.data(), count=FEW)
    def answer(self, data: st.DataObject, count: int) -> None:
        for _ in range(min(count, len(self.answers))):
            index = data.draw(st.integers(0, min(3, len(self.answers) - 1)))
            self.window.answered(*self.answers.pop(index), self.now_s)

    @rule(mid=st.integers(70_000, 70_010), code=st.sampled_from([0x00, 0x10, 0x97]))
    def answer_to_nothing(self, mid: int, code: int) -> None:
        before = (self.window.acked, self.window.sent, self.window.room(self.now_s))
        self.window.answered(mid, code, self.now_s)
        assert (self.window.acked, self.window.sent, self.window.room(self.now_s)) == before

    @rule(seconds=st.sampled_from([0.1, 10.0, 100.0]), unreadable=st.sampled_from([False, False, False, True]))
    def time_passes(self, seconds: float, unreadable: bool) -> None:
        if unreadable:
            self.window.hold(self.now_s)
        self.now_s += seconds

    @rule()
    def collector_comes(self) -> None:
        self.window.retry()

    @invariant()
    def cursor_never_passes_what_a_strict_reader_has(self) -> None:
        assert self.window.acked <= self.reader

    @invariant()
    def never_too_many_in_flight(self) -> None:
        in_flight = len(self.on_the_wire) + len(self.answers)
        assert in_flight <= max(self.receive_maximum, 0)
        assert sum(1 for _, seq in self.on_the_wire if seq) <= LIMIT
        assert self.window.empty == (in_flight == 0)
        assert self.window.room(self.now_s) <= LIMIT

    def teardown(self) -> None:
        """A broker that works from now on gets everything."""
        self.reconnect(20, 0)
        for _ in range(2 * self.journal + 10):
            if self.window.acked == self.journal:
                break
            self.now_s += 100.0
            self.send(150)
            self.broker_takes(0x00, 150)
            while self.answers:
                self.window.answered(*self.answers.pop(0), self.now_s)
        assert self.window.acked == self.reader == self.journal
        assert self.window.empty
        assert self.window.silent_s(self.now_s + 1000) == 0

    def put(self, seq: int) -> None:
        self.mid = self.mid % 65_535 + 1
        self.on_the_wire.append((self.mid, seq))

    def read(self, seq: int) -> None:
        if seq == self.reader + 1:
            self.reader = seq


TestWindow = Broker.TestCase
TestWindow.settings = settings(max_examples=300, stateful_step_count=60, deadline=None)

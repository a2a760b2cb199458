from __future__ import annotations

import logging
import os
import queue
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fakes.clock import FakeClock
from kazasu.errors import JournalUnwritable
from kazasu.runtime.supervisor import SILENT_S, SWITCH_S, LoopFailed, Supervisor
from kazasu.runtime.systemd import Notifier

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fakes.service_manager import ServiceManager
    from kazasu.ports.loops import Beat

PATIENCE_S = 30.0


class WaitingLoop:
    """Beats once, does one thing, and waits to be stopped; tells what happened in a list shared with others."""

    def __init__(self, name: str, story: list[str], act: Callable[[], None] = lambda: None) -> None:
        self.name = name
        self.story = story
        self.act = act
        self.at_stop: Callable[[], None] = lambda: None
        self.stopped = threading.Event()

    def run(self, beat: Beat) -> None:
        self.story.append(f"{self.name} begins")
        beat()
        self.act()
        assert self.stopped.wait(PATIENCE_S)
        self.at_stop()
        self.story.append(f"{self.name} ends")

    def stop(self) -> None:
        self.story.append(f"{self.name} is asked to stop")
        self.stopped.set()


def terminate() -> None:
    """As systemd does: to the process, not to this thread."""
    os.kill(os.getpid(), signal.SIGTERM)


def fail() -> None:
    raise JournalUnwritable("the disk is gone")


def supervisor(manager: ServiceManager | None = None, clock: FakeClock | None = None) -> Supervisor:
    environment = {} if manager is None else manager.environment
    return Supervisor(Notifier(environment), (clock or FakeClock()).mono_s, lambda: "in order")


def test_loops_start_in_order_and_stop_in_reverse_each_when_the_one_before_has_ended(manager: ServiceManager) -> None:
    story: list[str] = []
    terminal = WaitingLoop("terminal", story, act=terminate)

    supervisor(manager).run([("player", WaitingLoop("player", story)), ("terminal", terminal)])

    assert story == [
        *("player begins", "terminal begins"),
        *("terminal is asked to stop", "terminal ends", "player is asked to stop", "player ends"),
    ]
    assert manager.waiting()[-1] == {"STOPPING": "1"}


def test_ready_is_said_only_when_every_loop_goes_round(manager: ServiceManager) -> None:
    class SlowLoop(WaitingLoop):
        def run(self, beat: Beat) -> None:
            self.too_early = manager.waiting()
            super().run(beat)

    def terminate_when_ready() -> None:
        self_said.append(manager.next())
        terminate()

    self_said: list[dict[str, str]] = []
    slow = SlowLoop("slow", [], act=terminate_when_ready)

    supervisor(manager).run([("quick", WaitingLoop("quick", [])), ("slow", slow)])

    assert slow.too_early == []
    assert self_said == [{"READY": "1"}]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_well_and_its_handler_is_put_back(number: signal.Signals) -> None:
    before = signal.getsignal(number)

    supervisor().run([("loop", WaitingLoop("loop", [], act=lambda: os.kill(os.getpid(), number)))])

    assert signal.getsignal(number) is before


def test_a_signal_that_does_not_end_the_main_threads_wait_ends_it_all_the_same(manager: ServiceManager) -> None:
    """The kernel gives a process's signal to any of its threads; or it comes just before the wait begins."""

    def terminate_here_once_the_main_thread_waits() -> None:
        assert manager.next() == {"READY": "1"}
        asleep = 0
        while asleep < 200:
            status = Path(f"/proc/self/task/{os.getpid()}/status").read_text(encoding="ascii")
            asleep = asleep + 1 if "State:\tS" in status else 0
        signal.pthread_kill(threading.get_ident(), signal.SIGTERM)

    story: list[str] = []
    supervisor(manager).run([("loop", WaitingLoop("loop", story, act=terminate_here_once_the_main_thread_waits))])
    assert story[-1] == "loop ends"


def test_a_loop_that_computes_lets_the_others_have_the_interpreter_soon() -> None:
    def look() -> None:
        seen.append(sys.getswitchinterval())
        terminate()

    seen: list[float] = []
    sys.setswitchinterval(5 * SWITCH_S)  # as Python starts

    supervisor().run([("loop", WaitingLoop("loop", [], act=look))])

    assert seen == [pytest.approx(SWITCH_S)]


def test_one_loops_failure_ends_them_all_with_its_cause(manager: ServiceManager) -> None:
    story: list[str] = []

    with pytest.raises(LoopFailed, match="the thread terminal ended: the disk is gone") as raised:
        supervisor(manager).run(
            [("player", WaitingLoop("player", story)), ("terminal", WaitingLoop("terminal", story, act=fail))]
        )

    assert isinstance(raised.value.__cause__, JournalUnwritable)
    assert story[-1] == "player ends"
    assert manager.waiting()[-1] == {"STOPPING": "1"}


def test_a_loop_that_just_returns_has_failed_too() -> None:
    loop = WaitingLoop("loop", [])
    loop.stopped.set()

    with pytest.raises(LoopFailed, match="the thread loop ended: without a cause"):
        supervisor().run([("loop", loop)])


def test_a_failure_after_the_stop_is_not_lost() -> None:
    story: list[str] = []
    terminal = WaitingLoop("terminal", story, act=terminate)
    terminal.at_stop = fail

    with pytest.raises(LoopFailed, match="the thread terminal failed at its stop: the disk is gone"):
        supervisor().run([("player", WaitingLoop("player", story)), ("terminal", terminal)])

    assert story[-1] == "player ends"


class DeafLoop(WaitingLoop):
    """Cannot be asked to stop: its queue is full."""

    def stop(self) -> None:
        raise OverflowError("256 inputs wait")


def test_a_loop_that_does_not_stop_is_named_and_holds_up_no_other(caplog: pytest.LogCaptureFixture) -> None:
    story: list[str] = []
    deaf = DeafLoop("deaf", story, act=terminate)
    # Each look at this clock takes ten seconds, so that the two that a stop may take are over at once.
    ticking = FakeClock()

    def mono_s() -> float:
        ticking.advance(10)
        return ticking.mono_s()

    try:
        Supervisor(Notifier({}), mono_s, str).run([("player", WaitingLoop("player", story)), ("deaf", deaf)])

        assert [(record.message, fields(record)) for record in caplog.records if record.levelno >= logging.ERROR] == [
            ("stop_failed", {"thread": "deaf"}),
            ("thread_not_stopped", {"thread": "deaf"}),
        ]
        assert story[-1] == "player ends"
    finally:
        deaf.stopped.set()
        for thread in threading.enumerate():
            if thread.name == "kazasu-deaf":
                thread.join(PATIENCE_S)


def test_a_library_threads_failure_ends_it_as_well() -> None:
    def start_failing_thread() -> None:
        threading.Thread(target=fail, name="lgpio-callbacks").start()

    hook = threading.excepthook

    with pytest.raises(LoopFailed, match="the thread lgpio-callbacks ended: the disk is gone"):
        supervisor().run([("loop", WaitingLoop("loop", [], act=start_failing_thread))])

    assert threading.excepthook is hook


class LogQueue(logging.Handler):
    """Hands records over to whom waits for them."""

    def __init__(self) -> None:
        super().__init__()
        self.records: queue.SimpleQueue[logging.LogRecord] = queue.SimpleQueue()

    def emit(self, record: logging.LogRecord) -> None:
        self.records.put(record)

    def wait_for(self, message: str) -> logging.LogRecord:
        while (record := self.records.get(timeout=PATIENCE_S)).message != message:
            pass
        return record


@pytest.fixture
def log() -> Iterator[LogQueue]:
    handler = LogQueue()
    handler.setFormatter(logging.Formatter())
    logger = logging.getLogger("kazasu.runtime.supervisor")
    logger.addHandler(handler)
    yield handler
    logger.removeHandler(handler)


def fields(record: logging.LogRecord) -> object:
    return getattr(record, "fields", None)


def test_the_watchdog_goes_hungry_while_a_loop_is_silent(
    manager: ServiceManager, log: LogQueue, caplog: pytest.LogCaptureFixture
) -> None:
    clock = FakeClock()
    caplog.set_level(logging.CRITICAL)
    manager.environment["WATCHDOG_USEC"] = "20000"
    decided_at_s: list[float] = []
    fed_at_s: list[float] = []
    silent: list[tuple[float, float]] = []

    def mono_s() -> float:
        now_s = clock.mono_s()
        if threading.current_thread() is threading.main_thread():
            decided_at_s.append(now_s)
        return now_s

    def status() -> str:
        fed_at_s.append(decided_at_s[-1])
        return "in order"

    class SilentLoop(WaitingLoop):
        def run(self, beat: Beat) -> None:
            beat()
            manager.wait_for("WATCHDOG")
            clock.advance(SILENT_S + 1)
            assert fields(log.wait_for("thread_hangs")) == {"thread": "silent"}
            silent.append((clock.mono_s() - SILENT_S, clock.mono_s() + 1))
            clock.advance(2)
            beat()
            manager.waiting()
            manager.wait_for("WATCHDOG")
            terminate()
            super().run(beat)

    Supervisor(Notifier(manager.environment), mono_s, status).run([("silent", SilentLoop("silent", []))])

    [(first_s, last_s)] = silent
    assert not [at_s for at_s in fed_at_s if first_s < at_s < last_s]
    assert fed_at_s[-1] >= last_s
    assert len([record for record in caplog.records if record.message == "thread_hangs"]) == 1

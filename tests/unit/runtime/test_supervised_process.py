"""The supervisor in a process of its own, with real signals, a real socket and the exit code that systemd sees."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from fakes.service_manager import PATIENCE_S
from kazasu.runtime.supervisor import SILENT_S

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fakes.service_manager import ServiceManager

FEED = {"WATCHDOG_USEC": "20000"}


@contextmanager
def process(manager: ServiceManager, behaviour: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
    child = subprocess.Popen(
        [sys.executable, Path(__file__).with_name("supervised_process.py"), behaviour],
        env={**os.environ, **manager.environment, **environment, "JOURNAL_STREAM": ""},
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield child
    finally:
        child.kill()
        child.communicate(timeout=PATIENCE_S)


def read_until(child: subprocess.Popen[str], words: str) -> str:
    assert child.stderr is not None
    line = next(line for line in child.stderr if words in line)
    assert isinstance(line, str)
    return line


def test_it_is_ready_fed_and_ends_at_sigterm(manager: ServiceManager) -> None:
    with process(manager, "goes round", **FEED) as child:
        assert manager.next() == {"READY": "1"}
        manager.wait_for("WATCHDOG")
        manager.wait_for("WATCHDOG")

        child.send_signal(signal.SIGTERM)

        manager.wait_for("STOPPING")
        _, stderr = child.communicate(timeout=PATIENCE_S)
        assert child.returncode == 0
        assert "stopping reason=SIGTERM" in stderr


def test_a_loop_that_falls_silent_starves_the_watchdog(manager: ServiceManager) -> None:
    with process(manager, "falls silent", **FEED) as child:
        assert manager.next() == {"READY": "1"}
        assert "thread=watched" in read_until(child, "thread_hangs")

        child.send_signal(signal.SIGTERM)
        child.communicate(timeout=PATIENCE_S)

        fed = [float(message["STATUS"].split()[0]) for message in manager.waiting() if "WATCHDOG" in message]
        assert fed
        assert max(fed) <= SILENT_S, "fed although a loop had not beaten"


def test_a_loop_that_fails_ends_the_process_with_its_cause(manager: ServiceManager) -> None:
    with process(manager, "fails") as child:
        _, stderr = child.communicate(timeout=PATIENCE_S)

        assert child.returncode == 1
        assert "LoopFailed: the thread watched ended: the disk is gone" in stderr
        assert manager.waiting()[-1] == {"STOPPING": "1"}


def test_a_loop_that_does_not_stop_is_named_and_the_process_ends_all_the_same(manager: ServiceManager) -> None:
    with process(manager, "does not stop") as child:
        manager.wait_for("READY")

        child.send_signal(signal.SIGTERM)

        _, stderr = child.communicate(timeout=PATIENCE_S)
        assert child.returncode == 0
        assert "thread_not_stopped thread=watched" in stderr
        assert "thread=steady" not in stderr

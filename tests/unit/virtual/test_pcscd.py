from __future__ import annotations

import ctypes
import os
import select
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from fakes.scripted_reader import free_pair_of_ports
from kazasu.errors import ReaderUnavailable
from kazasu.readers.pcsc import list_readers
from kazasu.virtual.pcscd import PrivatePcscd

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LONGEST_WAIT_S = 30.0
PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h

STARTS_ONE_AND_WAITS = """
import pathlib, sys
from kazasu.virtual.pcscd import PrivatePcscd
with PrivatePcscd(pathlib.Path(sys.argv[1]), int(sys.argv[2])) as pcscd:
    print(pcscd.pid, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def own(tmp_path: Path) -> Iterator[PrivatePcscd]:
    one = PrivatePcscd(tmp_path, free_pair_of_ports())
    yield one
    one.kill()


def test_started_it_has_two_readers_at_once(own: PrivatePcscd) -> None:
    own.start()

    assert list_readers() == ["Virtual PCD 00 00", "Virtual PCD 00 01"]
    assert own.pid > 0


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_ended_it_leaves_no_process(own: PrivatePcscd, end: str) -> None:
    own.start()
    pid = own.pid
    getattr(own, end)()
    getattr(own, end)()

    assert own.pid == 0
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    with pytest.raises(ReaderUnavailable):
        list_readers()


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_it_starts_again_after_any_end(own: PrivatePcscd, end: str) -> None:
    for _ in range(3):
        own.start()
        assert len(list_readers()) == 2
        getattr(own, end)()


def test_restart_gives_another_process(own: PrivatePcscd) -> None:
    own.start()
    first = own.pid
    own.restart()

    assert own.pid not in {0, first}
    assert len(list_readers()) == 2


def test_the_context_manager_stops_it_whatever_happens(own: PrivatePcscd) -> None:
    pids = []

    def fail() -> None:
        with own:
            pids.append(own.pid)
            raise LookupError

    with pytest.raises(LookupError):
        fail()
    with pytest.raises(ProcessLookupError):
        os.kill(pids[0], 0)


def test_a_second_one_in_the_same_sandbox_says_why_it_cannot(own: PrivatePcscd, tmp_path: Path) -> None:
    own.start()

    with pytest.raises(RuntimeError, match=r"(?s)pcscd did not start: .*pcscd"):
        PrivatePcscd(tmp_path / "second", free_pair_of_ports()).start()


@pytest.fixture
def adopts_orphans() -> Iterator[None]:
    """Grandchildren become this process's when their parent dies, so that it can wait for them."""
    libc = ctypes.CDLL(None)
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1)
    yield
    libc.prctl(PR_SET_CHILD_SUBREAPER, 0)


@pytest.mark.usefixtures("adopts_orphans")
def test_it_dies_with_the_process_that_started_it(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", STARTS_ONE_AND_WAITS, str(tmp_path), str(free_pair_of_ports())],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        watch = os.pidfd_open(pid)
        parent.kill()
        parent.wait()
        ended, _, _ = select.select([watch], [], [], LONGEST_WAIT_S)
        os.close(watch)

    assert ended
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGKILL


def test_outside_the_sandbox_it_refuses_and_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KAZASU_SANDBOX")

    with pytest.raises(RuntimeError, match="make test"):
        PrivatePcscd(tmp_path, free_pair_of_ports())


@pytest.mark.parametrize("port", [0, 1023, 32_767, 35_963])
def test_a_port_that_the_kernel_may_give_away(tmp_path: Path, port: int) -> None:
    with pytest.raises(ValueError, match=r"1024\.\.32767"):
        PrivatePcscd(tmp_path, port)

"""The disk fails for real, the process is killed for real: nobody is told what is not kept (design, rules 1 and 3)."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fakes.journal import SIGNER
from kazasu.model.signature import Ed25519Verifier
from kazasu.store.audit import verify
from kazasu.store.backlog import Backlog
from kazasu.store.journal import Journal

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

CHILD = Path(__file__).with_name("journal_child.py")
TESTS = CHILD.parents[1]
AS_ROOT = ["unshare", "--mount", "--propagation", "private"]
AS_USER = ["unshare", "--user", "--map-root-user", "--mount", "--propagation", "private"]
NAMESPACE = AS_ROOT if os.geteuid() == 0 else AS_USER


def environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": os.pathsep.join([str(TESTS), str(TESTS.parent / "daemon")])}


class Process:
    """The child, asked line by line."""

    def __init__(self, path: Path, before: Sequence[str] = ()) -> None:
        self._process = subprocess.Popen(
            [*before, sys.executable, str(CHILD), str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment(),
        )

    def ask(self, *command: str) -> dict[str, object]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()
        answer: dict[str, object] = json.loads(self._process.stdout.readline())
        return answer

    def sh(self, command: str) -> None:
        assert self.ask("sh", command)["rc"] == 0, command

    def end(self) -> None:
        for stream in (self._process.stdin, self._process.stdout):
            assert stream is not None
            stream.close()
        self._process.wait(timeout=60)


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    mount_point = tmp_path / "disk"
    mount_point.mkdir()
    return mount_point


@pytest.fixture
def process(disk: Path) -> Iterator[Process]:
    if subprocess.run([*NAMESPACE, "true"], check=False, capture_output=True).returncode:
        pytest.skip("neither root nor user namespaces: no disk of our own to break")
    child = Process(disk / "journal" / "journal.db", NAMESPACE)
    yield child
    child.end()


@pytest.mark.rule(1)
def test_a_full_disk_refuses_taps_and_heals_without_a_restart(process: Process, disk: Path) -> None:
    process.sh(f"mount -t tmpfs -o size=1m tmpfs {disk}")
    process.ask("open")
    assert process.ask("append") == {"seq": 1}
    process.sh(f"dd if=/dev/zero of={disk}/ballast bs=4k 2>/dev/null; test -s {disk}/ballast")

    # Opening again after a fault empties the log, which can make room for some more: refused for good is what counts.
    acknowledged, refusals = 1, 0
    while refusals < 4:
        answer = process.ask("append")
        if "error" in answer:
            assert answer["error"] == "JournalFull"
            refusals += 1
            process.ask("idle")
        else:
            acknowledged, refusals = acknowledged + 1, 0
            assert answer["seq"] == acknowledged

    process.sh(f"rm {disk}/ballast")
    assert process.ask("append") == {"seq": acknowledged + 1}
    assert process.ask("verify") == {"seq": acknowledged + 1, "count": acknowledged + 1}


@pytest.mark.rule(1)
def test_a_disk_that_is_full_at_the_start_is_no_reason_not_to_run(process: Process, disk: Path) -> None:
    process.sh(f"mount -t tmpfs -o size=64k tmpfs {disk} && dd if=/dev/zero of={disk}/ballast bs=4k; true")
    assert process.ask("open") == {"epoch": "", "seq": 0}
    assert process.ask("append")["error"] == "JournalFull"
    assert process.ask("recent") == {"seqs": []}

    process.sh(f"rm {disk}/ballast && mount -t tmpfs -o remount,size=1m tmpfs {disk}")
    assert process.ask("append") == {"seq": 1}


@pytest.mark.rule(1)
def test_a_disk_that_is_read_only_at_the_start_is_no_reason_not_to_run(process: Process, disk: Path) -> None:
    process.sh(f"mount -t tmpfs -o size=1m tmpfs {disk}")
    process.ask("open")
    process.ask("append")
    process.ask("close")
    process.sh(f"mount -t tmpfs -o remount,ro tmpfs {disk}")

    assert "error" not in process.ask("open")
    assert process.ask("append")["error"] == "JournalUnwritable"
    process.ask("idle")
    assert process.ask("append")["error"] == "JournalUnwritable"

    process.sh(f"mount -t tmpfs -o remount,rw tmpfs {disk}")
    process.ask("idle")
    assert process.ask("recent") == {"seqs": [1]}
    assert process.ask("append") == {"seq": 2}


@pytest.mark.rule(1)
def test_a_disk_that_turns_read_only_refuses_taps_and_heals_without_a_restart(
    process: Process, disk: Path, tmp_path: Path
) -> None:
    image = tmp_path / "image"
    process.sh(f"truncate -s 16M {image} && mke2fs -q -t ext4 {image}")
    mount = f"mount -o loop,errors=remount-ro {image} {disk}"
    if os.geteuid() != 0 or process.ask("sh", mount)["rc"]:
        pytest.skip("no loop device: no file system to break")
    process.ask("open")
    assert process.ask("append") == {"seq": 1}

    # What the kernel does when it finds the file system damaged.
    process.sh(f"echo broken > /sys/fs/ext4/$(basename $(findmnt -no SOURCE {disk}))/trigger_fs_error")
    for _ in range(3):
        assert process.ask("append")["error"] == "JournalUnwritable"
        process.ask("idle")

    process.sh(f"umount {disk}; e2fsck -fy {image} >/dev/null; {mount}")
    assert process.ask("append") == {"seq": 2}
    assert process.ask("verify") == {"seq": 2, "count": 2}
    process.ask("close")
    process.sh(f"umount {disk}")


def traced(tmp_path: Path, *inject: str) -> tuple[Process, Path]:
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed")
    trace = tmp_path / "trace"
    calls = "trace=openat,close,fsync,fdatasync"
    before = ["strace", "-f", "-y", "-o", str(trace), "-e", calls, *(part for i in inject for part in ("-e", i))]
    return Process(tmp_path / "store" / "journal.db", before), trace


def flushes(trace: Path) -> int:
    return len(re.findall(r"\bf(?:data)?sync\(", trace.read_text()))


@pytest.mark.rule(1)
def test_an_append_is_exactly_one_flush_also_after_checkpoints(tmp_path: Path) -> None:
    """With synchronous=NORMAL it would be none."""
    process, trace = traced(tmp_path)
    process.ask("open")
    per_append = set()
    for number in range(450):
        before = flushes(trace)
        process.ask("append")
        per_append.add(flushes(trace) - before)
        if number % 50 == 0:
            process.ask("idle")
    process.ask("close")
    process.ask("open")
    before = flushes(trace)
    process.ask("append")
    process.end()

    assert per_append == {1}
    assert flushes(trace) > before + 1  # the last closing flushed too: the counter counts


@pytest.mark.rule(1)
def test_a_failed_flush_is_never_tried_again_on_the_same_file(tmp_path: Path) -> None:
    (tmp_path / "well").mkdir()
    (tmp_path / "broken").mkdir()
    well, trace = traced(tmp_path / "well")
    well.ask("open")
    well.ask("append")
    flushes_until_acknowledged = len(re.findall(r"\bfdatasync\(", trace.read_text()))
    well.end()
    inject = f"inject=fdatasync:error=EIO:when={flushes_until_acknowledged}"
    process, trace = traced(tmp_path / "broken", inject)

    process.ask("open")
    answers = [process.ask("append") for _ in range(3)]
    recent = process.ask("verify")
    process.end()

    failed = [answer for answer in answers if "error" in answer]
    assert [answer["error"] for answer in failed] == ["JournalUnwritable"]
    kept = [answer["seq"] for answer in answers if "seq" in answer]
    assert recent["seq"] == recent["count"] == kept[-1]
    assert_closed_before_flushed(trace.read_text())


def assert_closed_before_flushed(trace: str) -> None:
    lines = trace.splitlines()
    failing = next(number for number, line in enumerate(lines) if "(INJECTED)" in line)
    match = re.search(r"sync\((\d+)<", lines[failing])
    assert match is not None
    descriptor = match.group(1)
    later = [line for line in lines[failing + 1 :] if re.search(rf"\b(close|fsync|fdatasync)\({descriptor}<", line)]
    assert later, "the failed file was never closed"
    assert "close(" in later[0]


@pytest.mark.rule(1)
@pytest.mark.rule(3)
def test_what_was_acknowledged_survives_fifty_kills(tmp_path: Path) -> None:
    path = tmp_path / "store" / "journal.db"
    acknowledged = 0
    for life in range(50):
        process = subprocess.Popen(
            [sys.executable, str(CHILD), str(path), "loop"], stdout=subprocess.PIPE, text=True, env=environment()
        )
        assert process.stdout is not None
        # Killed at another point of its work each time.
        for _ in range(1 + life * 7 % 60):
            acknowledged = int(process.stdout.readline())
        process.send_signal(signal.SIGKILL)
        for line in process.stdout.read().splitlines(keepends=True):
            if line.endswith("\n"):
                acknowledged = int(line)
        process.stdout.close()
        process.wait(timeout=60)
        backlog = Backlog(path)
        assert backlog.last_seq() >= acknowledged
        backlog.close()

    Journal(path, "city", "front", SIGNER, max_events=1_000_000, keep_s=0, collector=True).close()
    *_, last = verify(path, Ed25519Verifier(SIGNER.public))
    assert last.count == last.seq >= acknowledged > 50

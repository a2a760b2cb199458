"""Everything is read-only but a small data partition, /tmp and /run: docs/operations.md, SD card."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from kazasu.store.audit import verify
from kazasu.store.keys import load_verifier
from kazasu.virtual.daemon import DaemonProcess
from kazasu.virtual.stage import TERMINAL, Stage

if TYPE_CHECKING:
    from collections.abc import Iterator

WRITABLE = ("/dev", "/proc", "/run", "/sys")  # the kernel's own, and in memory
LOCK = """
for mount_point in $(awk '{ print $5 }' /proc/self/mountinfo); do
    case $mount_point in /dev|/dev/*|/proc|/proc/*|/run|/run/*|/sys|/sys/*|STATE) ;; *)
        mount -o remount,bind,ro "$mount_point" || exit 1;;
    esac
done
exec PYTHON "$@"
"""


class Locked:
    """A stage on a read-only system, whose state is on a disk of its own."""

    def __init__(self, stage: Stage, state_dir: Path, folder: Path) -> None:
        self.stage = stage
        self.state_dir = state_dir
        self.python = folder / "python"
        inner = LOCK.replace("STATE", str(state_dir)).replace("PYTHON", sys.executable)
        self.python.write_text(
            f'#!/bin/sh\nexec unshare --mount --propagation private sh -ec {shlex.quote(inner)} sh "$@"\n'
        )
        self.python.chmod(0o755)
        stage.daemon = DaemonProcess(stage.config_file, folder, str(self.python))

    def types(self, *words: str | Path) -> subprocess.CompletedProcess[str]:
        """A command of an installer's."""
        command = [self.python, "-m", "kazasu", *words, "--config", self.stage.config_file]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    def writable(self) -> list[str]:
        """Where the running daemon could write."""
        lines = Path(f"/proc/{self.stage.daemon.pid}/mountinfo").read_text(encoding="utf-8").splitlines()
        mounts = [line.split() for line in lines]
        return [words[4] for words in mounts if "rw" in words[5].split(",") and not words[4].startswith(WRITABLE)]


@pytest.fixture
def locked(tmp_path: Path) -> Iterator[Locked]:
    data = tmp_path / "data"
    data.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", data], check=True)
    try:
        # The partition itself is the state directory on a Pi; here the stage makes that.
        state_dir = data / "state"
        with Stage(tmp_path / "stage", state_dir=state_dir) as stage:
            subprocess.run(["mount", "--bind", state_dir, state_dir], check=True)
            try:
                yield Locked(stage, state_dir, tmp_path)
            finally:
                stage.daemon.kill()
                stage.backlog.close()
                subprocess.run(["umount", state_dir], check=True)
    finally:
        subprocess.run(["umount", data], check=True)


@pytest.mark.rule(1)
def test_a_terminal_needs_nothing_to_write_to_but_its_state(locked: Locked) -> None:
    stage = locked.stage
    for _ in range(2):
        with stage.daemon:
            assert locked.writable() == [str(locked.state_dir)]
            for person in stage.staff:
                stage.tap(person.card)
            assert stage.subscriber.wait_for(lambda: stage.subscriber.seq(TERMINAL) == stage.backlog.last_seq())
    log = stage.daemon.log_file.read_text(encoding="utf-8")
    assert "WARNING" not in log
    assert "Read-only" not in log
    assert stage.subscriber.problems == []
    *_, progress = verify(stage.config.terminal.journal_path, load_verifier(stage.public_key_file))
    assert progress.seq == 2 * (len(stage.staff) + 2)  # started, the staff, stopped


def test_an_installers_commands_need_nothing_else_either(locked: Locked) -> None:
    roster = locked.stage.config_file.parent / "roster.csv"
    imported = locked.types("roster", "import", roster)
    assert imported.returncode == 0, imported.stderr
    with locked.stage.daemon:
        locked.stage.tap(locked.stage.staff[2].card)
        verified = locked.types("journal", "verify")
        assert verified.returncode == 0, verified.stderr
        listed = locked.types("journal", "list")
        assert "attendance.in" in listed.stdout

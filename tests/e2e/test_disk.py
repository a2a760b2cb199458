"""What the daemon writes: one flush a tap, and nothing at all while nobody taps."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from fakes.disk_trace import FLUSHES, DiskTrace
from kazasu.virtual.stage import SITE, TERMINAL, Stage

if TYPE_CHECKING:
    from pathlib import Path

TAPS = 12
IDLE = timedelta(seconds=50)  # more than a pause between two reports that something else brought about
LARGEST_TAP_BYTES = 32 * 1024


def all_arrived(stage: Stage) -> bool:
    return stage.subscriber.wait_for(lambda: stage.subscriber.seq(TERMINAL) == stage.backlog.last_seq())


@pytest.mark.rule(1)
def test_a_tap_is_one_flush_of_one_file(tmp_path: Path) -> None:
    with Stage(tmp_path / "stage") as stage, stage.daemon:
        stage.tap(stage.stranger)
        assert all_arrived(stage)
        first_seq = stage.backlog.last_seq()
        with DiskTrace(stage.daemon.pid, tmp_path) as trace:
            for number in range(TAPS):
                stage.tap(stage.staff[number % len(stage.staff)].card)
            assert all_arrived(stage)
        assert stage.backlog.last_seq() == first_seq + TAPS
    changes = [change for change in trace.changes if change.path != stage.daemon.log_file]
    assert {change.path.name for change in changes} == {"journal.db-wal"}
    assert [change.call for change in changes if change.call in FLUSHES] == ["fdatasync"] * TAPS
    assert sum(change.size_bytes for change in changes) < TAPS * LARGEST_TAP_BYTES


def test_nothing_is_written_while_nobody_taps(tmp_path: Path) -> None:
    """In real time: a minute, in which the terminal goes through its idle round six times and reports its health."""
    with Stage(tmp_path / "stage") as stage, stage.daemon:
        stage.tap(stage.staff[2].card)
        assert all_arrived(stage)
        reports = Reports(stage)
        assert reports.over(timedelta())
        state = stage.config.terminal.state_dir
        before = contents(state)
        with DiskTrace(stage.daemon.pid, tmp_path) as trace:
            assert reports.over(IDLE)
        # The log's index is mapped into memory: what is written there no system call shows.
        assert contents(state) == before
        assert trace.changes == []


def contents(folder: Path) -> dict[Path, bytes]:
    """Of each file; a socket has none."""
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


class Reports:
    """The times that the daemon's health reports bear."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._first: datetime | None = None

    def over(self, length: timedelta) -> bool:
        """Wait until a report came that is so much later than the first one that was seen here."""
        return self._stage.subscriber.wait_for(lambda: self._covered(length), 120)

    def _covered(self, length: timedelta) -> bool:
        payload = self._stage.subscriber.retained.get(f"kazasu/v1/{SITE}/up/{TERMINAL}/health")
        if not payload:
            return False
        at = datetime.fromisoformat(json.loads(payload)["time"])
        self._first = self._first or at
        return at - self._first >= length

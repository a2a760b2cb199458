"""The wall clock of the real daemon is moved while it runs: libfaketime stands before the C library."""

from __future__ import annotations

import json
import subprocess
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from kazasu.store.audit import verify
from kazasu.store.keys import load_verifier
from kazasu.virtual.daemon import DaemonProcess
from kazasu.virtual.stage import TERMINAL, Stage

if TYPE_CHECKING:
    from pathlib import Path

    from kazasu.virtual.card import VirtualCard

YEAR = timedelta(days=365)


def library() -> str:
    """Where Debian has libfaketime for programs with threads."""
    files = subprocess.run(["dpkg", "-L", "libfaketime"], check=True, capture_output=True, text=True).stdout.split()
    return next(file for file in files if file.endswith("libfaketimeMT.so.1"))


@pytest.mark.rule(10)
def test_a_clock_that_jumps_a_year_back_and_forward_loses_no_punch_and_counts_none_twice(tmp_path: Path) -> None:
    offset_file = tmp_path / "offset"
    offset_file.write_text("+0")
    with Stage(tmp_path / "stage") as stage:
        stage.daemon = DaemonProcess(
            stage.config_file,
            tmp_path,
            LD_PRELOAD=library(),
            FAKETIME_TIMESTAMP_FILE=str(offset_file),
            FAKETIME_NO_CACHE="1",
            FAKETIME_DONT_FAKE_MONOTONIC="1",
        )

        def tap(card: VirtualCard, offset: str) -> dict[str, Any]:
            offset_file.write_text(offset)
            stage.tap(card)
            event: dict[str, Any] = json.loads(stage.backlog.after(stage.backlog.last_seq() - 1, 1)[0][1])
            return event

        _, _, first, second, _ = (person.card for person in stage.staff)
        with stage.daemon:
            now = tap(first, "+0")
            back = tap(first, "-365d")
            other = tap(second, "-365d")
            forward = tap(second, "+365d")
            again = tap(first, "+0")
        assert [event["event_type"] for event in (now, back, other, forward, again)] == [
            "attendance.in",
            "attendance.suppressed",  # told by the monotonic clock
            "attendance.in",
            "attendance.suppressed",
            "attendance.suppressed",
        ]
        at = datetime.fromisoformat(now["time"])
        assert datetime.fromisoformat(other["time"]) < at - YEAR / 2, "the clock did not jump: nothing was tested"
        assert datetime.fromisoformat(forward["time"]) > at + YEAR / 2
        monotonic = [event["mono_ms"] for event in (now, back, other, forward, again)]
        assert monotonic == sorted(monotonic)

        last_seq = stage.backlog.last_seq()
        *_, progress = verify(stage.config.terminal.journal_path, load_verifier(stage.public_key_file))
        assert progress.seq == last_seq
        assert stage.subscriber.wait_for(lambda: stage.subscriber.seq(TERMINAL) == last_seq)
        assert stage.subscriber.problems == []

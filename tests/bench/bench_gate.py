"""Sixty people a minute at one gate: what each of them waits for, against one bare commit of the same bytes in turn.

Between a card that was read and its answer: look-up, punch, access with passback, the event durable, the lock released.
The opening and the closing of the leaf are recorded between the taps, as they are at a gate; the hour is simulated, so
that the disk has no rest.

    python -m tests.bench gate
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from bench.bench_tap import BareCommits, on_disk
from fakes.gate import Gate, rush
from kazasu.store.backlog import Backlog

if TYPE_CHECKING:
    from kazasu.model.cue import CueName

Row = dict[str, Any]
PERCENTILES = (50, 95, 99, 100)
TARGET = 2.0  # of the median, as a ratio of the bare commits'; the tails are the disk's


def run(quick: bool) -> list[Row]:
    """Measure an hour; quick: two minutes of it."""
    taps = 120 if quick else 3600
    answered_s = 0.0

    def answered(_: CueName) -> None:
        nonlocal answered_s
        answered_s = time.perf_counter()

    taps_us, bare_us = [], []
    with on_disk() as directory, Gate(directory, taps, leaf=True) as gate:
        bare, backlog = BareCommits(directory / "bare.db"), Backlog(gate.path)
        gate.callback(bare.close)
        gate.callback(backlog.close)
        gate.cues.on_play = answered
        for visit in rush(taps):
            gate.present(visit)
            began_s = time.perf_counter()
            gate.tap(visit)
            taps_us.append((answered_s - began_s) * 1e6)
            [(_, body)] = backlog.after(gate.journal.seq - 1, 1)
            bare_us.append(bare.commit_s(body) * 1e6)
            gate.walk()
    return [_row(percentile, sorted(taps_us), sorted(bare_us)) for percentile in PERCENTILES]


def _row(percentile: int, taps_us: list[float], bare_us: list[float]) -> Row:
    ours_us, theirs_us = (each[min(len(each) * percentile // 100, len(each) - 1)] for each in (taps_us, bare_us))
    target = TARGET if percentile == PERCENTILES[0] else None
    return {
        "name": f"gate, 60 people a minute: {'max' if percentile == 100 else f'p{percentile}'}",
        "value": round(ours_us),
        "unit": "us",
        "ratio": round(ours_us / theirs_us, 2),
        "target": target,
        "ok": target is None or ours_us / theirs_us <= target,
        "note": f"of {len(taps_us):,} taps; bare commit {theirs_us:.0f} us",
    }

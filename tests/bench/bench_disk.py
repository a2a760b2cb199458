"""What a tap costs an SD card, and what an hour without one does: calls of the daemon, and requests at a block device.

The block device is a file behind a loop device, with ext4 as a Pi has it: what the kernel sends there, a card would
get. Only root may have one; without it those rows are missing, and that is said.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from fakes.clock import FakeClock
from fakes.disk_trace import FLUSHES, DiskTrace
from fakes.journal import SIGNER
from kazasu.model.event import Draft
from kazasu.store.backlog import Backlog
from kazasu.store.journal import CHECKPOINT_EVENTS, Journal
from kazasu.virtual.stage import TERMINAL, Stage

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

Row = dict[str, Any]

SECTOR_BYTES = 512
WRITTEN_BACK_S = 90
"""Until nothing follows from a tap any more: the index in memory after 30 to 35 s (vm.dirty_expire_centisecs), the
file system's journal 5 s later (commit=), and what that holds to its place after another 30 s; seen at 72 s."""

FIELDS: dict[str, int | str] = {
    "reader": "front",
    "decision": "granted",
    "roster_version": 3,
    "credential": "3f1c9a5be07d42886a1d0e94c7b25f10",
    "card": "jpki",
    "assurance": "signed_data",
    "cardholder": "1234567",
    "day": "2026-04-01",
}


def run(quick: bool) -> list[Row]:
    """Needs the sandbox; in full a quarter of an hour, of which all but a minute is waiting for the kernel."""
    rows = [*_calls(10 if quick else 40)]
    try:
        with Card() as card:
            rows += _journal_rows(card, 1 if quick else 3, 5 if quick else WRITTEN_BACK_S)
        with Card() as card:
            rows.append(_idle(card, 10, 5, None) if quick else _idle(card, 600, WRITTEN_BACK_S, 0))
    except NoBlockDeviceError as error:
        print(f"disk: no figures of a block device: {error}", file=sys.stderr)
    return rows


class NoBlockDeviceError(Exception):
    """This user, or this machine, has no loop device."""


class Requests(NamedTuple):
    """What a block device was asked for: writes, and flushes of what it holds in its own memory."""

    writes: int
    sectors: int
    flushes: int

    def since(self, before: Requests) -> Requests:
        return Requests(*(now - then for now, then in zip(self, before, strict=True)))

    @property
    def kib(self) -> float:
        return self.sectors * SECTOR_BYTES / 1024


class Card:
    """An empty ext4 on a block device of its own, mounted at `path`."""

    def __enter__(self) -> Self:
        self._folder = tempfile.TemporaryDirectory(prefix="kazasu-bench-disk-")
        folder = Path(self._folder.name)
        self.path = folder / "card"
        self.path.mkdir()
        image = folder / "image"
        with image.open("wb") as file:
            file.truncate(64 * 1024 * 1024)
        # Nothing is left to be initialised in the background, which would count as well.
        lazy = "lazy_itable_init=0,lazy_journal_init=0"
        subprocess.run(["mke2fs", "-q", "-t", "ext4", "-E", lazy, image], check=True)
        done = subprocess.run(
            ["mount", "-o", "loop,noatime", image, self.path], check=False, capture_output=True, text=True
        )
        if done.returncode:
            self._folder.cleanup()
            raise NoBlockDeviceError(done.stderr.strip())
        device = self.path.stat().st_dev
        self._stat = Path(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}/stat")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        subprocess.run(["umount", self.path], check=True)
        self._folder.cleanup()

    def settle(self) -> None:
        """Bring everything that waits onto the device."""
        subprocess.run(["sync", "-f", self.path], check=True)

    def requests(self) -> Requests:
        """So far; fields 5, 7 and 16 of Documentation/block/stat.rst of Linux."""
        fields = [int(word) for word in self._stat.read_text(encoding="ascii").split()]
        return Requests(fields[4], fields[6], fields[15])


def _calls(taps: int) -> list[Row]:
    """What the daemon asks of the kernel, counted by strace."""
    with tempfile.TemporaryDirectory(prefix="kazasu-bench-disk-") as folder, Stage(Path(folder) / "stage") as stage:
        with stage.daemon:
            stage.tap(stage.stranger)
            with DiskTrace(stage.daemon.pid, Path(folder)) as trace:
                for number in range(taps):
                    stage.tap(stage.staff[number % len(stage.staff)].card)
                stage.subscriber.wait_for(lambda: stage.subscriber.seq(TERMINAL) == stage.backlog.last_seq())
        changes = [change for change in trace.changes if change.path != stage.daemon.log_file]
    flushes = sum(change.call in FLUSHES for change in changes) / taps
    return [
        _row("flushes a tap", flushes, "calls", 1, f"of the whole daemon, connected; {taps} taps"),
        _row(
            "bytes written a tap",
            sum(change.size_bytes for change in changes) / taps / 1024,
            "KiB",
            None,
            f"to {', '.join(sorted({change.path.name for change in changes}))}",
        ),
    ]


def _journal_rows(card: Card, alone: int, written_back_s: int) -> list[Row]:
    """What the device gets of a tap: while the log grows, when it is used again, and of one with all that follows."""
    path = card.path / "journal.db"
    journal = Journal(path, "city", "front", SIGNER, max_events=10**6, keep_s=0, collector=True)
    backlog = Backlog(path)
    clock = FakeClock()

    def tap() -> None:
        clock.advance(30)
        journal.append(Draft(event_type="attendance.in", moment=clock.now(), fields=FIELDS))
        backlog.after(journal.seq - 1, 1)  # as the publisher does

    def taps(count: int) -> None:
        for _ in range(count):
            tap()

    def measured(work: Callable[[], None], then_s: float = 0) -> Requests:
        before = card.requests()
        work()
        time.sleep(then_s)
        return card.requests().since(before)

    tap()
    card.settle()
    rows = _device_rows("log growing", measured(lambda: taps(100)), 100, "the first 200 taps after a start")
    taps(CHECKPOINT_EVENTS)
    journal.idle()
    tap()
    card.settle()
    rows += _device_rows("log reused", measured(lambda: taps(100)), 100, "all later ones, in a rush")

    def with_checkpoint() -> None:
        taps(CHECKPOINT_EVENTS)
        journal.idle()
        card.settle()

    with_checkpoint()
    rows += _device_rows("with the checkpoint", measured(with_checkpoint), CHECKPOINT_EVENTS, "which comes every 200")
    total = Requests(0, 0, 0)
    for _ in range(alone):
        found = measured(tap, written_back_s)
        total = Requests(*(one + other for one, other in zip(total, found, strict=True)))
    rows += _device_rows("alone", total, alone, f"and all that the kernel writes in the {written_back_s} s after it")
    backlog.close()
    journal.close()
    return rows


def _device_rows(name: str, requests: Requests, taps: int, note: str) -> list[Row]:
    return [
        _row(f"at the card a tap, {name}", requests.kib / taps, "KiB", None, note),
        _row(f"flushes at the card a tap, {name}", requests.flushes / taps, "", None, ""),
    ]


def _idle(card: Card, seconds: int, written_back_s: int, target: int | None) -> Row:
    """A daemon that is connected, and nobody taps."""
    with (
        tempfile.TemporaryDirectory(prefix="kazasu-bench-disk-") as folder,
        Stage(Path(folder) / "stage", state_dir=card.path / "state") as stage,
        stage.daemon,
    ):
        stage.tap(stage.stranger)
        stage.subscriber.wait_for(lambda: stage.subscriber.seq(TERMINAL) == stage.backlog.last_seq())
        time.sleep(written_back_s)  # what the tap left behind
        before = card.requests()
        time.sleep(seconds)
        found = card.requests().since(before)
        stage.backlog.close()
    return _row(
        "writes at the card an idle hour",
        found.writes * 3600 / seconds,
        "",
        target,
        f"observed for {seconds} s: {found.writes} writes, {found.flushes} flushes",
    )


def _row(name: str, value: float, unit: str, target: float | None, note: str) -> Row:
    return {
        "name": name,
        "value": round(value, 2),
        "unit": unit,
        "ratio": None,
        "target": target,
        "ok": target is None or value <= target,
        "note": note,
    }

"""The store against bare SQLite: an append, a look-up among a million people, opening a million events."""

from __future__ import annotations

import random
import resource
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from datetime import UTC
from pathlib import Path
from typing import Any

from fakes.clock import FakeClock
from fakes.journal import SIGNER
from kazasu.model.event import Draft, Place, sealed
from kazasu.store.journal import Journal
from kazasu.store.roster_import import import_csv

Row = dict[str, Any]
FIELDS: dict[str, int | str] = {
    "reader": "front",
    "decision": "granted",
    "roster_version": 3,
    "credential": "3f1c9a5be07d42886a1d0e94c7b25f10",
    "card": "jpki",
    "assurance": "signed_data",
    "cardholder": "1234567",
}


def run(quick: bool) -> list[Row]:
    """Measure; each row a ratio against a bare program in the same run, where there is one."""
    with tempfile.TemporaryDirectory(prefix="kazasu-bench-") as directory:
        return [
            *append_rows(Path(directory), 300 if quick else 3000),
            *look_up_rows(Path(directory), 20_000 if quick else 1_000_000),
            *open_rows(Path(directory), 20_000 if quick else 1_000_000),
        ]


def row(
    name: str, value: float, unit: str, *, ratio: float | None = None, target: float | None = None, **more: Any
) -> Row:
    """One line of the table; without a target it is information."""
    judged = value if ratio is None else ratio
    ok = more.pop("ok", target is None or judged <= target)
    return {
        "name": name,
        "value": round(value, 1),
        "unit": unit,
        "ratio": ratio and round(ratio, 2),
        "target": target,
        "ok": ok,
    } | more


def drafts(count: int) -> list[Draft]:
    """Drafts a second apart, made before the clock of the benchmark runs."""
    clock = FakeClock()
    made = []
    for _ in range(count):
        clock.advance(1)
        made.append(Draft(event_type="attendance.in", moment=clock.now(), fields=FIELDS))
    return made


def append_rows(directory: Path, count: int) -> list[Row]:
    """Sign, chain and commit, against one bare commit of as many bytes, taken in turns."""
    bare = sqlite3.connect(directory / "bare.db", isolation_level=None)
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "wal_autocheckpoint = 0"):
        bare.execute(f"PRAGMA {pragma}")
    bare.execute("CREATE TABLE event (seq INTEGER PRIMARY KEY, body BLOB)")
    journal = Journal(directory / "journal.db", "city", "front", SIGNER, max_events=10**6, keep_s=0, collector=True)
    ours_s, bare_s, own_s = [], [], []
    for number, draft in enumerate(drafts(count), start=1):
        began = time.perf_counter()
        event = journal.append(draft)
        ended = time.perf_counter()
        bare.execute("INSERT INTO event VALUES (?, ?)", (number, event.body))
        bare_s.append(time.perf_counter() - ended)
        ours_s.append(ended - began)
        own_s.append(sealing_s(draft, event.seq))
        if number % 200 == 0:
            journal.idle()
            bare.execute("PRAGMA wal_checkpoint(RESTART)")
            bare.execute("DELETE FROM event WHERE seq = 0")
    journal.close()
    bare.close()
    ours_us, bare_us = statistics.median(ours_s) * 1e6, statistics.median(bare_s) * 1e6
    return [
        row(
            "append, durable", ours_us, "µs", ratio=ours_us / bare_us, target=1.5, note=f"bare commit {bare_us:.0f} µs"
        ),
        row("append, p99", quantile(ours_s, 0.99) * 1e6, "µs", ratio=quantile(ours_s, 0.99) / quantile(bare_s, 0.99)),
        row("append, of it sealing", statistics.median(own_s) * 1e6, "µs", note="canonical form, hash, signature"),
    ]


def sealing_s(draft: Draft, seq: int) -> float:
    place = Place(site="city", terminal="front", epoch="0" * 16, seq=seq, prev="0" * 64)
    began = time.perf_counter()
    sealed(draft, place, SIGNER)
    return time.perf_counter() - began


LOOK_UP = """
import random, resource, sys, time
from pathlib import Path
from kazasu.store.roster import Roster
path, count = Path(sys.argv[1]), int(sys.argv[2])
keys = [random.Random(number).randbytes(16).hex() for number in random.Random(1).choices(range(count), k=5000)]
roster = Roster(path)
before = int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
took = []
for key in keys:
    began = time.perf_counter()
    found = roster.look_up(key)
    took.append(time.perf_counter() - began)
    assert found is not None
grown = int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() - before
took.sort()
print(took[len(took) // 2] * 1e6, took[len(took) * 99 // 100] * 1e6, grown / 1024)
"""


def look_up_rows(directory: Path, people: int) -> list[Row]:
    """Look-ups of random people, in a process of their own so that memory is only theirs."""
    took = {}
    for count in (1000, people):
        csv_path, path = directory / "roster.csv", directory / f"roster-{count}.db"
        with csv_path.open("w", encoding="utf-8") as file:
            file.write("cardholder,name,credential,min_assurance,valid_from,valid_until\n")
            for number in range(count):
                credential = random.Random(number).randbytes(16).hex()  # noqa: S311  (to be found again)
                file.write(f"{number},Person {number},{credential},signed_data,2026-04-01,\n")
        began = time.perf_counter()
        import_csv(csv_path, path, UTC, lambda _: None)
        import_s = time.perf_counter() - began
        command = [sys.executable, "-c", LOOK_UP, str(path), str(count)]
        took[count] = [float(word) for word in subprocess.check_output(command, text=True).split()]
    small, large = took[1000], took[people]
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return [
        row(
            f"look-up among {people:,}, median",
            large[0],
            "µs",
            ratio=large[0] / small[0],
            target=2.0,
            note="against 1,000",
        ),
        row(f"look-up among {people:,}, p99", large[1], "µs", ratio=large[1] / small[1]),
        row(f"look-up among {people:,}, memory grown", large[2], "KiB", target=2048, note="by 5,000 look-ups"),
        row(f"roster import, {people:,} lines", import_s, "s", note=f"{peak_mb:.0f} MB at most, this process"),
    ]


def open_rows(directory: Path, count: int) -> list[Row]:
    """Opening a long journal, against a short one."""
    took_ms = {}
    for size in (1000, count):
        path = directory / f"long-{size}" / "journal.db"
        write_journal(path, size)
        samples = []
        for _ in range(15):
            began = time.perf_counter()
            journal = Journal(path, "city", "front", SIGNER, max_events=10**6 + 1, keep_s=0, collector=True)
            samples.append(time.perf_counter() - began)
            assert journal.seq == size
            journal.close()
        took_ms[size] = statistics.median(samples) * 1e3
        began = time.perf_counter()
        journal = Journal(path, "city", "front", SIGNER, max_events=10**6 + 1, keep_s=0, collector=True)
        recent = sum(1 for _ in journal.recent(48 * 3600))
        recent_ms = (time.perf_counter() - began) * 1e3
        journal.close()
    return [
        row(
            f"open a journal of {count:,}",
            took_ms[count],
            "ms",
            ratio=took_ms[count] / took_ms[1000],
            target=2.0,
            note="against 1,000",
        ),
        row(f"open it and read 48 h, {recent:,} events", recent_ms, "ms"),
    ]


def write_journal(path: Path, count: int) -> None:
    """Fill a journal through its own tables in one transaction: a flush for each event would take an hour."""
    journal = Journal(path, "city", "front", SIGNER, max_events=10**6 + 1, keep_s=0, collector=True)
    epoch = journal.epoch
    journal.close()
    clock = FakeClock()
    prev = "0" * 64
    with closing(sqlite3.connect(path)) as connection, connection:
        for seq in range(1, count + 1):
            clock.advance(17)  # 5,000 a day
            moment = clock.now()
            place = Place(site="city", terminal="front", epoch=epoch, seq=seq, prev=prev)
            event = sealed(Draft(event_type="attendance.in", moment=moment, fields=FIELDS), place, SIGNER)
            prev = event.digest
            connection.execute("INSERT INTO event VALUES (?, ?, ?)", (seq, int(moment.at.timestamp()), event.body))
        connection.execute("UPDATE journal SET checkpoint_seq = ?", (count,))


def quantile(samples: list[float], part: float) -> float:
    return sorted(samples)[int(len(samples) * part)]


if __name__ == "__main__":
    for line in run(quick="--quick" in sys.argv):
        print(line)

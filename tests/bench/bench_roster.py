"""The site's roster of a million people: how long, how much memory, and what look-ups notice of it.

The terminal's part runs in a process of its own, so that memory is only its. Look-ups of random people go on in it
every 5 ms as taps do, first with nothing else to do and then while the roster is taken over: a whole one, then a delta.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import tempfile
import threading
import time
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.bench_store import row
from fakes.clock import FakeClock
from fakes.health import FakeHealth
from fakes.inbox import ListInbox
from fakes.roster_desk import HEADER, PEPPER, TestDesk
from kazasu.publishers.news import Received
from kazasu.publishers.roster_trust import TrustedRoster
from kazasu.publishers.roster_updates import RosterUpdates
from kazasu.publishers.wire import Topics
from kazasu.store.keys import load_verifier, write_public
from kazasu.store.roster import Roster
from kazasu.store.site_roster import SiteRoster

if TYPE_CHECKING:
    from collections.abc import Iterable

Row = dict[str, Any]
TOPICS = Topics("city", "front")
IDLE_LOOKS = 400
LOOK_EVERY_S = 0.005


class FolderPost:
    """What stands at a broker, as files; implements the Publishes seam."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()

    def publish_all(self, messages: Iterable[tuple[str, bytes]]) -> None:
        for topic, payload in messages:
            path = self.folder / topic.replace("/", ",")
            if payload:
                path.write_bytes(payload)
            else:
                path.unlink(missing_ok=True)


class RunningClock(FakeClock):
    """Its monotonic time goes on by itself."""

    def mono_s(self) -> float:
        return time.monotonic()


def run(quick: bool) -> list[Row]:
    """Measure with a million people, or with fewer."""
    people = 20_000 if quick else 1_000_000
    with tempfile.TemporaryDirectory(prefix="kazasu-bench-") as name:
        directory = Path(name)
        post = FolderPost(directory / "broker")
        desk = TestDesk(directory / "desk", "city", post)
        desk.pool = "day-*"
        write_public(directory / "site.pub", desk.signer)
        desk_s = publish(desk, range(people))
        sent_mb = sum(path.stat().st_size for path in post.folder.iterdir()) / 1e6
        whole = measured(directory, people)
        delta_desk_s = publish(desk, range(people // 1000, people + people // 1000))
        delta = measured(directory, people)
        began = time.perf_counter()
        desk.lend("day-1", str(people), desk.now + timedelta(hours=8))
        lend_s = time.perf_counter() - began
        lent = measured(directory, people)
    return [
        row(f"desk: draft and publish {people:,}", desk_s, "s", note=f"{sent_mb:.1f} MB in parts"),
        *rows(f"roster of {people:,}", whole),
        row("desk: the same with a delta of 0.2 %", delta_desk_s, "s"),
        *rows(f"delta to {people:,}", delta),
        row(f"desk: lend a day card among {people:,}", lend_s, "s"),
        *rows(f"day card among {people:,}", lent),
    ]


def rows(what: str, figures: dict[str, float]) -> list[Row]:
    idle_us = figures["idle_p99_us"]
    return [
        row(f"{what}: taken over", figures["took_s"], "s"),
        row(f"{what}: memory grown", figures["grown_mb"], "MB", target=32, note=f"{figures['peak_mb']:.0f} MB in all"),
        row(
            f"{what}: look-up meanwhile, p99",
            figures["busy_p99_us"],
            "µs",
            target=50_000,
            note=f"{idle_us:.0f} µs with nothing else to do; longest {figures['busy_max_us']:.0f} µs",
        ),
    ]


def publish(desk: TestDesk, numbers: range) -> float:
    with (desk.folder / "people.csv").open("w", encoding="utf-8") as file:
        file.write(HEADER)
        for number in numbers:
            file.write(f"{number},Person {number},{card(number)},signed_data,2026-04-01,,staff\n")
        file.write(f"day-1,Day card,{card(10**9)},serial,,,\n")
    began = time.perf_counter()
    desk.publish()
    return time.perf_counter() - began


def card(number: int) -> str:
    return random.Random(number).randbytes(16).hex()  # noqa: S311  (to be found again)


def measured(directory: Path, people: int) -> dict[str, float]:
    command = [sys.executable, "-m", "bench.bench_roster", str(directory), str(people)]
    here = str(Path(__file__).parents[1])
    figures: dict[str, float] = json.loads(subprocess.check_output(command, text=True, cwd=here))
    return figures


def terminal(directory: Path, people: int) -> dict[str, float]:
    """Take over what stands at the broker, and look people up meanwhile."""
    inbox = ListInbox()
    updates = RosterUpdates(
        TrustedRoster("city", "front", (load_verifier(directory / "site.pub"),), PEPPER.ids, RunningClock()),
        SiteRoster(directory / "roster.db", directory / "site-roster", PEPPER),
        TOPICS,
        rules=lambda _: None,
        inbox=inbox,
        health=FakeHealth(),
        clock=RunningClock(),
        wake=lambda: None,
    )
    roster = Roster(directory / "roster.db")
    numbers = random.Random(2)  # noqa: S311
    keys = [card(numbers.randrange(people)) for _ in range(2000)]
    idle = sorted(looked_up(roster, keys, IDLE_LOOKS))
    before_kb = peak_kb()
    threads = [
        threading.Thread(target=updates.run, args=(lambda: None,)),
        threading.Thread(target=feed, args=(updates, directory / "broker"), daemon=True),
    ]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    busy: list[float] = []
    while inbox.empty:
        busy += looked_up(roster, keys, 20)
    took_s = time.perf_counter() - began
    updates.stop()
    threads[0].join()
    busy.sort()
    return {
        "took_s": took_s,
        "grown_mb": (peak_kb() - before_kb) / 1024,
        "peak_mb": peak_kb() / 1024,
        "idle_p99_us": idle[len(idle) * 99 // 100] * 1e6,
        "busy_p99_us": busy[len(busy) * 99 // 100] * 1e6,
        "busy_max_us": busy[-1] * 1e6,
    }


def peak_kb() -> int:
    """The most that this process ever held; `getrusage` would count what its parent held, too."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


def looked_up(roster: Roster, keys: list[str], count: int) -> list[float]:
    took = []
    for key in keys[:count]:
        time.sleep(LOOK_EVERY_S)
        began = time.perf_counter()
        roster.look_up(key)
        took.append(time.perf_counter() - began)
    return took


def feed(updates: RosterUpdates, broker: Path) -> None:
    """Be the broker and the publisher's thread: give what is wanted, each once."""
    given = {TOPICS.roster_of_all}
    updates.mail.take(Received(topic=TOPICS.roster_of_all, payload=kept(broker, TOPICS.roster_of_all)))
    while not updates.mail.closed:
        for topic in [topic for topic in updates.mail.wanted() if topic not in given]:
            given.add(topic)
            updates.mail.take(Received(topic=topic, payload=kept(broker, topic)))
        time.sleep(0.001)


def kept(broker: Path, topic: str) -> bytes:
    return (broker / topic.replace("/", ",")).read_bytes()


if __name__ == "__main__":
    print(json.dumps(terminal(Path(sys.argv[1]), int(sys.argv[2]))))

"""The site's roster of a million people: how long, how much memory, and what the people who tap meanwhile notice of it.

The terminal's part runs in a process of its own, so that memory is only its. It has a thousand people first, and takes
the million over whole; then it changes them by a delta; then a day card is lent. Taps go on before, meanwhile and
afterwards, of people who stay, who come with the new roster, whom it revokes, and whom nobody knows; every answer is
looked up in the journal.

    python -m tests.bench roster
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import threading
import time
from datetime import UTC, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.bench_store import row
from bench.bench_tap import BUILD
from bench.crowd import DAY_CARD, Crowd, card, granted, wrong
from bench.tapped_terminal import EVERY_S, TappedTerminal
from fakes.health import FakeHealth
from fakes.inbox import ListInbox
from fakes.roster_desk import HEADER, PEPPER, TestDesk
from kazasu.model.cue import CueName
from kazasu.publishers.news import Received
from kazasu.publishers.roster_trust import TrustedRoster
from kazasu.publishers.roster_updates import RosterUpdates
from kazasu.publishers.wire import Topics
from kazasu.runtime.clock import TIMESYNCD, SystemClock
from kazasu.store.keys import load_verifier, write_public
from kazasu.store.site_roster import SiteRoster

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bench.crowd import Groups
    from kazasu.ports.health import Health
    from kazasu.ports.inbox import Inbox

Row = dict[str, Any]
Figures = dict[str, float]
TOPICS = Topics("city", "front")
FEW = 1000
TARGET_MS = 50.0  # of a tap meanwhile, at the 99th percentile: half of what feels immediate
REVOKED_MS = 1000.0  # what docs/operations.md says


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


def run(quick: bool) -> list[Row]:
    """Measure with a million people, or with fewer. Needs the sandbox, whose clock counts as one that is kept."""
    people, taps = (20_000, 150) if quick else (1_000_000, 600)
    changed = people // 1000
    TIMESYNCD.parent.mkdir(parents=True, exist_ok=True)  # in the sandbox's own /run; without it no day card is lent
    TIMESYNCD.touch()
    BUILD.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="bench-roster-", dir=BUILD) as name:
        directory = Path(name)
        post = FolderPost(directory / "broker")
        desk = TestDesk(directory / "desk", "city", post)
        desk.pool = "day-*"
        write_public(directory / "site.pub", desk.signer)
        publish(desk, range(FEW))
        take_over(directory)
        publish(desk, range(FEW + 1))  # which this terminal misses: what follows it gets as a whole
        desk_s = publish(desk, range(50, people))
        sent_mb = sum(path.stat().st_size for path in post.folder.iterdir()) / 1e6
        groups = {"stays": (50, FEW), "ends": (0, 50), "comes": (FEW + 1, people)}
        whole = measured(directory, groups, taps)
        delta_desk_s = publish(desk, range(50 + changed, people + changed))
        groups = {
            "stays": (50 + changed, people),
            "ends": (50, 50 + changed),
            "comes": (people, people + changed),
        }
        delta = measured(directory, groups, taps)
        began_s = time.perf_counter()
        desk.lend("day-1", str(people), desk.now + timedelta(hours=8))
        lend_s = time.perf_counter() - began_s
        lent = measured(directory, {"stays": groups["stays"], "borrows": (DAY_CARD, DAY_CARD + 1)}, taps)
    return [
        row(f"desk: draft and publish {people:,}", desk_s, "s", note=f"{sent_mb:.1f} MB in parts"),
        *rows(f"roster of {people:,}", whole),
        row("desk: the same with a delta of 0.2 %", delta_desk_s, "s"),
        *rows(f"delta to {people:,}", delta),
        row(f"desk: lend a day card among {people:,}", lend_s, "s"),
        *rows(f"day card among {people:,}", lent),
    ]


def rows(what: str, figures: Figures) -> list[Row]:
    """What there is to say of one roster."""

    def tap_row(name: str, part: str, target: float | None = None) -> Row:
        before_ms, value_ms, after_ms = (figures[f"{phase}_{part}_ms"] for phase in ("before", "meanwhile", "after"))
        return row(
            f"{what}: {name}",
            value_ms,
            "ms",
            ratio=value_ms / before_ms,
            target=target,
            ok=target is None or value_ms <= target,
            note=f"{before_ms:.1f} ms before, {after_ms:.1f} ms afterwards",
        )

    revoked = [
        row(f"{what}: a card is revoked after", figures["revoked_ms"], "ms", target=REVOKED_MS, note="of its manifest")
        for _ in figures.keys() & {"revoked_ms"}
    ]
    return [
        row(f"{what}: taken over", figures["took_s"], "s", note=f"with a tap every {EVERY_S * 1000:.0f} ms"),
        row(f"{what}: memory grown", figures["grown_mb"], "MB", target=32, note=f"{figures['peak_mb']:.0f} MB in all"),
        *revoked,
        tap_row("tap to answer meanwhile, median", "p50"),
        tap_row("tap to answer meanwhile, p99", "p99", TARGET_MS),
        tap_row("tap to answer meanwhile, longest", "max"),
        row(f"{what}: taps answered wrongly", figures["wrong"], "", target=0, note=f"of {figures['taps']:,.0f}"),
    ]


def publish(desk: TestDesk, numbers: range) -> float:
    """Let the desk publish these people; returns for how many seconds it was at work."""
    with (desk.folder / "people.csv").open("w", encoding="utf-8") as file:
        file.write(HEADER)
        for number in numbers:
            file.write(f"{number},Person {number},{card(number)},serial,2026-04-01,,staff\n")
        file.write(f"day-1,Day card,{card(DAY_CARD)},serial,,,\n")
    began_s = time.perf_counter()
    desk.publish()
    return time.perf_counter() - began_s


def take_over(directory: Path) -> None:
    """Let the terminal have what stands at the broker."""
    inbox = ListInbox()
    updates = updates_of(directory, inbox, FakeHealth())
    thread = threading.Thread(target=updates.run, args=(lambda: None,))
    thread.start()
    threading.Thread(target=feed, args=(updates, directory / "broker"), daemon=True).start()
    inbox.next()
    updates.stop()
    thread.join()


def updates_of(directory: Path, inbox: Inbox, health: Health) -> RosterUpdates:
    """The terminal's own roster thread, without the publisher that it has its letters from."""
    clock = SystemClock(UTC)
    return RosterUpdates(
        TrustedRoster("city", "front", (load_verifier(directory / "site.pub"),), PEPPER.ids, clock),
        SiteRoster(directory / "roster.db", directory / "site-roster", PEPPER),
        TOPICS,
        rules=lambda _: None,
        inbox=inbox,
        health=health,
        clock=clock,
        wake=lambda: None,
    )


def measured(directory: Path, groups: Groups, taps: int) -> Figures:
    """What a process of the terminal's own says."""
    command = [sys.executable, "-m", "bench.bench_roster", str(directory), json.dumps(groups), str(taps)]
    here = str(Path(__file__).parents[1])
    figures: Figures = json.loads(subprocess.check_output(command, text=True, cwd=here))
    return figures


def terminal(directory: Path, groups: Groups, taps: int) -> Figures:
    """Take over what stands at the broker, and tap before, meanwhile and afterwards."""
    crowd = Crowd(groups)
    refused = "ends" not in groups
    with TappedTerminal(directory, PEPPER) as tapped:

        def meanwhile() -> tuple[str, str] | None:
            """First whoever is to be revoked, until they are; then everybody, until the new roster is in place."""
            nonlocal refused
            refused = refused or tapped.newest_cue is CueName.DENIED
            return crowd.next("" if refused else "ends") if tapped.roster_version == version else None

        phases = {"before": tapped.tap_while(crowd.some(taps))}
        version, before_kb = tapped.roster_version, peak_kb()
        updates = updates_of(directory, tapped.inbox, tapped.board)
        tapped.run_thread(updates.run, updates.stop)
        began_s = time.perf_counter()
        threading.Thread(target=feed, args=(updates, directory / "broker"), daemon=True).start()
        phases["meanwhile"] = tapped.tap_while(meanwhile)
        took_s, after_kb = time.perf_counter() - began_s, peak_kb()
        phases["after"] = tapped.tap_while(crowd.some(taps))
    figures = {
        "took_s": took_s,
        "grown_mb": (after_kb - before_kb) / 1024,
        "peak_mb": after_kb / 1024,
        "wrong": wrong([tap for phase in phases.values() for tap in phase], version),
        "taps": sum(map(len, phases.values())),
    }
    if "ends" in groups:
        figures["revoked_ms"] = (next(tap.at_s for tap in phases["meanwhile"] if not granted(tap)) - began_s) * 1000
    for name, phase in phases.items():
        waited_ms = sorted(tap.waited_s * 1000 for tap in phase)
        figures[f"{name}_p50_ms"] = waited_ms[len(phase) // 2]
        figures[f"{name}_p99_ms"] = waited_ms[len(phase) * 99 // 100]
        figures[f"{name}_max_ms"] = waited_ms[-1]
    return figures


def peak_kb() -> int:
    """The most that this process ever held; `getrusage` would count what its parent held, too."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


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
    print(json.dumps(terminal(Path(sys.argv[1]), json.loads(sys.argv[2]), int(sys.argv[3]))))

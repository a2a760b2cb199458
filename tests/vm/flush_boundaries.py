"""Every state in which a power cut could leave the disk around a tap: `make power-cut`.

A terminal keeps its state on a small ext4 partition of its own, and every write to it is recorded, with the flushes
between them. People tap, the program is restarted (which empties the write-ahead log), people tap again. Afterwards,
for each flush and for many parts of what was written between it and the next, the disk is put together as a cut would
have left it, repaired as at boot, and opened by the same code as in the terminal. What has to hold each time: the
journal opens by itself and its chain verifies, every event whose green light was on by then is in it, roster and cursor
can be read, and another event can be appended.
"""

from __future__ import annotations

import argparse
import datetime as dt
import itertools
import json
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from kazasu.model.event import Draft
from kazasu.model.signature import Ed25519Verifier
from kazasu.runtime.clock import SystemClock
from kazasu.store.audit import verify
from kazasu.store.cursor import SendCursor
from kazasu.store.journal import Journal
from kazasu.store.keys import load_signer
from kazasu.store.roster import Roster
from vm.conftest import DIST, install
from vm.image import build
from vm.machine import Machine
from vm.site import NAME, TERMINAL, Site
from vm.write_log import apply, read_log, states

if TYPE_CHECKING:
    from kazasu.model.signature import Ed25519Signer
    from kazasu.virtual.card import VirtualCard
    from vm.write_log import Entry, State

DISK_BYTES = 256 << 20
_PARTITION = """
mkfs.ext4 -q /dev/vdb
echo '/dev/vdb /var/lib/kazasu ext4 noatime 0 2' >>/etc/fstab
mkdir -p /var/lib/kazasu
mount /var/lib/kazasu
"""
_MENDED = 1  # e2fsck(8): errors corrected; a journal that was replayed counts as one


class Light(NamedTuple):
    """A green light: when so many entries had been written, this event was promised."""

    entries: int
    seq: int


class Recording(NamedTuple):
    """What a terminal wrote.

    Attributes:
        entries: to the partition, from its first use on.
        first: of them, so many before the first tap.
        lights: what was promised.
        signer: the terminal's.
    """

    entries: list[Entry]
    first: int
    lights: list[Light]
    signer: Ed25519Signer


def record(directory: Path, package: Path) -> Recording:
    """Have people tap, and keep what is written."""
    lights: list[Light] = []
    with Site(directory / "site") as site, Machine(build(), directory, logged_bytes=DISK_BYTES) as machine:

        def tap(card: VirtualCard) -> None:
            greens = machine.greens()
            site.slot.insert(card)
            assert machine.wait_for_pins(lambda: machine.greens() > greens), machine.log()
            entries = len(read_log(machine.write_log))
            site.slot.remove()
            site.slot.wait_for(lambda: site.slot.vacant, 60)
            event = json.loads(machine.sh("kazasu journal export | grep cardholder | tail -n 1"))
            lights.append(Light(entries, event["seq"]))

        machine.start()
        machine.sh(_PARTITION)
        install(machine, site, package)
        machine.sh("sync")
        first = len(read_log(machine.write_log))
        for person in site.staff[:3]:
            tap(person.card)
        machine.sh("systemctl restart kazasu")
        machine.wait_until("systemctl is-active kazasu")
        for person in site.staff[3:]:
            tap(person.card)
        assert site.subscriber.wait_for(lambda: site.seq() >= lights[-1].seq)
        # What the file system itself still has in hand.
        machine.sh("sync")
        key = directory / "event.key"
        key.write_text(machine.sh("cat /etc/kazasu/keys/event.key"))
        key.chmod(0o600)
        machine.unplug()
        entries = read_log(machine.write_log)
        site.unplug()
    return Recording(entries, first, lights, load_signer(key))


def check(recording: Recording, state: State, base: Path, directory: Path) -> int:
    """Put the disk together as this state has it, and start from it; returns how many events there are.

    Args:
        recording: all of it.
        state: which cut.
        base: the disk before the first tap.
        directory: for this state's files; emptied.
    """
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir()
    disk = directory / "disk.img"
    subprocess.run(["cp", "--sparse=always", base, disk], check=True)
    apply(disk, recording.entries[recording.first : state.durable])
    apply(disk, [recording.entries[index] for index in state.extra])
    mended = subprocess.run(["e2fsck", "-p", disk], capture_output=True, text=True, check=False)
    assert mended.returncode <= _MENDED, f"not without help: {mended.stdout}{mended.stderr}"
    subprocess.run(["debugfs", "-R", f"rdump / {directory}", disk], capture_output=True, check=True)
    promised = max((light.seq for light in recording.lights if light.entries <= state.durable), default=0)
    roster = Roster(directory / "roster.db")
    assert roster.version == 1
    roster.close()
    path = directory / "journal.db"
    journal = Journal(path, NAME, TERMINAL, recording.signer, max_events=10**6, keep_s=0, collector=True)
    assert journal.seq >= promised, f"event {promised} was green, and {journal.seq} is the last"
    SendCursor(directory / "cursor.db", journal.epoch).close()
    found = journal.seq
    moment = SystemClock(dt.UTC).now()
    assert journal.append(Draft(event_type="terminal.started", moment=moment, fields={})).seq == found + 1
    journal.close()
    *_, progress = verify(path, Ed25519Verifier(recording.signer.public))
    assert progress.seq == found + 1
    return found


def _told(entries: list[Entry]) -> str:
    writes = [entry for entry in entries if entry.data]
    written = sum(len(entry.data) for entry in writes)
    flushes = sum(entry.flush for entry in entries)
    return f"{len(writes)} writes of the file system, {written:,} bytes, {flushes} flushes"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=20260401, help="of the random parts; default: %(default)s")
    parser.add_argument("--samples", type=int, default=8, help="random parts for each flush; default: %(default)s")
    arguments = parser.parse_args()
    package = max(DIST.glob("kazasu_*.deb"), key=lambda path: path.stat().st_mtime)
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        recording = record(directory, package)
        entries, taps = recording.entries[recording.first :], len(recording.lights)
        base = directory / "base.img"
        base.touch()
        with base.open("r+b") as file:
            file.truncate(DISK_BYTES)
        apply(base, recording.entries[: recording.first])
        tried = 0
        found = set()
        for state in states(
            recording.entries, recording.first, len(recording.entries), seed=arguments.seed, samples=arguments.samples
        ):
            try:
                found.add(check(recording, state, base, directory / "state"))
            except Exception as error:
                raise AssertionError(f"after a cut at {state.name}: {error}") from error
            tried += 1
    print(f"{taps} taps and a restart: {_told(entries)}")
    for before, after in itertools.pairwise(recording.lights[:3]):
        print(f"from one green light to the next: {_told(recording.entries[before.entries : after.entries])}")
    print(f"{tried} states of the disk tried, with {min(found)} to {max(found)} events in them: 0 lost, 0 hand repairs")


if __name__ == "__main__":
    main()

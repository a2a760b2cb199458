"""Pull the plug, again and again: `make power-cut N=100`.

Each time the machine is cut off at a random moment: while it starts, in the middle of a tap, while it publishes. Then
it is started again, and nobody helps it. What has to hold:

- every green light that was seen has its event on disk, and at the collector exactly once;
- chain, journal and configuration are whole;
- the terminal is ready by itself.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
import time
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from vm.conftest import DIST, install
from vm.image import build
from vm.machine import PINS, Machine
from vm.site import TERMINAL, Site

if TYPE_CHECKING:
    from kazasu.virtual.card import VirtualCard

GREEN_TYPES = {"attendance.in", "attendance.out", "attendance.suppressed"}
READY_S = 240.0
EARLY_SHARE = 0.15
"""Cuts before the terminal is ready."""
AWAY_SHARE = 0.2
"""Boots without a broker: the next one has something to send."""


class Green(NamedTuple):
    """A green light that somebody saw."""

    boot: str
    boot_s: float


class Campaign:
    """One terminal, cut off many times.

    Args:
        machine: with a terminal that is set up; running.
        site: around it.
        seed: of the moments.
    """

    def __init__(self, machine: Machine, site: Site, seed: int) -> None:
        self._machine = machine
        self._site = site
        self._chance = random.Random(seed)  # noqa: S311  (chance, not secrecy)
        self._cards = cycle([site.stranger, *(person.card for person in site.staff)])
        self._whole = machine.sh(_FINGERPRINT)
        self.greens: list[Green] = []
        self.ready_s: list[float] = []
        self.early = 0

    def cut(self) -> None:
        """Cut the power at some moment of this boot, and start again; returns when the terminal is ready."""
        machine, site = self._machine, self._site
        boot = machine.sh("cat /proc/sys/kernel/random/boot_id").strip().replace("-", "")
        since = len(machine.pins)
        away = self._chance.random() < AWAY_SHARE
        if away:
            site.broker.stop()
        for person in self._chance.sample(site.staff, self._chance.randrange(3)):
            self._tap(person.card)
        # The last one is in the middle of it: from the card's appearance to some time after the light.
        site.slot.insert(next(self._cards))
        time.sleep(self._chance.uniform(0.0, 1.5))
        machine.unplug()
        lit = machine.pins[since:]
        site.unplug()
        if away:
            site.broker.start()
        before = 0
        for change in lit:
            green = change.levels[PINS["green"]]
            if green and not before:
                self.greens.append(Green(boot, change.boot_s))
            before = green
        self._start()

    def check(self) -> None:
        """Everything that was promised, now; the terminal runs."""
        machine, site = self._machine, self._site
        assert machine.sh(_FINGERPRINT) == self._whole, "configuration and keys are as they were"
        machine.sh("kazasu journal verify")
        on_disk = [json.loads(line) for line in machine.sh("kazasu journal export", timeout_s=300).splitlines()]
        seqs = [event["seq"] for event in on_disk]
        assert seqs == list(range(seqs[0], seqs[-1] + 1)), "no gap"
        moments = {(event["boot"], event["mono_ms"] / 1000) for event in on_disk if event["event_type"] in GREEN_TYPES}
        unproved = [
            green
            for green in self.greens
            if not any(boot == green.boot and 0 <= green.boot_s - mono_s < 2 for boot, mono_s in moments)
        ]
        assert unproved == [], "a green light without its event"
        assert site.subscriber.wait_for(lambda: site.seq() >= seqs[-1]), "all of it arrives"
        arrived = [event.seq for event in site.subscriber.events]
        assert arrived == list(range(1, len(arrived) + 1)), "each event once"
        bodies = {event.seq: event.body for event in site.subscriber.events}
        assert all(json.loads(bodies[event["seq"]]) == event for event in on_disk), "what arrived is what is on disk"
        assert site.subscriber.problems == []

    def _tap(self, card: VirtualCard) -> None:
        """A whole tap of somebody who is known here."""
        site, machine = self._site, self._machine
        greens = machine.greens()
        site.slot.insert(card)
        assert machine.wait_for_pins(lambda: machine.greens() > greens), machine.log()
        site.slot.remove()
        site.slot.wait_for(lambda: site.slot.vacant, 60)

    def _start(self) -> None:
        machine = self._machine
        while True:
            since = len(machine.pins)
            began_s = time.monotonic()
            early_s = self._chance.uniform(3.0, 15.0) if self._chance.random() < EARLY_SHARE else None
            if early_s is None:
                break
            self.early += 1
            machine.start(until_s=early_s)
            machine.unplug()
        machine.start()
        self._site.plug_in(machine)
        lit = machine.wait_for_pins(lambda: any(change.levels[PINS["red"]] for change in machine.pins[since:]), READY_S)
        assert lit, f"the terminal was not ready by itself:\n{machine.log()}"
        self.ready_s.append(time.monotonic() - began_s)


# Configuration and keys; the journal and its like change with every tap.
_FINGERPRINT = "find /etc/kazasu -type f | sort | xargs sha256sum"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cuts", type=int, default=100, metavar="N", help="how often; default: %(default)s")
    parser.add_argument("--seed", type=int, default=20260401, help="of the moments; default: %(default)s")
    arguments = parser.parse_args()
    package = max(DIST.glob("kazasu_*.deb"), key=lambda path: path.stat().st_mtime)
    began_s = time.monotonic()
    with tempfile.TemporaryDirectory() as directory, Site(Path(directory) / "site") as site:
        with Machine(build(), Path(directory)) as machine:
            machine.start()
            install(machine, site, package)
            campaign = Campaign(machine, site, arguments.seed)
            for number in range(1, arguments.cuts + 1):
                campaign.cut()
                if number % 10 == 0 or number == arguments.cuts:
                    campaign.check()
                print(
                    f"{number} cuts, {campaign.early} of the starts cut off too, {len(campaign.greens)} green lights,"
                    f" {site.seq()} events arrived, {site.subscriber.duplicates} came twice and were known,"
                    f" ready after {campaign.ready_s[-1]:.0f} s",
                    flush=True,
                )
        site.unplug()
    minutes = (time.monotonic() - began_s) / 60
    print(f"{arguments.cuts} power cuts in {minutes:.0f} minutes: 0 lost, 0 twice, 0 hand repairs ({TERMINAL})")


if __name__ == "__main__":
    main()

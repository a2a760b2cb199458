"""The demo's fourth scene: a small site, run from a desk, and those who would like to be it.

Two terminals, one broker, the collector. What the desk signs reaches both; what anybody else makes up reaches nobody;
and what a broker loses the collector misses, and gets again.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from kazasu.collector.records import Kind
from kazasu.model.cue import Channel, CueName
from kazasu.model.order import Simulate
from kazasu.publishers.exchange import exchanging
from kazasu.publishers.wire import Topics
from kazasu.virtual.demo_forgery import Forger
from kazasu.virtual.demo_steps import Expected, Steps
from kazasu.virtual.site_terminal import GATE
from kazasu.virtual.small_site import SITE
from kazasu.virtual.tapping import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from kazasu.publishers.exchange import Exchange
    from kazasu.virtual.small_site import SmallSite

_LAYOUT = """\
[[columns]]
name = "day"
[[columns]]
name = "cardholder"
[[columns]]
name = "first_in"
format = "%H:%M:%S"
[[columns]]
name = "terminals"
[[columns]]
name = "late"
[[columns]]
name = "unproved"
"""
_VERIFY = Path(__file__).parents[3] / "docs" / "verify.py"
_HEARD_S = 30.0


class SiteScene:
    """Plays the scene.

    Args:
        site: entered.
        say: prints a line.
    """

    def __init__(self, site: SmallSite, say: Callable[[str], None]) -> None:
        self._site = site
        self._say = say
        self._entrance, self._annex = site.terminals
        self._steps = Steps(self._entrance, say)
        self._at_annex = self._steps.at(self._annex)
        self._forger = Forger(site, self._steps, say)
        self._cards = {person.number: person.card for person in site.staff}
        self._topics = Topics(SITE, self._entrance.name)

    def play(self) -> bool:
        """Play it; returns whether everything that should have happened did, and nothing else."""
        try:
            self._play()
        except RuntimeError as error:  # a command failed, and what follows would build on it
            self._steps.went_wrong(str(error))
        return self._steps.report(*self._accounts())

    def _play(self) -> None:
        self._roster()
        self._forger.commands(self._released_by_the_desk())
        self._stolen_card()
        self._say("")
        self._forger.makes_up_a_punch()
        self._lost_events()
        self._report()

    def _roster(self) -> None:
        site = self._site
        self._say("\nThe desk says who is known: four people. Both terminals take that over.")
        site.enlist(site.staff[:4])
        self._publishes(1, shows=("people", "then", "version"))
        self._taps("1001")
        self._say("\nA fifth person comes to work; the desk adds a line to roster/people.csv.")
        unknown = Expected("attendance.denied", {"reason": "unknown_card"})
        tap = self._at_annex.tap(self._cards["1005"])
        self._at_annex.take(f"1005 taps at {self._annex.name}, too early", tap, unknown, cue=CueName.DENIED)
        site.enlist(site.staff)
        self._publishes(2)
        known = Expected("attendance.in", {"cardholder": "1005"})
        self._at_annex.take(f"1005 taps at {self._annex.name} again", tap, known, cue=CueName.GRANTED)

    def _released_by_the_desk(self) -> bytes:
        """Let somebody in from the desk; returns the command, as anybody reading along could have kept it."""
        self._say(f"\nA courier rings at the {GATE}, a door of {self._entrance.name}'s; the desk lets one person in.")
        with exchanging(self._site.site.broker("operations"), "ear", (self._topics.command, self._topics.state)) as ear:
            ear.receive(_HEARD_S)  # the state, which is retained: from here on it hears what comes
            self._steps.take(
                f"  {self._entrance.name}",
                lambda: self._signs("site", "command", self._entrance.name, "release", f"door={GATE}"),
                Expected("command.accepted", {"command": "release"}),
                Expected("operator.released", {"door": GATE}),
                moves=("released",),
            )
            heard = ear.receive(_HEARD_S)
        opened, closed = Expected("door.opened"), Expected("door.closed")
        self._steps.take("  the courier goes through", self._open_and_close, opened, closed, moves=("locked",))
        return b"" if heard is None else heard.payload

    def _open_and_close(self) -> None:
        for active in (True, False):
            self._steps.order(Simulate(by="demo", door=GATE, input="contact", active=active))()

    def _stolen_card(self) -> None:
        self._say("\nA card is stolen.")
        self._taps("1003")
        began_ns = time.monotonic_ns()
        self._at_both(lambda: self._signs("site", "revoke-card", "--cardholder", "1003"), 3)
        shown = len(self._entrance.daemon.shown)
        denied = Expected("attendance.denied", {"reason": "credential_revoked"})
        tap = self._steps.tap(self._cards["1003"])
        self._steps.take(f"the thief taps it at {self._entrance.name}", tap, denied, cue=CueName.DENIED)
        red = [change.mono_ns for change in self._entrance.daemon.shown[shown:] if Channel.RED in change.on]
        for red_ns in red[:1]:
            took_s = (red_ns - began_ns) / 1e9
            self._say(
                f"  From Enter at the desk to the red light: {took_s:.2f} s; the reader is looked at every 0.4 s."
            )

    def _lost_events(self) -> None:
        site = self._site
        self._say("\nThe collector is stopped for a while; meanwhile the broker takes what is tapped, and says so.")
        site.collector.stop()
        with exchanging(site.site.broker("operations"), "ear", (self._topics.health,)) as ear:
            self._taps("1002")
            self._taps("1004")
            self._wait_until_taken(ear)
        self._say("Then the broker dies, with its disk: those events are gone there. Broker and collector start again.")
        site.broker.lose_everything()
        site.broker.start()
        site.collector.start()
        asked = Expected("command.accepted", {"command": "publish_again"})
        self._steps.take("  the collector asks for them again", self._wait_for_the_gap, asked)
        if not (site.keeps_all(self._entrance) and wait_for(lambda: not site.alerts())):
            self._steps.went_wrong("what the broker lost did not come again")
        self._say("They have come, and the alert has ended. The desk puts the roster back at the broker.")
        self._publishes(4, shows=("nothing", "version"))

    def _wait_for_the_gap(self) -> None:
        if not wait_for(lambda: any(alert.kind is Kind.GAP for alert in self._site.alerts())):
            self._steps.went_wrong("the collector does not miss what the broker lost")
        self._site.asks("collect", "alerts")

    def _wait_until_taken(self, ear: Exchange) -> None:
        """Wait until the terminal knows that the broker has taken all its events."""
        last_seq, taken = self._entrance.backlog.last_seq(), 0
        while taken < last_seq and (heard := ear.receive(_HEARD_S)) is not None:
            taken = json.loads(heard.payload)["acked_seq"]

    def _report(self) -> None:
        site, last_seq = self._site, self._entrance.backlog.last_seq()
        if not all(site.keeps_all(terminal) for terminal in site.terminals):
            self._steps.went_wrong("the collector does not keep all events")
        self._say("\nFor payroll, with the columns that it wants:")
        (site.site.path / "payroll.toml").write_text(_LAYOUT)
        days = sorted({fields["day"] for each in site.terminals for fields in each.recorded() if "day" in fields})
        lines = site.asks("report", "attendance", "--from", days[0], "--to", days[-1], "--layout", "payroll.toml")
        reported = sorted({line.split(",")[1] for line in lines[1:]})
        if reported != sorted(self._cards):
            self._steps.went_wrong(f"the report names {reported}, and {sorted(self._cards)} tapped")
        self._say("\nFor an auditor, who checks it with the two public keys and nothing of Kazasu:")
        of_all = ("--terminal", self._entrance.name, "--from", "1", "--to", str(last_seq))
        site.asks("report", "proof", *of_all, "--output", "proof.jsonl")
        self._verify(site.site.path / "proof.jsonl", last_seq)

    def _verify(self, proof: Path, last_seq: int) -> None:
        if not _VERIFY.exists():  # it is no part of an installed Kazasu, and is meant not to be
            self._say("  docs/verify.py in Kazasu's source does that.")
            return
        self._say("  $ docs/verify.py event.pub.pem collector.pub < proof.jsonl")
        keys = (self._entrance.folder / "event.pub.pem", self._site.site.file("collector.pub"))
        with proof.open() as given:
            command = [sys.executable, *map(str, (_VERIFY, *keys))]
            done = subprocess.run(command, stdin=given, capture_output=True, text=True, check=False)  # noqa: S603 (ours)
        said = done.stdout.splitlines()
        for line in (*said[:1], "…", *said[-2:]):
            self._say(f"      {line}")
        verified = sum(line.startswith("verified") for line in said)
        if done.returncode or verified < last_seq or not said[-1].startswith("vouched"):
            self._steps.went_wrong(f"of {last_seq} events {verified} were verified: {done.stderr[-500:]}")

    def _accounts(self) -> tuple[list[str], str]:
        """What stands open at the end, and what to say if nothing does."""
        events = sum(terminal.backlog.last_seq() for terminal in self._site.terminals)
        opened = [f"{alert.terminal}: {alert.kind.value}: {alert.detail}" for alert in self._site.alerts()]
        return opened, (
            f"All {events} events of both terminals are kept, and vouched for: none missing, none twice, none made up."
        )

    def _publishes(self, version: int, shows: tuple[str, ...] = ("",)) -> None:
        self._at_both(lambda: self._signs("site", "publish", "--yes", shows=shows), version)

    def _at_both(self, act: Callable[[], object], version: int) -> None:
        """Do something, and see both terminals take a version of the roster over."""
        applied = Expected("roster.applied", {"roster_version": version})
        self._at_annex.take(
            f"  {self._annex.name}", lambda: self._steps.take(f"  {self._entrance.name}", act, applied), applied
        )

    def _signs(self, *words: str, shows: tuple[str, ...] = ("",)) -> None:
        self._site.types(*words, besides=self._site.passphrase, shows=shows)

    def _taps(self, number: str) -> None:
        tap, punch = self._steps.tap(self._cards[number]), Expected("attendance.in", {"cardholder": number})
        self._steps.take(f"{number} taps at {self._entrance.name}", tap, punch, cue=CueName.GRANTED)

"""From a card's last APDU to the green light, with the event durable, against one bare commit of the same bytes.

All between is the daemon's own, put together as app/assemble.py does: card kinds in a reader's thread, queue, the
terminal's thread, roster and journal on a disk, the player, a pin. Of gpiozero only the chip is missing. Tap and bare
commit take turns, each after a rest, in which the processor falls asleep and other programs take its caches, as while a
card answers: without one, the bare commit would run where the tap has just warmed everything.

    python tests/bench/bench_tap.py [--quick]
"""

from __future__ import annotations

import contextlib
import datetime as dt
import logging
import os
import queue
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self

sys.path.insert(0, str(Path(__file__).parents[1]))

from cryptography.hazmat.primitives.serialization import Encoding
from gpiozero.pins.mock import MockFactory, MockPin

from fakes.journal import SIGNER
from kazasu.app.terminal import terminal_of
from kazasu.cards.felica import Felica
from kazasu.cards.identify import CardKinds
from kazasu.cards.jpki import Jpki
from kazasu.cards.pseudonym import Pseudonymizer
from kazasu.model.access import Assurance
from kazasu.model.cue import Channel
from kazasu.model.input import CardPresented, CardRead
from kazasu.model.policy import AssurancePolicy
from kazasu.outputs import cues
from kazasu.outputs.gpio import GpioOutput, Header, Pin
from kazasu.outputs.player import Player
from kazasu.publishers.board import HealthBoard
from kazasu.runtime.clock import SystemClock
from kazasu.runtime.inbox import BoundedInbox
from kazasu.runtime.logs import set_up
from kazasu.services.attendance import Alternation, Attendance
from kazasu.store.backlog import Backlog
from kazasu.store.journal import CHECKPOINT_EVENTS, Journal
from kazasu.store.roster import Roster
from kazasu.store.roster_import import import_csv
from kazasu.terminal import Settings
from kazasu.virtual.felica import FelicaCard
from kazasu.virtual.issuer import JpkiIssuer, rsa_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kazasu.cards.kind import CardKind
    from kazasu.virtual.card import VirtualCard

Row = dict[str, Any]
BUILD = Path(__file__).parents[2] / "build"  # on the disk: /tmp may be memory, and flushes nothing
PEPPER = bytes(range(32))
GREEN = 17
PEOPLE = 10_000
REST_S = 0.005
LOST_AFTER_S = 10.0
TARGETS = {"serial": 1.5, "jpki": 1.8, "jpki, cold": None}


class Lights:
    """Notes when the green pin goes up, and when the last pin goes down."""

    def __init__(self) -> None:
        self.green_s = 0.0
        self.green = threading.Semaphore(0)
        self.dark = threading.Event()

    def factory(self) -> MockFactory:
        """Pins that tell."""
        lights, high = self, set()

        class WatchedPin(MockPin):  # type: ignore[misc]  # gpiozero ships no type information
            def _change_state(self, value: bool) -> bool:
                if not value:
                    high.discard(self._number)
                    if not high:
                        lights.dark.set()
                else:
                    if self._number == GREEN:
                        lights.green_s = time.perf_counter()
                        lights.green.release()
                    high.add(self._number)
                return bool(super()._change_state(value))

        return MockFactory(pin_class=WatchedPin)


class InProcessChannel:
    """A card without reader and air: notes when it last answered. Implements ports.readers.CardChannel."""

    def __init__(self, card: VirtualCard) -> None:
        self._card = card
        self.answered_s = 0.0

    def transmit(self, apdu: bytes) -> tuple[bytes, int]:
        answer = self._card.transmit(apdu)
        self.answered_s = time.perf_counter()
        return answer[:-2], int.from_bytes(answer[-2:])


class Tapped(NamedTuple):
    """One card for the reader's thread."""

    kinds: CardKinds
    card: VirtualCard


class Turn(NamedTuple):
    """A tap and the bare commit after it."""

    tap_us: float
    bare_us: float


class OneTerminal(contextlib.ExitStack):
    """A terminal at work, and a person who taps.

    Args:
        directory: on the disk that is measured; empty.
    """

    def __init__(self, directory: Path) -> None:
        super().__init__()
        issuer = JpkiIssuer()
        (directory / "ca.pem").write_bytes(issuer.ca_certificate.public_bytes(Encoding.PEM))
        self._ca = directory / "ca.pem"
        self._clock = SystemClock(dt.UTC)
        self.jpki_cards: list[VirtualCard] = [issuer.card(rsa_key(f"person {number}")) for number in range(4)]
        self.felica_cards: list[VirtualCard] = [FelicaCard(bytes([1, 0x14, *range(5), number])) for number in range(4)]
        self.warm = self.card_kinds()
        self._directory = directory
        self._import_roster()
        self._lights = Lights()
        self._taps: queue.SimpleQueue[Tapped | None] = queue.SimpleQueue()
        self._channel = InProcessChannel(self.felica_cards[0])

    def card_kinds(self) -> CardKinds:
        """What reads cards; anew, it recognises none."""
        kinds: list[CardKind] = [Jpki([self._ca], Pseudonymizer(PEPPER), self._clock), Felica(Pseudonymizer(PEPPER))]
        return CardKinds(kinds)

    def __enter__(self) -> Self:
        log = self.enter_context(Path(os.devnull).open("w"))
        set_up("info", {}, log)
        self.callback(logging.getLogger().handlers.clear)
        header = Header(self._lights.factory())
        self.callback(header.close)
        pins = {Channel.GREEN: GREEN, Channel.RED: 27, Channel.BUZZER: 22, Channel.RELAY: 23}
        output = GpioOutput({channel: Pin(number=number) for channel, number in pins.items()}, header)
        self.callback(output.close)
        path = self._directory / "journal.db"
        self.journal = Journal(path, "city", "front", SIGNER, max_events=10**6, keep_s=0, collector=True)
        self.callback(self.journal.close)
        self.backlog = Backlog(path)
        self.callback(self.backlog.close)
        roster = Roster(self._directory / "roster.db")
        self.callback(roster.close)
        player = Player(cues.load(cues.DEFAULT_PATH), output, mono_s=self._clock.mono_s)
        board = HealthBoard()
        self._inbox = BoundedInbox()
        terminal = terminal_of(
            Settings(policy=AssurancePolicy(min_assurance=Assurance.SERIAL), button_within_s=5.0, version="bench"),
            inbox=self._inbox,
            clock=self._clock,
            roster=roster,
            service=Attendance(
                Alternation(),
                day_boundary=dt.time(5),
                repeat_after_s=0.0,
                policy=AssurancePolicy(min_assurance=Assurance.SERIAL),
            ),
            journal=self.journal,
            cues=player,
            publisher=board.waker,
            health=board,
        )
        self._thread(player.run, player.stop)
        self._thread(terminal.run, terminal.stop)
        self._thread(self._read, lambda: self._taps.put(None))
        return self

    def tap_s(self, card: VirtualCard, kinds: CardKinds) -> float:
        """Tap once: seconds from the card's last answer to the green light."""
        card.power_on()
        self._taps.put(Tapped(kinds, card))
        if not self._lights.green.acquire(timeout=LOST_AFTER_S):
            raise TimeoutError("no green light")
        return self._lights.green_s - self._channel.answered_s

    def _read(self, beat: Callable[[], None]) -> None:
        """Do as PcscReaders does with each card."""
        while (tapped := self._taps.get()) is not None:
            beat()
            self._lights.dark.clear()
            self._inbox.put(CardPresented(reader="front"))
            self._lights.dark.wait(LOST_AFTER_S)  # the reading cue begins dark, long before a card's last answer
            time.sleep(REST_S)
            self._channel = InProcessChannel(tapped.card)
            self._inbox.put(CardRead(reader="front", identifier=tapped.kinds.identify(self._channel, tapped.card.atr)))

    def _thread(self, run: Callable[[Callable[[], None]], None], stop: Callable[[], None]) -> None:
        thread = threading.Thread(target=run, args=(lambda: None,), daemon=True)
        thread.start()
        self.callback(thread.join)
        self.callback(stop)

    def _import_roster(self) -> None:
        csv_path = self._directory / "roster.csv"
        identified = []
        for card in (*self.jpki_cards, *self.felica_cards):
            card.power_on()
            identified.append(self.warm.identify(InProcessChannel(card), card.atr).pseudonym)
        others = (os.urandom(16).hex() for _ in range(PEOPLE))
        with csv_path.open("w", encoding="utf-8") as file:
            file.write("cardholder,name,credential,min_assurance,valid_from,valid_until\n")
            for number, pseudonym in enumerate((*identified, *others)):
                file.write(f"{number},Person {number},{pseudonym},serial,,\n")
        import_csv(csv_path, self._directory / "roster.db", dt.UTC, lambda _: None)


class BareCommits:
    """SQLite and nothing else: a table of bodies, flushed at each commit."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None)
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "wal_autocheckpoint = 0"):
            self._connection.execute(f"PRAGMA {pragma}")
        self._connection.execute("CREATE TABLE event (seq INTEGER PRIMARY KEY, body BLOB)")

    def commit_s(self, body: bytes) -> float:
        """Seconds of one commit."""
        began = time.perf_counter()
        self._connection.execute("INSERT INTO event (body) VALUES (?)", (body,))
        return time.perf_counter() - began

    def checkpoint(self) -> None:
        """As Journal.idle does, with the flush of the new log's header."""
        self._connection.execute("PRAGMA wal_checkpoint(RESTART)")
        self._connection.execute("INSERT INTO event (body) VALUES (?)", (b"",))

    def close(self) -> None:
        self._connection.close()


def run(quick: bool) -> list[Row]:
    """Measure; each ratio is of medians, against bare commits in turn with the taps."""
    with on_disk() as directory, OneTerminal(directory) as terminal:
        bare = BareCommits(directory / "bare.db")
        terminal.callback(bare.close)
        turns = _turns(terminal, bare, 40 if quick else 600)
    return [
        *(row for way in turns for row in _rows(way, turns[way])),
        _flushes(),
    ]


def _turns(terminal: OneTerminal, bare: BareCommits, rounds: int) -> dict[str, list[Turn]]:
    ways: dict[str, tuple[list[VirtualCard], Callable[[], CardKinds]]] = {
        "serial": (terminal.felica_cards, lambda: terminal.warm),
        "jpki": (terminal.jpki_cards, lambda: terminal.warm),
        "jpki, cold": (terminal.jpki_cards, terminal.card_kinds),
    }
    turns: dict[str, list[Turn]] = {way: [] for way in ways}
    for number in range(rounds):
        for way, (cards, kinds) in ways.items():
            tap_s = terminal.tap_s(cards[number % len(cards)], kinds())
            [(_, body)] = terminal.backlog.after(terminal.journal.seq - 1, 1)
            time.sleep(REST_S)
            turns[way].append(Turn(tap_s * 1e6, bare.commit_s(body) * 1e6))
        if number * len(ways) % CHECKPOINT_EVENTS < len(ways):
            terminal.journal.idle()
            bare.checkpoint()
    return turns


def _rows(way: str, turns: list[Turn]) -> list[Row]:
    taps_us = sorted(turn.tap_us for turn in turns)
    tap_us, bare_us = statistics.median(taps_us), statistics.median(turn.bare_us for turn in turns)
    own_us = statistics.median(turn.tap_us - turn.bare_us for turn in turns)
    p99_us = taps_us[len(turns) * 99 // 100]
    target = TARGETS[way]
    return [
        {
            "name": f"last APDU to green light, {way}",
            "value": round(tap_us),
            "unit": "us",
            "ratio": round(tap_us / bare_us, 2),
            "target": target,
            "ok": target is None or tap_us / bare_us <= target,
            "note": f"median of {len(turns)}, p99 {p99_us:.0f} us; bare commit in turn {bare_us:.0f} us",
        },
        {
            "name": f"of it without the commit, {way}",
            "value": round(own_us),
            "unit": "us",
            "ratio": None,
            "target": None,
            "ok": True,
            "note": "median of each tap's time less that of the bare commit after it",
        },
    ]


def _flushes() -> Row:
    """What strace counts in 120 taps and not in 20, so that opening and closing are left out."""
    few, many = _flushes_of(20), _flushes_of(120)
    flushes = (many - few) / 100
    return {
        "name": "fdatasync and fsync a tap",
        "value": flushes,
        "unit": "calls",
        "ratio": None,
        "target": "= 1",
        "ok": flushes == 1,
        "note": f"strace: {few} with 20 taps, {many} with 120",
    }


def _flushes_of(taps: int) -> int:
    with tempfile.TemporaryDirectory() as directory:
        report = Path(directory) / "report"
        strace = ["strace", "-f", "-c", "-e", "trace=fdatasync,fsync", "-o", str(report)]
        subprocess.run([*strace, sys.executable, __file__, "--taps", str(taps)], check=True)
        lines = [line.split() for line in report.read_text().splitlines()]
    # share of time, seconds, microseconds a call, calls, errors if there were any, name
    return sum(int(words[3]) for words in lines if words[-1] in {"fdatasync", "fsync"})


@contextlib.contextmanager
def on_disk() -> Iterator[Path]:
    BUILD.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="bench-tap-", dir=BUILD) as directory:
        yield Path(directory)


def main(arguments: list[str]) -> None:
    if arguments[:1] == ["--taps"]:
        with on_disk() as directory, OneTerminal(directory) as terminal:
            for number in range(int(arguments[1])):
                terminal.tap_s(terminal.felica_cards[number % 2], terminal.warm)
        return
    for row in run(quick="--quick" in arguments):
        print(row)


if __name__ == "__main__":
    main(sys.argv[1:])

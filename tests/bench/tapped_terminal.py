"""A terminal at which somebody taps all the time: how long each tap waits for its answer, and what the answer is.

Roster, journal, service, player and terminal are the daemon's own, in their own threads; a tap begins with what the
reader's thread hands over, and ends with the cue. Taps come by the clock, whether the one before was answered or not,
and each counts from the moment when it was due: a terminal that stands still is met by everybody who taps meanwhile.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
import os
import sys
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from fakes.journal import SIGNER
from kazasu.app.terminal import terminal_of
from kazasu.model.access import Assurance, Identifier
from kazasu.model.input import CardRead
from kazasu.model.policy import AssurancePolicy
from kazasu.outputs import cues
from kazasu.outputs.player import Player
from kazasu.publishers.board import HealthBoard
from kazasu.runtime.clock import SystemClock
from kazasu.runtime.inbox import BoundedInbox
from kazasu.runtime.logs import set_up
from kazasu.runtime.supervisor import SWITCH_S
from kazasu.services.attendance import Alternation, Attendance
from kazasu.store.backlog import Backlog
from kazasu.store.journal import Journal
from kazasu.store.roster import Roster
from kazasu.terminal import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kazasu.model.cue import Channel, CueName
    from kazasu.model.pepper import Pepper

EVERY_S = 0.02
LOST_AFTER_S = 30.0
_POLICY = AssurancePolicy(min_assurance=Assurance.SERIAL)


class Answered(NamedTuple):
    """A tap, and what came of it.

    Attributes:
        who: taps.
        due_s: when the card had been read.
        at_s: when its cue had begun.
        cue: which.
        event: as it is in the journal.
    """

    who: str
    due_s: float
    at_s: float
    cue: CueName
    event: dict[str, Any]

    @property
    def waited_s(self) -> float:
        """How long whoever taps waited for the answer."""
        return self.at_s - self.due_s


class Unlit:
    """Implements ports.outputs.Output: lights without wires."""

    def show(self, on: frozenset[Channel]) -> None:
        self.on = on

    def close(self) -> None:
        """Nothing is held."""


class Answers:
    """Implements ports.outputs.CuePlayer over the daemon's own player.

    Attributes:
        played: cues, each with when it had begun.
        came: counts them.
    """

    def __init__(self, player: Player) -> None:
        self._player = player
        self.played: list[tuple[CueName, float]] = []
        self.came = threading.Semaphore(0)

    def play(self, name: CueName) -> None:
        self._player.play(name)
        self.played.append((name, time.perf_counter()))
        self.came.release()

    def rest(self, name: CueName) -> None:
        self._player.rest(name)


class TappedTerminal(ExitStack):
    """The terminal, and whoever taps.

    Args:
        directory: on the disk; the roster is roster.db in it.
        pepper: the site's.

    Attributes:
        inbox: the terminal's.
        board: what operations see of it.
        clock: the terminal's.
    """

    def __init__(self, directory: Path, pepper: Pepper) -> None:
        super().__init__()
        self._directory = directory
        self._pepper = pepper
        self.inbox = BoundedInbox()
        self.board = HealthBoard()
        self.clock = SystemClock(dt.UTC)

    def __enter__(self) -> Self:
        sys.setswitchinterval(SWITCH_S)  # as the supervisor does
        log = self.enter_context(Path(os.devnull).open("w"))
        set_up("info", {}, log)
        self.callback(logging.getLogger().handlers.clear)
        path = self._directory / "journal.db"
        journal = Journal(path, "city", "front", SIGNER, max_events=10**6, keep_s=0, collector=True)
        self.callback(journal.close)
        self._backlog = Backlog(path)
        self.callback(self._backlog.close)
        roster = Roster(self._directory / "roster.db", self._pepper)
        self.callback(roster.close)
        player = Player(cues.load(cues.DEFAULT_PATH), Unlit(), mono_s=self.clock.mono_s)
        self._answers = Answers(player)
        terminal = terminal_of(
            Settings(policy=_POLICY, button_within_s=5.0, version="bench"),
            inbox=self.inbox,
            clock=self.clock,
            roster=roster,
            service=Attendance(Alternation(), day_boundary=dt.time(5), repeat_after_s=0.0, policy=_POLICY),
            journal=journal,
            cues=self._answers,
            publisher=self.board.waker,
            health=self.board,
        )
        self.run_thread(player.run, player.stop)
        self.run_thread(terminal.run, terminal.stop)
        return self

    def run_thread(self, run: Callable[[Callable[[], None]], None], stop: Callable[[], None]) -> None:
        """Let a loop go round until the end."""
        thread = threading.Thread(target=run, args=(lambda: None,), daemon=True)
        thread.start()
        self.callback(thread.join)
        self.callback(stop)

    def tap_while(self, next_tap: Callable[[], tuple[str, str] | None]) -> list[Answered]:
        """Tap from now on, and return when the last tap has its answer.

        Args:
            next_tap: says who taps next, with which card; None ends it.

        Raises:
            TimeoutError: a tap has no answer.
        """
        self._answers.played.clear()
        seq = self._backlog.last_seq()
        due_s = time.perf_counter()
        taps = []
        while (tap := next_tap()) is not None:
            who, pseudonym = tap
            time.sleep(max(0.0, due_s - time.perf_counter()))
            taps.append((who, due_s))
            identifier = Identifier(kind="felica", pseudonym=pseudonym, assurance=Assurance.SERIAL)
            self.inbox.put(CardRead(reader="front", identifier=identifier))
            due_s += EVERY_S
        for _ in taps:
            if not self._answers.came.acquire(timeout=LOST_AFTER_S):
                raise TimeoutError("a tap has no answer")
        return [
            Answered(*tap, at_s, cue, event)
            for tap, (cue, at_s), event in zip(taps, self._answers.played, self._taps_after(seq), strict=True)
        ]

    @property
    def newest_cue(self) -> CueName | None:
        """The answer to the last tap that has one, since somebody began to tap."""
        return self._answers.played[-1][0] if self._answers.played else None

    @property
    def roster_version(self) -> int:
        """Which roster the terminal says that it follows."""
        return int(self.board.fields().get("roster_version", 0))

    def _taps_after(self, seq: int) -> Sequence[dict[str, Any]]:
        events: list[dict[str, Any]] = []
        while rows := self._backlog.after(seq, 500):
            events += [json.loads(body) for _, body in rows]
            seq = rows[-1][0]
        return [event for event in events if "decision" in event]

"""The demo in a terminal: a person taps by keys and sees the lights, and what arrives at the broker."""

from __future__ import annotations

import os
import sys
import termios
import threading
import tty
from typing import TYPE_CHECKING

from kazasu.outputs.terminal import TerminalOutput
from kazasu.virtual.demo import PULLED_AT_APDU, event_line
from kazasu.virtual.type_b import DrivingLicence

if TYPE_CHECKING:
    from collections.abc import Callable

    from kazasu.model.cue import Channel
    from kazasu.virtual.daemon import Shown
    from kazasu.virtual.stage import Stage

_LOOK_S = 1.0


class Live:
    """Plays until `q`.

    Args:
        stage: entered; its daemon not started.
    """

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._drawing = threading.Lock()
        self._lamps = TerminalOutput(sys.stdout, os.environ)
        self._on: frozenset[Channel] = frozenset()
        self._ended = threading.Event()
        self._keys: dict[str, tuple[str, Callable[[], object]]] = {
            str(number): (f"{person.number} {person.name}, {person.carries}", self._tapping(number - 1))
            for number, person in enumerate(stage.staff, start=1)
        } | {
            "u": ("a card that nobody enrolled", lambda: stage.tap(stage.stranger)),
            "f": ("a driving licence", lambda: stage.tap(DrivingLicence())),
            "p": ("the first card, pulled away too early", lambda: stage.tap(stage.staff[0].card, PULLED_AT_APDU)),
            "b": ("stop the broker, or start it again", self._turn_broker),
            "k": ("kill the daemon, and start it again", self._kill),
        }

    def play(self) -> bool:
        """Play; returns whether everything that arrived was well signed and chained."""
        for key, (what, _) in self._keys.items():
            print(f"  {key}  {what}")
        print("  q  end\n")
        self._stage.daemon.on_change = self._show
        self._stage.daemon.start()
        watcher = threading.Thread(target=self._follow_events, name="demo-events")
        watcher.start()
        before = termios.tcgetattr(sys.stdin)
        tty.setcbreak(sys.stdin)
        try:
            while (key := os.read(sys.stdin.fileno(), 1).decode(errors="replace")) not in {"q", ""}:
                if key in self._keys:
                    self._do(key)
        except KeyboardInterrupt:
            pass  # as good an end as q
        finally:
            termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)
            self._stage.daemon.terminate()
            self._ended.set()
            watcher.join()
            self._lamps.close()
        problems = self._stage.subscriber.problems
        for problem in problems:
            print(f"WRONG: {problem}")
        return not problems

    def _do(self, key: str) -> None:
        try:
            self._keys[key][1]()
        except TimeoutError as error:
            self._say(str(error))

    def _tapping(self, index: int) -> Callable[[], object]:
        return lambda: self._stage.tap(self._stage.staff[index].card)

    def _turn_broker(self) -> None:
        broker = self._stage.broker
        if broker.pid:
            broker.stop()
            self._say("the broker is stopped: go on tapping, then press b again")
        else:
            broker.start()
            self._say("the broker runs again")

    def _kill(self) -> None:
        self._stage.daemon.kill()
        self._say("the daemon was killed, and is started again")
        self._stage.daemon.start()

    def _follow_events(self) -> None:
        subscriber, seen = self._stage.subscriber, 0
        while not self._ended.is_set():
            subscriber.wait_for(lambda seen=seen: len(subscriber.events) > seen, _LOOK_S)  # type: ignore[misc]
            for event in subscriber.events[seen:]:
                seen += 1
                self._say(f"at the broker {event_line(event.fields)}")

    def _show(self, shown: Shown) -> None:
        with self._drawing:
            self._on = shown.on
            self._lamps.show(shown.on)

    def _say(self, text: str) -> None:
        """Print a line above the lamps."""
        with self._drawing:
            print(f"\r\x1b[K{text}", flush=True)
            self._lamps.show(frozenset())
            self._lamps.show(self._on)

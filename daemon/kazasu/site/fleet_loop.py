"""Reads along for as long as the process runs, so that somebody else can ask at any time how the fleet is."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, TypeVar

from kazasu.publishers.line import BEAT_S

if TYPE_CHECKING:
    from collections.abc import Callable

    from kazasu.ports.clock import Clock
    from kazasu.ports.loops import Beat
    from kazasu.site.fleet import Fleet
    from kazasu.site.line import SiteLine

_Answer = TypeVar("_Answer")


class FleetLoop:
    """Implements ports.loops.Loop.

    Its connection is its own: whoever asks for long, or a fleet that talks much, holds up nothing but this view.

    Args:
        fleet: what is followed.
        line: subscribed to the fleet's topics.
        clock: wall time.
    """

    def __init__(self, fleet: Fleet, line: SiteLine, clock: Clock) -> None:
        self._fleet = fleet
        self._line = line
        self._clock = clock
        self._lock = threading.Lock()
        self._stopping = threading.Event()

    def ask(self, question: Callable[[Fleet], _Answer]) -> _Answer:
        """Ask the fleet something while nothing changes; any thread."""
        with self._lock:
            self._fleet.pass_time(self._clock.now().at)
            return question(self._fleet)

    def run(self, beat: Beat) -> None:
        """Read along until `stop`; see ports.loops.Loop."""
        try:
            while not self._stopping.is_set():
                beat()
                self._line.wait(BEAT_S)
                messages = self._line.turn()
                at = self._clock.now().at
                with self._lock:
                    for message in messages:
                        self._fleet.take(message.topic, message.payload, at)
                    self._fleet.changed()  # nobody here wants to know
        finally:
            self._line.close()

    def stop(self) -> None:
        """See ports.loops.Loop."""
        self._stopping.set()
        self._line.wake()

"""Readers that are missing: told once after ten seconds, and once more when they are back."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from kazasu.model.input import ReaderChanged, ReaderState

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kazasu.ports.clock import Clock
    from kazasu.ports.health import Health
    from kazasu.ports.inbox import Inbox

PATIENCE_S: Final = 10.0

_log = logging.getLogger(__name__)


class Outages:
    """Knows which readers are missing since when, and tells the terminal, operations and the log."""

    def __init__(self, names: Iterable[str], inbox: Inbox, clock: Clock, health: Health) -> None:
        self._inbox = inbox
        self._clock = clock
        self._health = health
        self._told: dict[str, ReaderState | None] = dict.fromkeys(names)
        self._missing_since_s = dict.fromkeys(self._told, clock.mono_s())

    def update(self, present: set[str], why: str) -> float:
        """Take in which readers are there.

        Args:
            present: their short names.
            why: the reason that the others are not, and what to do.

        Returns:
            Seconds until a reader has been missing for too long; `PATIENCE_S` if none is on its way there.
        """
        now_s = self._clock.mono_s()
        due_s = PATIENCE_S
        for name, told in self._told.items():
            if name in present:
                self._missing_since_s.pop(name, None)
                if told is not ReaderState.PRESENT:
                    self._tell(name, ReaderState.PRESENT)
            elif told is not ReaderState.MISSING:
                left_s = self._missing_since_s.setdefault(name, now_s) + PATIENCE_S - now_s
                if left_s > 0:
                    due_s = min(due_s, left_s)
                else:
                    self._tell(name, ReaderState.MISSING, why)
        return due_s

    def _tell(self, name: str, state: ReaderState, why: str = "") -> None:
        before, self._told[name] = self._told[name], state
        self._health.note(**{f"reader_{name}": state.value})
        if state is ReaderState.MISSING:
            self._health.alert(f"reader_{name}", f"reader {name} is missing: {why}")
            _log.error("reader_missing", extra={"fields": {"reader": name, "detail": why}})
        else:
            self._health.clear(f"reader_{name}")
            _log.info("reader_present", extra={"fields": {"reader": name}})
        if before is not None or state is ReaderState.MISSING:  # present from the start is no change
            self._inbox.put(ReaderChanged(reader=name, state=state, detail=why))

"""How often wrong PINs may be tried on the keypad: for each code, and for the terminal as a whole.

Tries are counted from events, as everything a terminal remembers, so that no restart gives new ones. A code that nobody
has is counted like any other. One try that was not allowed is not counted, so that a limit ends by itself.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from kazasu.model.access import DenyReason

if TYPE_CHECKING:
    from collections.abc import Collection

    from kazasu.model.event import Event
    from kazasu.model.moment import Moment


class TryLimit:
    """The terminal's thread only. What it remembers is bounded by the terminal's own limit.

    Args:
        per_person: wrong tries with one code; a person has one.
        per_terminal: wrong tries with all codes together.
        within_s: the time in which they count.
    """

    def __init__(self, *, per_person: int, per_terminal: int, within_s: float) -> None:
        self._per_person = per_person
        self._per_terminal = per_terminal
        self._within_s = within_s
        self._wrong: deque[tuple[Moment, str]] = deque(maxlen=per_terminal)

    def allows(self, forms: Collection[str], now: Moment) -> bool:
        """Whether a code may be tried now, of which events know by these pseudonyms."""
        recent = [code for at, code in self._wrong if _age_s(at, now) < self._within_s]
        return len(recent) < self._per_terminal and sum(code in forms for code in recent) < self._per_person

    def recorded(self, event: Event) -> None:
        """Count a wrong try. Has to be told of every event, in order."""
        fields = event.fields
        if fields.get("reason") == DenyReason.WRONG_CODE and "credential" in fields:
            self._wrong.append((event.moment, str(fields["credential"])))


def _age_s(at: Moment, now: Moment) -> float:
    """The least that has passed since: across a boot the wall clock tells, unless it went back."""
    if at.boot == now.boot:
        return (now.mono_ms - at.mono_ms) / 1000
    return max(now.mono_ms / 1000, (now.at - at.at).total_seconds())

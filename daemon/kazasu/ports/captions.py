"""Words beside the cues."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from kazasu.model.access import Decision, Direction, Presentation
    from kazasu.model.alarm import Alarm
    from kazasu.model.cue import CueName
    from kazasu.model.event import Event


class Captions(Protocol):
    """Words beside the cues, for a display; nobody needs them. The terminal thread; none of them waits or raises."""

    def cue(self, name: CueName) -> None:
        """Say in words what a cue says."""
        ...

    def entered(self, digits: int, *, of_code: bool) -> None:
        """Of a PIN, or of a code, there are so many digits now."""
        ...

    def abandoned(self) -> None:
        """Nobody finishes the code that was begun."""
        ...

    def chosen(self, direction: Direction) -> None:
        """A button was pressed for the next tap."""
        ...

    def answered(self, presentation: Presentation, decision: Decision) -> None:
        """A tap's event is durable: this is what came of it, and for whom."""
        ...

    def rest(self, name: CueName, alarm: Alarm | None) -> None:
        """Set what is shown while nobody taps: the cue at rest, and the door's alarm if it stands for one."""
        ...

    def recorded(self, event: Event) -> None:
        """Take over an event that is durable now; also called for the journal's recent events at start."""
        ...

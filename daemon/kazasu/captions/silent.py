"""What people may read beside each cue, of a terminal without a display: nothing; what matters, light and sound say."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kazasu.model.access import Decision, Direction, Presentation
    from kazasu.model.alarm import Alarm
    from kazasu.model.cue import CueName
    from kazasu.model.event import Event


class Silent:
    """Implements ports.captions.Captions."""

    def cue(self, name: CueName) -> None:
        """See ports.captions.Captions."""

    def entered(self, digits: int, *, of_code: bool) -> None:
        """See ports.captions.Captions."""

    def abandoned(self) -> None:
        """See ports.captions.Captions."""

    def chosen(self, direction: Direction) -> None:
        """See ports.captions.Captions."""

    def answered(self, presentation: Presentation, decision: Decision) -> None:
        """See ports.captions.Captions."""

    def rest(self, name: CueName, alarm: Alarm | None) -> None:
        """See ports.captions.Captions."""

    def recorded(self, event: Event) -> None:
        """See ports.captions.Captions."""

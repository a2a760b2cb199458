"""What a terminal is for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from kazasu.model.access import Assurance, Decision, DenyReason, Enrolment, Presentation
    from kazasu.model.event import Event
    from kazasu.model.moment import Moment


class Service(Protocol):
    """What the terminal is for. The terminal thread, but for `asks`."""

    name: str

    def serves(self, reader: str) -> bool:
        """Whether a tap on a reader is its business."""
        ...

    def asks(self, enrolment: Enrolment | None, moment: Moment, roster_made_s: int | None) -> Assurance:
        """The least that a read has to prove to get anything here now. Any thread.

        Args:
            enrolment: whose card it is; None while nobody knows.
            moment: now.
            roster_made_s: see Roster.made_s.
        """
        ...

    def refused(self, presentation: Presentation, reason: DenyReason) -> Decision:
        """Answer a presentation that policy does not admit."""
        ...

    def decide(self, presentation: Presentation, moment: Moment) -> Decision:
        """Answer one presentation; changes nothing."""
        ...

    def recorded(self, event: Event) -> None:
        """Take over an event that is durable now; also called for the journal's recent events at start."""
        ...

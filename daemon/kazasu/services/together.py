"""Several services on one tap: one event and one cue all the same (rule 2).

They are asked in order, those that serve the reader. The first gives the event its type and its decision; each of the
others adds `<name>_decision`, and `<name>_reason` if it denied. None takes anything from another: a punch is recorded
though the door stays shut, and the door opens though the punch was made a moment ago.

The cue is the most serious of their answers, because that is what the person has to know; "already done" gives way to
"granted", since something was.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kazasu.model.access import Decision
from kazasu.model.cue import CueName

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kazasu.model.access import Assurance, DenyReason, Enrolment, EventFields, Presentation
    from kazasu.model.event import Event
    from kazasu.model.moment import Moment
    from kazasu.ports.services import Service

_SERIOUS = (
    CueName.FAULT,
    CueName.BLOCKED,
    CueName.DENIED,
    CueName.RETRY,
    CueName.GRANTED,
    CueName.ALREADY_DONE,
)
"""The answers that services give, the most serious first."""


class Together:
    """Services as one. Implements ports.services.Service.

    Args:
        services: in their order; every reader is served by one at least.
    """

    name = "together"

    def __init__(self, services: Sequence[Service]) -> None:
        self._services = tuple(services)

    def serves(self, reader: str) -> bool:
        """Whether a tap on a reader is the business of any."""
        return any(service.serves(reader) for service in self._services)

    def asks(self, enrolment: Enrolment | None, moment: Moment, roster_made_s: int | None) -> Assurance:
        """The most that any of them asks for; see ports.services.Service."""
        return max(service.asks(enrolment, moment, roster_made_s) for service in self._services)

    def refused(self, presentation: Presentation, reason: DenyReason) -> Decision:
        """See ports.services.Service."""
        return _one([(each.name, each.refused(presentation, reason)) for each in self._at(presentation)])

    def decide(self, presentation: Presentation, moment: Moment) -> Decision:
        """See ports.services.Service."""
        return _one([(each.name, each.decide(presentation, moment)) for each in self._at(presentation)])

    def recorded(self, event: Event) -> None:
        """See ports.services.Service."""
        for service in self._services:
            service.recorded(event)

    def _at(self, presentation: Presentation) -> list[Service]:
        return [service for service in self._services if service.serves(presentation.reader)]


def _one(decisions: Sequence[tuple[str, Decision]]) -> Decision:
    (_, first), *others = decisions
    details: EventFields = dict(first.details)
    for name, decision in others:
        details |= decision.details
        details[f"{name}_decision"] = "granted" if decision.granted else "denied"
        if decision.reason is not None:
            details[f"{name}_reason"] = decision.reason.value
    cue = min((decision.cue for _, decision in decisions), key=_SERIOUS.index)
    return Decision(event_type=first.event_type, reason=first.reason, cue=cue, details=details)

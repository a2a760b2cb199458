"""Muster: who is at the meeting point, once a muster has begun.

A tap before that is denied as `no_muster` and asks for another one: whoever believed that it counted would be looked
for in a burning house. One after it is granted as often as somebody likes. A muster begins and ends by an operator's
order (orders/muster.py), and begins by a fire input, too, if the site says so.

The journal is the only memory, as it is for every service: `recorded` rebuilds it event by event.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kazasu.model.access import Assurance, Decision, DenyReason
from kazasu.model.cue import CueName
from kazasu.model.event import moment_of
from kazasu.model.muster import COUNTS_MS
from kazasu.model.policy import CUE_OF_REASON

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from kazasu.model.access import Enrolment, EventFields, Presentation
    from kazasu.model.event import Event
    from kazasu.model.moment import Moment

BY_FIRE = "fire"
"""Who began it, where a fire input did."""


class Muster:
    """The muster service. Implements ports.services.Service.

    Args:
        readers: those at the meeting point.
        fire: a fire input begins it.
    """

    name = "muster"

    def __init__(self, readers: Collection[str], *, fire: bool) -> None:
        self._readers = frozenset(readers)
        self._fire = fire
        self._begun: Moment | None = None
        self._burns = False

    def serves(self, reader: str) -> bool:
        """Whether a reader is at the meeting point."""
        return reader in self._readers

    def asks(self, enrolment: Enrolment | None, moment: Moment, roster_made_s: int | None) -> Assurance:
        """Nothing of its own: nobody stands in the rain for a stronger proof. See ports.services.Service."""
        return Assurance.PAPER

    def stands(self, moment: Moment) -> bool:
        """Whether a muster has begun and has not ended; by itself it ends after a day and a half."""
        begun = self._begun
        return begun is not None and (moment.at - begun.at).total_seconds() * 1000 < COUNTS_MS

    def decide(self, presentation: Presentation, moment: Moment) -> Decision:
        """Answer with `muster.present` or `muster.denied`; see ports.services.Service."""
        if presentation.enrolment is None:
            raise ValueError("a presentation without an enrolment is refused by policy before it gets here")
        if not self.stands(moment):
            return self.refused(presentation, DenyReason.NO_MUSTER)
        return Decision(event_type="muster.present", cue=CueName.GRANTED)

    def refused(self, presentation: Presentation, reason: DenyReason) -> Decision:
        """Answer with `muster.denied`; see ports.services.Service."""
        return Decision(event_type="muster.denied", reason=reason, cue=CUE_OF_REASON[reason])

    def recorded(self, event: Event) -> None:
        """Take over that a muster begins or ends, or that it burns."""
        match event.fields["event_type"]:
            case "muster.begun":
                self._begun, self._burns = moment_of(event.fields), False
            case "muster.ended":
                self._begun = None
            case "door.fire_release":
                self._burns = self._fire
            case "door.fire_release_ended":
                self._burns = False

    def due(self, moment: Moment) -> Sequence[tuple[str, EventFields]]:
        """What to record before anything else of this moment: that the fire input begins a muster, if none stands."""
        return [("muster.begun", {"by": BY_FIRE})] if self._burns and not self.stands(moment) else []

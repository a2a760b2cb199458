"""What the card in the field has to prove: so that a PIN is asked for only where it is needed, and before it leaves."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from kazasu.errors import RosterError

if TYPE_CHECKING:
    from kazasu.model.access import Assurance
    from kazasu.model.policy import AssurancePolicy
    from kazasu.ports.clock import Clock
    from kazasu.ports.services import Service
    from kazasu.ports.store import Roster


class EnrolledDemand:
    """Asks the terminal's policy, its service and the card's own enrolment. Implements ports.readers.Demand.

    It only says how far to go; whether that was enough, the terminal decides, which also tells of a broken roster.

    Args:
        policy: the terminal's.
        service: the terminal's.
        roster: a store of the reader thread's own.
        clock: the terminal's.
    """

    def __init__(self, policy: AssurancePolicy, service: Service, roster: Roster, clock: Clock) -> None:
        self._policy = policy
        self._service = service
        self._roster = roster
        self._clock = clock

    def of(self, pseudonym: str | None) -> Assurance:
        """See ports.readers.Demand."""
        now, enrolment = self._clock.now(), None
        if pseudonym is not None:
            with contextlib.suppress(RosterError):
                enrolment = self._roster.look_up(pseudonym)
        asked = max(self._policy.at(now), self._service.asks(enrolment, now, self._roster.made_s))
        return asked if enrolment is None else max(asked, enrolment.credential.min_assurance)


class FixedDemand:
    """Asks the same of every card. Implements ports.readers.Demand.

    Args:
        asked: what.
    """

    def __init__(self, asked: Assurance) -> None:
        self._asked = asked

    def of(self, pseudonym: str | None) -> Assurance:
        """See ports.readers.Demand."""
        return self._asked

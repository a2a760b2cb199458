"""What the card in the field has to prove: so that a PIN is asked for only where it is needed, and before it leaves."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from kazasu.errors import RosterError

if TYPE_CHECKING:
    from kazasu.model.access import Assurance
    from kazasu.model.policy import AssurancePolicy
    from kazasu.ports import Clock, Roster


class EnrolledDemand:
    """Asks the terminal's policy and the card's own enrolment. Implements ports.Demand.

    It only says how far to go; whether that was enough, the terminal decides, which also tells of a broken roster.

    Args:
        policy: the terminal's.
        roster: a store of the reader thread's own.
        clock: the terminal's.
    """

    def __init__(self, policy: AssurancePolicy, roster: Roster, clock: Clock) -> None:
        self._policy = policy
        self._roster = roster
        self._clock = clock

    def of(self, pseudonym: str | None) -> Assurance:
        """See ports.Demand."""
        asked = self._policy.at(self._clock.now())
        if pseudonym is not None:
            with contextlib.suppress(RosterError):
                enrolment = self._roster.look_up(pseudonym)
                if enrolment is not None:
                    return max(asked, enrolment.credential.min_assurance)
        return asked


class FixedDemand:
    """Asks the same of every card. Implements ports.Demand.

    Args:
        asked: what.
    """

    def __init__(self, asked: Assurance) -> None:
        self._asked = asked

    def of(self, pseudonym: str | None) -> Assurance:
        """See ports.Demand."""
        return self._asked

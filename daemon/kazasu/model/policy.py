"""What is asked of every presentation before any service looks at it, and which cue tells a person the answer."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

import msgspec

from kazasu.model.access import Assurance, DenyReason
from kazasu.model.cue import CueName
from kazasu.model.moment import TimeSource
from kazasu.model.schedule import WeeklyHours

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kazasu.model.access import Presentation
    from kazasu.model.moment import Moment

CUE_OF_REASON: Mapping[DenyReason, CueName] = MappingProxyType(
    dict.fromkeys(DenyReason, CueName.DENIED)
    | {
        # The person can mend these on the spot.
        DenyReason.CARD_REMOVED: CueName.RETRY,
        DenyReason.CARD_UNREADABLE: CueName.RETRY,
        DenyReason.TWO_CARDS: CueName.RETRY,
        DenyReason.PIN_NEEDED: CueName.RETRY,
        DenyReason.PIN_WRONG: CueName.RETRY,
        DenyReason.WRONG_CODE: CueName.RETRY,
        DenyReason.NO_DIRECTION: CueName.RETRY,
        # So can the other door's closing, and a second person's tap.
        DenyReason.INTERLOCK: CueName.RETRY,
        DenyReason.ESCORT_NEEDED: CueName.RETRY,
        DenyReason.SECOND_PERSON_NEEDED: CueName.RETRY,
        # And so can the beginning of the muster: whoever taps before it has to tap again.
        DenyReason.NO_MUSTER: CueName.RETRY,
        # Nobody here can mend these: only the counter that issued the card.
        DenyReason.PIN_LAST_TRY: CueName.BLOCKED,
        DenyReason.CARD_BLOCKED: CueName.BLOCKED,
        DenyReason.ALREADY_DONE: CueName.ALREADY_DONE,
        # The terminal's own fault, and the person should know that it is not theirs.
        DenyReason.ROSTER_UNREADABLE: CueName.FAULT,
        DenyReason.ROSTER_STALE: CueName.FAULT,
        DenyReason.CLOCK_UNSET: CueName.FAULT,
    }
)


class Stricter(msgspec.Struct, frozen=True, kw_only=True):
    """Hours at which a read has to prove more than at others."""

    during: WeeklyHours
    min_assurance: Assurance


class AssurancePolicy(msgspec.Struct, frozen=True, kw_only=True):
    """What a read has to prove here, whoever taps.

    Attributes:
        min_assurance: at any time.
        stricter: and at some hours; of several the most counts.
    """

    min_assurance: Assurance
    stricter: tuple[Stricter, ...] = ()

    def at(self, moment: Moment) -> Assurance:
        """What counts at this moment. With the clock unset it may be any hour, so the most of all counts (rule 10)."""
        unset = moment.source is TimeSource.NONE
        hours = (rule.min_assurance for rule in self.stricter if unset or moment.at in rule.during)
        return max([self.min_assurance, *hours])


def refusal(presentation: Presentation, moment: Moment, min_assurance: Assurance) -> DenyReason | None:
    """Say why a presentation comes to nothing, or None if a service may decide it.

    A validity date is enforced only against a clock that has been set: with the clock unset, a valid card would be
    refused on the 1st of January 1970. The punch then carries its `time_source`, `none`, for whoever judges it.
    """
    identifier = presentation.identifier
    if identifier is None or presentation.refusal is not None:
        return presentation.refusal or DenyReason.CARD_UNREADABLE
    if presentation.enrolment is None:
        return DenyReason.UNKNOWN_CARD
    credential = presentation.enrolment.credential
    if identifier.assurance < max(min_assurance, credential.min_assurance):
        return DenyReason.ASSURANCE_TOO_LOW
    if moment.source is not TimeSource.NONE:
        now_s = moment.at.timestamp()
        if credential.valid_from_s is not None and now_s < credential.valid_from_s:
            return DenyReason.CREDENTIAL_NOT_YET_VALID
        if credential.valid_until_s is not None and now_s >= credential.valid_until_s:
            return DenyReason.CREDENTIAL_EXPIRED
    return None

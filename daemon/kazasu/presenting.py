"""Who stands before the reader: the roster's word on what was read, a day card's holder, a guest vouched for.

Of a code that was entered it says, too, whether it may be tried now. One that was refused is nobody's: the event names
whose it is, and no display does, or a stranger would read there whose code they have found.

A colleague who vouches taps their own card, and what comes of that tap is the guest's alone: the guest's punch, at the
guest's doors, with the assurance `vouched` and the colleague's number in the event. A code vouches for nobody: it can
be told to others, and a card is there or is not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

from kazasu.errors import RosterError
from kazasu.model.access import Assurance, Credential, DenyReason, Enrolment, Presentation
from kazasu.model.policy import refusal

if TYPE_CHECKING:
    from kazasu.model.access import Direction, EventFields
    from kazasu.model.day_card import DayCards
    from kazasu.model.input import CardRead
    from kazasu.model.moment import Moment
    from kazasu.model.try_limit import TryLimit
    from kazasu.ports.health import Health
    from kazasu.ports.store import Roster


class Vouching(msgspec.Struct, frozen=True, kw_only=True):
    """Who may vouch for others.

    Attributes:
        levels: whoever has one of these may.
        within_s: so long a guest waits for the colleague's tap.
    """

    levels: frozenset[str]
    within_s: float


class _Guest(NamedTuple):
    number: str
    until_s: float


class Presenter:
    """Finds out whose a read is. The terminal's thread only.

    Args:
        roster: who is known.
        health: hears of a roster that cannot be read.
        day_cards: None if there is no pool.
        vouching: None if nobody may vouch.
        tries: how often codes may be tried; None if none is entered here.
    """

    def __init__(
        self,
        roster: Roster,
        health: Health,
        *,
        day_cards: DayCards | None = None,
        vouching: Vouching | None = None,
        tries: TryLimit | None = None,
    ) -> None:
        self._roster = roster
        self._health = health
        self._day_cards = day_cards
        self._vouching = vouching
        self._tries = tries
        self._guests: dict[str, _Guest] = {}

    def expect_guest(self, reader: str, number: str, mono_s: float) -> float:
        """Let the next tap on a reader be a colleague's who vouches for somebody.

        Returns:
            For how many seconds.

        Raises:
            ValueError: nobody may vouch here.
        """
        if self._vouching is None:
            raise ValueError("nobody may vouch here")
        self._guests[reader] = _Guest(number, mono_s + self._vouching.within_s)
        return self._vouching.within_s

    def present(
        self, read: CardRead, direction: Direction | None, moment: Moment, mono_s: float, asked: Assurance
    ) -> Presentation:
        """Say whose a read is.

        Args:
            read: what was read, or why nothing was.
            direction: the way chosen by button.
            moment: now.
            mono_s: now.
            asked: what the terminal asks of every read.
        """
        unknown = Presentation(
            reader=read.reader, identifier=read.identifier, refusal=read.refusal, direction=direction
        )
        if read.identifier is None:
            return unknown
        try:
            if read.identifier.assurance is Assurance.CODE:
                presentation = self._by_code(unknown, read.identifier.pseudonym, moment)
            else:
                presentation = self._own(unknown, read.identifier.pseudonym, moment)
                guest = self._guest(read.reader, mono_s)
                if guest is not None:
                    presentation = self._vouched(presentation, guest, moment, asked)
        except RosterError as error:
            self._health.alert("roster", str(error))
            known = self._known(unknown, read.identifier.pseudonym)
            return msgspec.structs.replace(known, refusal=DenyReason.ROSTER_UNREADABLE)
        self._health.clear("roster")
        return presentation

    def _known(self, presentation: Presentation, pseudonym: str) -> Presentation:
        """The same, under the name by which the roster that answered last knows the card or code."""
        identifier = presentation.identifier
        if identifier is None:
            return presentation
        known_as = self._roster.known_as(pseudonym)
        return msgspec.structs.replace(presentation, identifier=msgspec.structs.replace(identifier, pseudonym=known_as))

    def _by_code(self, unread: Presentation, pseudonym: str, moment: Moment) -> Presentation:
        """Whose the code is, if it may be tried and its PIN was right."""
        found = self._roster.code_of(pseudonym)
        unknown = self._known(unread, pseudonym)
        reason = unknown.refusal
        if self._tries is not None and not self._tries.allows(self._roster.forms(pseudonym), moment):
            reason = DenyReason.TOO_MANY_TRIES
        elif found is None and reason is None:  # taken away since its PIN was checked
            reason = DenyReason.WRONG_CODE
        if found is not None and reason is None:
            return msgspec.structs.replace(unknown, enrolment=found.enrolment(self._roster.known_as(pseudonym)))
        details: EventFields = {} if found is None else {"cardholder": found.cardholder.number}
        return msgspec.structs.replace(unknown, refusal=reason, details=details)

    def _own(self, unread: Presentation, pseudonym: str, moment: Moment) -> Presentation:
        """Whose the card is, or whose it is today."""
        found = self._roster.look_up(pseudonym)
        unknown = self._known(unread, pseudonym)
        if found is None and self._roster.is_revoked(pseudonym):
            return msgspec.structs.replace(unknown, refusal=DenyReason.CREDENTIAL_REVOKED)
        if found is None:
            return unknown
        card = found.cardholder.number
        if found.pool_card is not None:
            holder = found.pool_card.holder_at(moment)
        elif self._day_cards is not None and self._day_cards.pooled(card):
            loan = self._day_cards.out(moment).get(card)
            holder = None if loan is None else self._roster.find(loan.cardholder)
        else:
            return msgspec.structs.replace(unknown, enrolment=found)
        if holder is None:
            not_issued = DenyReason.DAY_CARD_NOT_ISSUED
            return msgspec.structs.replace(unknown, refusal=not_issued, details={"day_card": card})
        credential = msgspec.structs.replace(found.credential, cardholder=holder.number)
        enrolment = Enrolment(credential=credential, cardholder=holder)
        return msgspec.structs.replace(unknown, enrolment=enrolment, details={"day_card": card})

    def _guest(self, reader: str, mono_s: float) -> str | None:
        """Who waits at a reader for a colleague's tap."""
        guest = self._guests.get(reader)
        if guest is None:
            return None
        if mono_s >= guest.until_s:
            del self._guests[reader]
            return None
        return guest.number

    def _vouched(self, colleague: Presentation, number: str, moment: Moment, asked: Assurance) -> Presentation:
        """What a colleague's tap is for the guest; a refused one leaves the guest waiting for another's."""
        guest, identifier = self._roster.find(number), colleague.identifier
        if guest is None or identifier is None:  # gone from the roster meanwhile
            return msgspec.structs.replace(colleague, enrolment=None)
        reason = refusal(colleague, moment, asked) or self._may_not_vouch(colleague, number)
        if reason is None:
            del self._guests[colleague.reader]
        details = dict(colleague.details)
        if colleague.enrolment is not None:
            details["vouched_by"] = colleague.enrolment.cardholder.number
        credential = Credential(
            pseudonym=identifier.pseudonym, cardholder=guest.number, min_assurance=Assurance.VOUCHED
        )
        return msgspec.structs.replace(
            colleague,
            identifier=msgspec.structs.replace(identifier, assurance=Assurance.VOUCHED),
            enrolment=Enrolment(credential=credential, cardholder=guest),
            refusal=reason,
            details=details,
        )

    def _may_not_vouch(self, colleague: Presentation, guest: str) -> DenyReason | None:
        levels = frozenset() if self._vouching is None else self._vouching.levels
        if colleague.enrolment is not None:
            cardholder = colleague.enrolment.cardholder
            if cardholder.number != guest and levels.intersection(cardholder.levels):
                return None
        return DenyReason.MAY_NOT_VOUCH

"""A roster in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from kazasu.model.access import Assurance, Cardholder, Credential, Enrolment
from kazasu.model.code import CodeHolder, KeptPin, lifted
from kazasu.model.day_card import PoolCard

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kazasu.model.day_card import Loan
    from kazasu.model.pepper import Pepper


class FakeRoster:
    """Implements the Roster seam."""

    def __init__(self, enrolments: Iterable[Enrolment] = ()) -> None:
        self.version = 0
        self.made_s: int | None = None
        self._enrolments: dict[str, Enrolment] = {}
        self._codes: dict[str, tuple[str, KeptPin]] = {}
        self._revoked: set[str] = set()
        self._pool: dict[str, Loan | None] = {}
        self._pepper: Pepper | None = None
        for enrolment in enrolments:
            self.enroll(enrolment)

    def lay_over(self, pepper: Pepper) -> None:
        """Be another roster of the same people, under the newest layer of a pepper; from under the first one."""
        first, newest = pepper.ids[0], pepper.newest
        held, codes = self._enrolments.values(), self._codes.items()
        self._pepper, self._enrolments = pepper, {}
        for enrolment in list(held):
            laid = pepper.lifted(enrolment.credential.pseudonym, first, newest)
            credential = msgspec.structs.replace(enrolment.credential, pseudonym=laid)
            self.enroll(msgspec.structs.replace(enrolment, credential=credential))
        self._codes = {
            pepper.lifted(code, first, newest): (number, lifted(kept, pepper, first, newest))
            for code, (number, kept) in codes
        }

    def known_as(self, pseudonym: str) -> str:
        return self.forms(pseudonym)[-1]

    def forms(self, pseudonym: str) -> tuple[str, ...]:
        return (pseudonym,) if self._pepper is None else self._pepper.forms(pseudonym)

    def look_up(self, pseudonym: str) -> Enrolment | None:
        found = None if self.is_revoked(pseudonym) else self._enrolments.get(self.known_as(pseudonym))
        if found is None or found.cardholder.number not in self._pool:
            return found
        loan = self._pool[found.cardholder.number]
        return msgspec.structs.replace(found, pool_card=PoolCard(loan, loan and self.find(loan.cardholder)))

    def is_revoked(self, pseudonym: str) -> bool:
        return not self._revoked.isdisjoint(self.forms(pseudonym))

    def find(self, number: str) -> Cardholder | None:
        holders = (enrolment.cardholder for enrolment in self._enrolments.values())
        return next((holder for holder in holders if holder.number == number), None)

    def code_of(self, pseudonym: str) -> CodeHolder | None:
        number, kept = self._codes.get(self.known_as(pseudonym), (None, None))
        holder = None if number is None else self.find(number)
        layer = None if self._pepper is None else self._pepper.newest
        return None if holder is None or kept is None else CodeHolder(cardholder=holder, kept=kept, layer=layer)

    def pool(self) -> dict[str, Loan | None]:
        return dict(self._pool)

    def lend(self, card: str, loan: Loan | None) -> None:
        """The site lends a card of its pool, or takes it back."""
        self._pool[card] = loan
        self.version += 1

    def set_code(self, number: str, pseudonym: str, kept: KeptPin) -> None:
        """Give a person a code."""
        self._codes[pseudonym] = (number, kept)
        self.version += 1

    def revoke(self, pseudonym: str) -> None:
        """Take a credential back."""
        self._revoked.add(pseudonym)

    def enroll(self, enrolment: Enrolment) -> None:
        """Add or change one credential."""
        self._enrolments[enrolment.credential.pseudonym] = enrolment
        self.version += 1


def person(
    number: str,
    pseudonym: str,
    min_assurance: Assurance = Assurance.SERIAL,
    name: str = "",
    levels: tuple[str, ...] = (),
) -> Enrolment:
    """Make an enrolment without limits of time."""
    return Enrolment(
        credential=Credential(pseudonym=pseudonym, cardholder=number, min_assurance=min_assurance),
        cardholder=Cardholder(number=number, name=name or f"Person {number}", levels=levels),
    )

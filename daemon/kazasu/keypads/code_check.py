"""Whose a code and a PIN are: one read, as of a card.

Whether the code may still be tried, the terminal decides afterwards (presenting.py), so a code that nobody has, a wrong
PIN and one try too many have all cost the same hash by then. A hash is slow on purpose, in the thread for codes, and
nobody who taps waits for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

from kazasu.errors import RosterError
from kazasu.model.access import Assurance, DenyReason, Identifier
from kazasu.model.code import KIND, Checked, check, code_pseudonym, digest, pin_secret
from kazasu.model.input import CardRead

if TYPE_CHECKING:
    from collections.abc import Callable

    from kazasu.model.code import CodeHolder, Pseudonyms
    from kazasu.model.pepper import Pepper


class Entered(NamedTuple):
    """What the site's pepper made of an entry; what was entered is in it no more.

    Attributes:
        pseudonym: of the code.
        secret: of the PIN.
    """

    pseudonym: str
    secret: str

    def __repr__(self) -> str:
        """Rule 7: few digits are soon guessed."""
        return "Entered(…)"


class CodeCheck:
    """The thread for codes only.

    Args:
        reader: the name of the reader at which an entry counts.
        holder: whose a code's pseudonym is; raises RosterError.
        peppered: what the first layer of the site's pepper makes of codes and PINs.
        pepper: all layers: what is kept of a PIN may be under a later one.
        hashed: makes a slow hash of a PIN's secret and a salt.
    """

    def __init__(
        self,
        reader: str,
        holder: Callable[[str], CodeHolder | None],
        peppered: Pseudonyms,
        pepper: Pepper,
        hashed: Callable[[str, bytes], bytes] = digest,
    ) -> None:
        self._reader = reader
        self._holder = holder
        self._peppered = peppered
        self._pepper = pepper
        self._hashed = hashed

    def entered(self, code: bytearray, pin: bytearray) -> Entered:
        """Take over what was entered, so that it can be wiped."""
        code_digits, pin_digits = code.decode("ascii"), pin.decode("ascii")
        return Entered(code_pseudonym(self._peppered, code_digits), pin_secret(self._peppered, code_digits, pin_digits))

    def read(self, entered: Entered) -> CardRead:
        """Say what it is."""
        identifier = Identifier(kind=KIND, pseudonym=entered.pseudonym, assurance=Assurance.CODE)
        try:
            holder = self._holder(entered.pseudonym)
        except RosterError as error:
            unreadable = DenyReason.ROSTER_UNREADABLE
            return CardRead(reader=self._reader, identifier=identifier, refusal=unreadable, detail=str(error))
        first = self._pepper.ids[0]
        layer = first if holder is None or holder.layer is None else holder.layer

        def hashed(secret: str, salt: bytes) -> bytes:
            return self._pepper.lifted_pin(self._hashed(secret, salt), first, layer)

        match check(entered.secret, None if holder is None else holder.kept, hashed):
            case Checked.WRONG:
                return CardRead(reader=self._reader, identifier=identifier, refusal=DenyReason.WRONG_CODE)
            case Checked.DURESS:
                identifier = msgspec.structs.replace(identifier, duress=True)
        return CardRead(reader=self._reader, identifier=identifier)

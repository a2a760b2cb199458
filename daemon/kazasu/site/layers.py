"""A roster's text under a later layer of the site's pepper (model/pepper.py), in constant memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kazasu.errors import RosterError
from kazasu.model.code import KeptPin, lifted
from kazasu.model.pepper import LayerNotHeld
from kazasu.model.roster_text import CARD, CODE, code_line
from kazasu.store.roster_lines import put_in_order

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from kazasu.model.pepper import Pepper


class Lift:
    """The way from one layer to the same or a later one.

    Args:
        pepper: the site's.
        since: the layer that something is under.
        to: the one that it is to be under.

    Raises:
        RosterError: there is none: the site does not hold one of them, or the other is older.
    """

    def __init__(self, pepper: Pepper, since: str, to: str) -> None:
        try:
            leads = pepper.place_of(since) <= pepper.place_of(to)
        except LayerNotHeld as error:
            raise RosterError(f"{error}: bring keys/pepper.key or pepper.id back from its backup") from error
        if not leads:
            raise RosterError(
                f"what was published is under the layer {since} of the pepper already, and the files are under {to}, to"
                " which nothing leads back: bring pepper.id and roster/ back as they were"
            )
        self._pepper, self._since, self._to = pepper, since, to

    @property
    def is_certain(self) -> bool:
        """Whether there is no third layer that something could be under."""
        return len(self._pepper.ids) == 1

    def pseudonym(self, pseudonym: str) -> str:
        """What a card or a code is called."""
        return self._pepper.lifted(pseudonym, self._since, self._to)

    def kept(self, kept: KeptPin) -> KeptPin:
        """What is kept of a person's PINs."""
        return lifted(kept, self._pepper, self._since, self._to)

    def line(self, line: bytes) -> bytes:
        """A line of a roster's text (model/roster_text.py)."""
        kind, *fields = line.split(b"\t")
        if kind == CARD:
            return b"\t".join([kind, self._pseudonym_in(fields[0]), *fields[1:]])
        if kind == CODE:
            _, code, number, salt, *digests = line.decode().removesuffix("\n").split("\t")
            digest, duress = map(bytes.fromhex, digests)
            kept = self.kept(KeptPin(salt=bytes.fromhex(salt), digest=digest, duress_digest=duress or None))
            known_as = bytes.fromhex(self.pseudonym(code))
            return code_line(known_as, number, kept.salt, kept.digest, kept.duress_digest)
        return line

    def lines(self, lines: Iterable[bytes], store: Path) -> Iterator[bytes]:
        """A roster's text, in order again.

        Args:
            lines: the text.
            store: where there is room to sort them; made, and left.
        """
        return put_in_order(map(self.line, lines), store) if self._since != self._to else iter(lines)

    def _pseudonym_in(self, field: bytes) -> bytes:
        return self.pseudonym(field.decode()).encode()

"""Which card is it: the configured kinds, asked in turn, strongest assurance first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kazasu.cards.atr import is_type_b
from kazasu.cards.channel import folded
from kazasu.cards.guard import AllowList, Guarded
from kazasu.errors import CardRefused
from kazasu.model.access import DenyReason

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kazasu.cards.kind import CardKind
    from kazasu.model.access import Assurance, Identifier
    from kazasu.ports.readers import CardChannel


class CardKinds:
    """Asks each kind whether the card is its own. Implements ports.readers.CardIdentifier.

    A card that answers to two kinds gives the identifier of the stronger one; of two equals, of the one named first.

    Args:
        kinds: as the configuration names them.
    """

    def __init__(self, kinds: Iterable[CardKind]) -> None:
        self.kinds = tuple(sorted(kinds, key=lambda kind: -kind.reach))
        self._allowed = AllowList(kind.allow for kind in self.kinds)

    def reach_of(self, name: str) -> Assurance:
        """The most that a card of a kind can prove here."""
        return max(kind.reach for kind in self.kinds if kind.name == name)

    def identify(self, channel: CardChannel, atr: bytes) -> Identifier:
        """See ports.readers.CardIdentifier."""
        to_card = folded(Guarded(channel, self._allowed))
        for kind in self.kinds:
            identifier = kind.read(to_card, atr)
            if identifier is not None:
                return identifier
        if is_type_b(atr):
            # A driving licence or a residence card, say. All that is left to read is the PUPI, random each time.
            raise CardRefused(DenyReason.NO_STABLE_NUMBER, "this card has no stable number")
        raise CardRefused(DenyReason.FOREIGN_CARD, "no card that this terminal reads")

"""The seam of a card kind: one file a kind, put together in app.py."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from kazasu.cards.guard import Allowance
    from kazasu.model.access import Identifier
    from kazasu.ports import CardChannel


class CardKind(Protocol):
    """Reads one kind of card. The reader's thread only.

    Attributes:
        name: as in `Identifier.kind` and in the configuration's `cards.kinds`.
        allow: everything that `read` may send.
    """

    @property
    def name(self) -> str: ...  # noqa: D102

    @property
    def allow(self) -> Allowance: ...  # noqa: D102

    def read(self, channel: CardChannel, atr: bytes) -> Identifier | None:
        """Read the card.

        Args:
            channel: to the card; guarded, status words folded.
            atr: what the reader made of the card's first answer, 2 to 33 bytes.

        Returns:
            None if it is not a card of this kind.

        Raises:
            CardError: it is one, and is gone, refused or answers nonsense.
        """
        ...

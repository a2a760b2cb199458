"""What reads cards: the card's channel, who knows kinds of cards, what a card has to prove, where a PIN comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from kazasu.model.access import Assurance, Identifier


class CardChannel(Protocol):
    """The card seam: bytes in, bytes and status word out. The reader's thread only."""

    def transmit(self, apdu: bytes) -> tuple[bytes, int]:
        """Send one command APDU.

        Args:
            apdu: 4 to 65,544 bytes.

        Returns:
            The response data (0 to 65,536 bytes) and the status word, 0x0000 to 0xFFFF.

        Raises:
            CardGone: the card left the field.
            ReaderUnavailable: the reader or pcscd is gone.
            ForbiddenApdu: the APDU is not on the allow-list.
        """
        ...


class CardIdentifier(Protocol):
    """Reads whatever card is in the field, with the strongest kind that it answers to. The reader's thread only."""

    def identify(self, channel: CardChannel, atr: bytes) -> Identifier:
        """Read one card.

        Raises:
            CardError: the card is gone, refused or answers nonsense.
        """
        ...


class Demand(Protocol):
    """What a card has to prove now, asked while it is in the field. The reader's thread only."""

    def of(self, pseudonym: str | None) -> Assurance:
        """The least that policy, and this card's enrolment if it has one, ask for.

        Args:
            pseudonym: the card, once it is known which; None before.
        """
        ...


class PinSource(Protocol):
    """Where people enter their card's PIN. The reader's thread only."""

    def ask(self, tries_left: int, length: range, meanwhile: Callable[[], None]) -> str | None:
        """Wait for one PIN, while the card is in the field. Whoever gets it uses it at once and keeps it nowhere.

        Args:
            tries_left: that the card still allows, this one included.
            length: how many digits it may have.
            meanwhile: called twice a second, to see that the card is still there; what it raises ends the wait.

        Returns:
            ASCII digits, as they were entered; None if nobody finished in time.

        Raises:
            CardGone: from `meanwhile`.
        """
        ...

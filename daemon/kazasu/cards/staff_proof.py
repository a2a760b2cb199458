"""What a staff application proves: nothing, that it holds the key derived for this card, or a certified key."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from kazasu.cards import status
from kazasu.errors import CardRefused
from kazasu.model.access import Assurance, DenyReason

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kazasu.cards.guard import Scope, Template
    from kazasu.ports.readers import CardChannel

ALL: Final = b"\x00"
"""Le of zeros: all there is (ISO/IEC 7816-4:2020, 5.2)."""


class Proven(NamedTuple):
    """What a proof has come to: whose key it is.

    Attributes:
        card: what the key belongs to, if that is not the staff number itself: then the identifier is this card's, since
            who has one card could show it beside another number. Empty otherwise, and without a key.
        number: the staff number, if the proof is what names it.
    """

    card: tuple[bytes, ...] = ()
    number: str | None = None


class Proof(Protocol):
    """Asks the card for its proof. The reader's thread only.

    Attributes:
        assurance: what it proves.
        templates: what it sends, in the application.
        inner: the files that it reads.
        why_not_more: as in `Identifier`.
    """

    @property
    def assurance(self) -> Assurance: ...  # noqa: D102

    @property
    def templates(self) -> tuple[Template, ...]: ...  # noqa: D102

    @property
    def inner(self) -> tuple[Scope, ...]: ...  # noqa: D102

    @property
    def why_not_more(self) -> str: ...  # noqa: D102

    def first(self, channel: CardChannel) -> dict[str, bytes]:
        """Read what has to be read before the steps, since they may select the file of a key.

        Returns:
            By the name under which the profile knows it.

        Raises:
            CardRefused: the card does not have it.
            CardError: see ports.readers.CardChannel.
        """
        ...

    def of(self, channel: CardChannel, answers: Mapping[str, bytes]) -> Proven:
        """Take the proof.

        Args:
            channel: to the card, which has the application selected.
            answers: to the steps, by name; and what `first` read.

        Raises:
            CardRefused: the card has not proved its key (AUTHENTICATION_FAILED), or what it gave beside is of no use.
            CardError: see ports.readers.CardChannel.
        """
        ...


class NoProof:
    """The number alone, which anybody can copy. Implements Proof."""

    assurance = Assurance.SERIAL
    templates: tuple[Template, ...] = ()
    inner: tuple[Scope, ...] = ()
    why_not_more = "the profile asks the card for no key, and a number alone can be copied"

    def first(self, channel: CardChannel) -> dict[str, bytes]:
        """See Proof."""
        return {}

    def of(self, channel: CardChannel, answers: Mapping[str, bytes]) -> Proven:
        """See Proof."""
        return Proven()


def answer_to(channel: CardChannel, command: bytes) -> bytes:
    """What the card answers to a challenge.

    Args:
        channel: to the card.
        command: with the challenge, and an Le.

    Raises:
        CardRefused: it answers with any status word but 9000.
    """
    data, sw = channel.transmit(command)
    if sw != status.SUCCESS:
        raise failed(f"it answered the challenge with {sw:04X}: {status.meaning(sw)}")
    return data


def failed(detail: str) -> CardRefused:
    """The refusal of a card that has not proved its key."""
    return CardRefused(DenyReason.AUTHENTICATION_FAILED, f"the card has not proved its key: {detail}")


def same(one: bytes, other: bytes) -> bool:
    """Whether two answers are the same, in a time that does not tell how nearly."""
    return hmac.compare_digest(one, other)

"""A card in the field, in this process: what passes between reader and card is kept and counted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from kazasu.errors import CardGone

if TYPE_CHECKING:
    from collections.abc import Callable


class AnswersApdus(Protocol):
    """What a VirtualCard does, as far as a channel needs it."""

    def transmit(self, apdu: bytes) -> bytes: ...


class FakeCardChannel:
    """Implements the CardChannel seam over a virtual card.

    Args:
        card: who answers.
        remove_at: the number of the APDU, from 1, with which the card leaves the field for good; None if it stays.
    """

    def __init__(self, card: AnswersApdus, remove_at: int | None = None) -> None:
        self._card = card
        self._remove_at = remove_at
        self.sent: list[bytes] = []
        self.air_bytes = 0  # both directions, status words included

    def transmit(self, apdu: bytes) -> tuple[bytes, int]:
        self.sent.append(apdu)
        if self._remove_at is not None and len(self.sent) >= self._remove_at:
            raise CardGone("the card left the field")
        answer = self._card.transmit(apdu)
        self.air_bytes += len(apdu) + len(answer)
        return answer[:-2], int.from_bytes(answer[-2:])


class ScriptedCard:
    """A card that answers as a function says: for what no virtual card does.

    Args:
        answer: from the APDU to data and status word.
    """

    def __init__(self, answer: Callable[[bytes], bytes]) -> None:
        self._answer = answer

    def transmit(self, apdu: bytes) -> bytes:
        return self._answer(apdu)


def scripted(*answers: str) -> ScriptedCard:
    """A card that gives these answers in turn, hexadecimal with status word, and fails the test if asked for more."""
    rest = iter(answers)
    return ScriptedCard(lambda _: bytes.fromhex(next(rest)))

"""A card channel without pcscd: for tests of what reads cards."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kazasu.errors import CardGone

if TYPE_CHECKING:
    from collections.abc import Callable


class InProcessChannel:
    """Implements ports.CardChannel over a function.

    Args:
        answer: response with status word to an APDU; None means that the card is pulled away instead of answering.
    """

    def __init__(self, answer: Callable[[bytes], bytes | None]) -> None:
        self._answer = answer
        self._gone = False
        self.apdus: list[bytes] = []

    def transmit(self, apdu: bytes) -> tuple[bytes, int]:
        if self._gone:
            raise CardGone("the card left the field")
        self.apdus.append(apdu)
        response = self._answer(apdu)
        if response is None:
            self._gone = True
            raise CardGone("the card left the field")
        return response[:-2], int.from_bytes(response[-2:])

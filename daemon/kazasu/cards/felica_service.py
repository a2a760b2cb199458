"""The number in a service block of a FeliCa card that anybody may read: a card of a university or of an employer.

Anybody can also copy it, so it proves `serial`, as the IDm does; it stays when the card is replaced.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kazasu.cards.felica_frames import (
    NO_SUCH_SERVICE,
    CardStatus,
    another_card,
    blocks_read,
    polled,
    polling,
    reading,
    same_card,
)
from kazasu.cards.felica_transport import NoAnswer
from kazasu.cards.staff_number import number_of

if TYPE_CHECKING:
    from kazasu.cards.felica import ServiceBlock
    from kazasu.cards.felica_transport import Exchange


class NoSuchService(Exception):
    """The card has it not, as far as anybody can tell: who has not a system keeps silent when it is called."""


class ServiceNumber:
    """Reads the number.

    Args:
        place: where it stands.
    """

    def __init__(self, place: ServiceBlock) -> None:
        self._place = place
        self._service = bytes.fromhex(place.service)
        self.system = bytes.fromhex(place.system)
        self.poll = polling(self.system)
        self.read_block = reading(self._service, [place.block])

    @property
    def parts(self) -> tuple[bytes, bytes]:
        """What the number counts within: system and service, 2 bytes each."""
        return self.system, self._service

    def read(self, exchange: Exchange, idm: bytes) -> str:
        """Read it.

        Args:
            exchange: to the card.
            idm: under which the reader knows the card.

        Returns:
            At least one character, none of them of control.

        Raises:
            NoSuchService: the card has not the service; or it does not answer to the system, or is gone.
            CardRefused: another card answered, or the number is blank or not written so.
            CardError: the card says no, or is gone.
        """
        try:
            here = polled(exchange(self.poll.filled())).idm
        except NoAnswer as error:
            raise NoSuchService from error
        if not same_card(here, idm):
            raise another_card()
        try:
            (block,) = blocks_read(exchange(self.read_block.filled(here)), here, 1, "reading the service block")
        except CardStatus as error:
            if error.flag_2 == NO_SUCH_SERVICE:
                raise NoSuchService from error
            raise
        place = self._place
        return number_of(block[place.offset : place.offset + place.length], place.encoding)

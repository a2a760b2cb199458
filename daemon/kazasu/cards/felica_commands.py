"""What is asked of a FeliCa card beside its IDm: the proof of a FeliCa Lite-S, or a readable number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from kazasu.cards import status
from kazasu.cards.felica_frames import EVERY_SYSTEM, another_card, polled, polling, same_card
from kazasu.cards.felica_lite_s import READ_WITH_MAC, WRITE_CHALLENGE, CardKey, NotOurs, is_lite_s
from kazasu.cards.felica_service import NoSuchService, ServiceNumber
from kazasu.cards.felica_transport import NoAnswer, Transport
from kazasu.cards.guard import Allowance
from kazasu.model.access import Assurance

if TYPE_CHECKING:
    from collections.abc import Callable

    from kazasu.cards.felica import Settings
    from kazasu.cards.felica_transport import Exchange
    from kazasu.cards.kind import Tools
    from kazasu.ports.readers import CardChannel

_GET_PMM: Final = bytes.fromhex("FFCA010000")  # kept by the reader since it found the card
_PMM_BYTES: Final = 8
_WHO_IS_THERE: Final = polling(EVERY_SYSTEM)
_NO_LITE_S: Final = "this is no FeliCa Lite-S, and its number can be copied"


class Found(NamedTuple):
    """What the card came to.

    Attributes:
        number: the parts of its pseudonym.
        assurance: what it proved.
        why_not_more: as in `Identifier`.
    """

    number: tuple[bytes, ...]
    assurance: Assurance = Assurance.SERIAL
    why_not_more: str = ""

    def __repr__(self) -> str:
        """Without the number."""
        return f"Found({self.assurance.word})"


class FelicaCommands:
    """Asks, through the reader.

    Args:
        key: with which a FeliCa Lite-S proves itself, if there is one.
        number: where a readable number stands, if one is to be read.
        random: for challenges.
    """

    def __init__(self, key: CardKey | None, number: ServiceNumber | None, random: Callable[[int], bytes]) -> None:
        self._key = key
        self._number = number
        self._random = random
        frames = [_WHO_IS_THERE]
        if key is not None:
            frames += [WRITE_CHALLENGE, READ_WITH_MAC]
        if number is not None:
            frames += [number.poll, number.read_block]
        self._transport = Transport(frames)

    @classmethod
    def of(cls, settings: Settings, tools: Tools) -> FelicaCommands:
        """As the configuration has it.

        Raises:
            KeyMaterialError: see `CardKey`, and `KeyRing.get`.
        """
        key = number = None
        if settings.key is not None:
            key = CardKey(tools.keys.get(settings.key), diversified=settings.diversification == "sony")
        if settings.service_block is not None:
            number = ServiceNumber(settings.service_block)
        return cls(key, number, tools.random)

    @property
    def reach(self) -> Assurance:
        """The most that a card can prove."""
        return Assurance.SERIAL if self._key is None else Assurance.CHALLENGE

    @property
    def allow(self) -> Allowance:
        """Everything that `read` may send."""
        by_reader = self._transport.allow
        commands = by_reader.commands if self._key is None else by_reader.commands | {_GET_PMM}
        return Allowance(scopes=by_reader.scopes, commands=commands, templates=by_reader.templates)

    def read(self, channel: CardChannel, atr: bytes, idm: bytes) -> Found:
        """Ask the card.

        Args:
            channel: to it.
            atr: its own.
            idm: under which the reader knows it.

        Raises:
            CardRefused: it cannot prove the site's key, another card answered, or answers do not fit.
            CardError: it is gone, or says no.
        """
        lite_s = self._tells_lite_s(channel)
        if lite_s is False and self._number is None:
            return Found((idm,), why_not_more=_NO_LITE_S)
        found = self._transport.talk(channel, atr, lambda exchange: self._ask(exchange, idm, lite_s=lite_s))
        return found or Found((idm,), why_not_more="this reader takes no FeliCa commands, and its number can be copied")

    def _tells_lite_s(self, channel: CardChannel) -> bool | None:
        """Whether it is a FeliCa Lite-S, from the reader's memory; None if that does not hold the PMm."""
        if self._key is None:
            return False
        pmm, sw = channel.transmit(_GET_PMM)
        return is_lite_s(pmm) if sw == status.SUCCESS and len(pmm) == _PMM_BYTES else None

    def _ask(self, exchange: Exchange, idm: bytes, *, lite_s: bool | None) -> Found:
        try:
            if lite_s is None:
                lite_s = is_lite_s(_present(exchange, idm))
            if self._key is not None and lite_s:
                return self._proof(self._key, exchange, idm)
            return self._readable_number(exchange, idm)
        except NoAnswer:
            _present(exchange, idm)
            raise

    def _proof(self, key: CardKey, exchange: Exchange, idm: bytes) -> Found:
        try:
            key.prove(exchange, idm, self._random)
        except NotOurs as error:
            return Found((idm,), why_not_more=str(error))
        return Found((idm,), Assurance.CHALLENGE)

    def _readable_number(self, exchange: Exchange, idm: bytes) -> Found:
        why = "a number that anybody may read can be copied" if self._key is None else _NO_LITE_S
        if self._number is None:
            return Found((idm,), why_not_more=why)
        try:
            number = self._number.read(exchange, idm)
        except NoSuchService:
            _present(exchange, idm)
            return Found((idm,), why_not_more="the card has no such service block, and its IDm can be copied")
        return Found((*self._number.parts, number.encode()), why_not_more=why)


def _present(exchange: Exchange, idm: bytes) -> bytes:
    """See that the card is there, and no other.

    Returns:
        Its PMm, 8 bytes.

    Raises:
        NoAnswer: it is gone.
        CardRefused: another card answers.
    """
    who = polled(exchange(_WHO_IS_THERE.filled()))
    if not same_card(who.idm, idm):
        raise another_card()
    return who.pmm

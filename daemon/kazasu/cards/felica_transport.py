"""How a FeliCa command gets through a PC/SC reader; there are three ways, and each reader has one of them.

- The transparent session of the PC/SC specification, part 3, supplement 2.02: Manage Session, Switch Protocol and
  Transparent Exchange (Sony RC-S300 and RC-S380).
- ACR1252U: `FF 00 00 00 Lc` and the frame (ACS, ACR1252U Application Programming Interface, "Accessing FeliCa Tags").
- ACR122U: the same with the frame inside the reader chip's InDataExchange (ACS, ACR122U Application Programming
  Interface, "How to access FeliCa tags"). Only here the ATR tells which reader it is.

Whether a reader has a way is seen by using it: its first command is either taken or refused at once by the reader, and
the way that was taken last is tried first. So finding it costs a tap nothing. Each wrapped frame is on the allow-list
byte for byte, but for the gaps of the frame.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

from kazasu.cards import status
from kazasu.cards.atr import FELICA, storage_card
from kazasu.cards.channel import unexpected
from kazasu.cards.felica_frames import unreadable
from kazasu.cards.guard import Allowance, Scope, Template
from kazasu.errors import CardError, CardGone, ReaderUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from kazasu.cards.felica_frames import Frame
    from kazasu.ports.readers import CardChannel

_Told = TypeVar("_Told")

# PC/SC part 3, supplement 2.02, 2.2 to 2.4.
_START: Final = bytes.fromhex("FFC20000028100" + "00")
_END: Final = bytes.fromhex("FFC20000028200" + "00")
_SWITCH_TO_FELICA: Final = bytes.fromhex("FFC20002048F020300" + "00")
_EXCHANGE: Final = bytes.fromhex("FFC20001")
_LE: Final = b"\x00"
_TRANSCEIVE, _ERROR, _ANSWER = 0x95, 0xC0, 0x97
_ERROR_BYTES: Final = 3  # which data object failed, SW1, SW2
_LONG_LENGTH: Final = 0x81

_DIRECT: Final = bytes.fromhex("FF000000")
_PN532_EXCHANGE: Final = bytes.fromhex("D44001")  # NXP UM0701-02, 7.3.8
_PN532_ANSWER: Final = bytes.fromhex("D541")

# The reader had no answer from the card: execution error without a response from the card (PC/SC part 3, supplement
# 2.02, table of error codes), and what ACS readers say to every failure.
_NO_ANSWER: Final = frozenset({0x6401, 0x6300})
_FAULTLESS: Final = frozenset({0x0000, status.SUCCESS})


class NoAnswer(CardGone):
    """The card did not answer a command that the reader sent it."""


class NotThisWay(CardError):
    """The reader does not take FeliCa commands in this way."""


class Exchange(Protocol):
    """Sends a frame to the card; the reader's thread only."""

    def __call__(self, frame: bytes) -> bytes:
        """Send one frame.

        Returns:
            The card's, with its length.

        Raises:
            NoAnswer: no card answered.
            CardError: see ports.readers.CardChannel.
        """
        ...


class _Way(Protocol):
    def allowance(self, frames: Iterable[Frame]) -> Allowance: ...

    def session(self, channel: CardChannel) -> contextlib.AbstractContextManager[Exchange]: ...


class Transport:
    """Sends FeliCa commands by the way that the reader has; one for all connections of the process.

    Args:
        frames: everything that will be sent.
    """

    def __init__(self, frames: Iterable[Frame]) -> None:
        self._frames = tuple(frames)
        self._ways: list[_Way] = [_TransparentSession(), _Direct()]
        self._acr122u: _Way = _Direct(_PN532_EXCHANGE, _PN532_ANSWER)

    @property
    def allow(self) -> Allowance:
        """The frames, wrapped as each of the ways does."""
        allowances = [way.allowance(self._frames) for way in (*self._ways, self._acr122u)]
        return Allowance(
            scopes=tuple(scope for allowance in allowances for scope in allowance.scopes),
            commands=frozenset[bytes]().union(*(allowance.commands for allowance in allowances)),
            templates=tuple(template for allowance in allowances for template in allowance.templates),
        )

    def talk(self, channel: CardChannel, atr: bytes, conversation: Callable[[Exchange], _Told]) -> _Told | None:
        """Have a conversation with the card.

        Args:
            channel: to the card.
            atr: the card's.
            conversation: begun anew with the next way if the reader refuses the first command.

        Returns:
            What the conversation came to; None if the reader has no way at all.

        Raises:
            NoAnswer: a command had no answer.
            CardError: what the conversation raises; see also ports.readers.CardChannel.
        """
        card = storage_card(atr)
        by_atr = card is not None and card.standard != FELICA
        for way in [self._acr122u] if by_atr else list(self._ways):
            try:
                with way.session(channel) as exchange:
                    told = conversation(exchange)
            except NotThisWay:
                continue
            if way is not self._ways[0] and way in self._ways:
                self._ways.reverse()
            return told
        return None


class _TransparentSession:
    def allowance(self, frames: Iterable[Frame]) -> Allowance:
        templates = tuple(
            Template((_EXCHANGE + bytes([frame.length + 2, _TRANSCEIVE, frame.length]), *frame.parts, _LE))
            for frame in frames
        )
        within = Scope(opens=_START, commands=frozenset({_SWITCH_TO_FELICA}), templates=templates)
        return Allowance(scopes=(within,), commands=frozenset({_END}))

    @contextlib.contextmanager
    def session(self, channel: CardChannel) -> Iterator[Exchange]:
        _managed(channel, _START)
        try:
            _managed(channel, _SWITCH_TO_FELICA)
            yield lambda frame: self._exchange(channel, frame)
        except BaseException:
            # Whatever ended the conversation is what has to be told.
            with contextlib.suppress(CardError, ReaderUnavailable):
                channel.transmit(_END)
            raise
        channel.transmit(_END)

    def _exchange(self, channel: CardChannel, frame: bytes) -> bytes:
        wrapped = bytes([_TRANSCEIVE, len(frame)]) + frame
        data, sw = channel.transmit(_EXCHANGE + bytes([len(wrapped)]) + wrapped + _LE)
        if sw == status.SUCCESS:
            objects = _objects(data)
            sw = _fault(objects)
            if sw in _FAULTLESS:
                answer = objects.get(_ANSWER)
                if not answer:
                    raise NoAnswer("the card did not answer")
                return answer
        raise _failure(sw)


class _Direct:
    """Args: what stands before a frame, and what before an answer, where a status byte follows it."""

    def __init__(self, before: bytes = b"", answered: bytes = b"") -> None:
        self._before = before
        self._answered = answered

    def allowance(self, frames: Iterable[Frame]) -> Allowance:
        templates = tuple(
            Template((_DIRECT + bytes([len(self._before) + frame.length]) + self._before, *frame.parts))
            for frame in frames
        )
        return Allowance(templates=templates)

    @contextlib.contextmanager
    def session(self, channel: CardChannel) -> Iterator[Exchange]:
        taken = False

        def exchange(frame: bytes) -> bytes:
            nonlocal taken
            wrapped = self._before + frame
            data, sw = channel.transmit(_DIRECT + bytes([len(wrapped)]) + wrapped)
            if sw == status.SUCCESS:
                taken = True
                return self._unwrapped(data)
            if sw not in _NO_ANSWER and not taken:
                raise NotThisWay("the reader does not take this command")
            raise _failure(sw)

        yield exchange

    def _unwrapped(self, data: bytes) -> bytes:
        if self._answered:
            if not data.startswith(self._answered) or len(data) <= len(self._answered):
                raise unreadable("the reader's answer is none to the command")
            if data[len(self._answered)]:
                raise NoAnswer("the card did not answer")
            data = data[len(self._answered) + 1 :]
        if not data:
            raise NoAnswer("the card did not answer")
        return data


def _managed(channel: CardChannel, command: bytes) -> None:
    """Have the reader change its session.

    Raises:
        NotThisWay: it says no.
    """
    data, sw = channel.transmit(command)
    if sw != status.SUCCESS or _fault(_objects(data)) not in _FAULTLESS:
        raise NotThisWay("the reader has no transparent session")


def _failure(sw: int) -> CardError:
    if sw in _NO_ANSWER:
        return NoAnswer("the card did not answer")
    return unexpected("sending the card a command", sw)


def _fault(objects: dict[int, bytes]) -> int:
    """The status word among the reader's data objects."""
    error = objects.get(_ERROR, b"\x00\x90\x00")
    if len(error) != _ERROR_BYTES:
        raise unreadable("the reader's answer names no error code")
    return int.from_bytes(error[1:])


def _objects(data: bytes) -> dict[int, bytes]:
    """A reader's data objects: one-byte tags, lengths of one byte or 81 and one byte."""
    objects = {}
    at = 0
    while at < len(data):
        length_at = at + 1
        if data[length_at : length_at + 1] == bytes([_LONG_LENGTH]):
            length_at += 1
        value_at = length_at + 1
        if value_at > len(data) or value_at + data[length_at] > len(data):
            raise unreadable("the reader's answer ends in the middle of a data object")
        objects[data[at]] = data[value_at : value_at + data[length_at]]
        at = value_at + data[length_at]
    return objects

"""What stands between a card kind and the guarded channel: a kind asks for what it wants and gets it, or an error.

Each delegate is a CardChannel over another one; `folded` puts them together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from kazasu.cards import status
from kazasu.cards.guard import select_application, select_file
from kazasu.errors import CardError, CardRefused, UnexpectedStatus
from kazasu.model.access import DenyReason

if TYPE_CHECKING:
    from kazasu.ports.readers import CardChannel

SHORT_READ_BYTES: Final = 256  # what Le = 00 asks for (ISO/IEC 7816-4:2020, 5.2)
_MOST_APDUS: Final = 200  # eight kilobytes in pieces of 64 bytes, and what it takes to get there
_CASE_2_BYTES: Final = 5  # header and Le
_EXTENDED_CASE_2_BYTES: Final = 7
_READ_BINARY: Final = b"\x00\xb0"
_MORE: Final = 0x61
_WRONG_LE: Final = 0x6C


def folded(channel: CardChannel) -> CardChannel:
    """The channel that a card kind talks to.

    Args:
        channel: the guarded one of this connection.
    """
    return StatusFolding(FirstAgain(Limited(channel)))


class Limited:
    """Ends a connection that takes too long. Implements CardChannel.

    A card that hands out its bytes one by one, or announces more and never ends, would keep the next person waiting.
    """

    __slots__ = ("_channel", "_left")

    def __init__(self, channel: CardChannel) -> None:
        self._channel = channel
        self._left = _MOST_APDUS

    def transmit(self, apdu: bytes) -> tuple[bytes, int]:
        """See ports.readers.CardChannel.

        Raises:
            CardRefused: 200 commands were not enough.
        """
        if not self._left:
            raise CardRefused(DenyReason.CARD_UNREADABLE, f"{_MOST_APDUS} commands did not bring this card to an end")
        self._left -= 1
        return self._channel.transmit(apdu)


class FirstAgain:
    """Sends a connection's first APDU once more if the card answers 6F00 to it. Implements CardChannel.

    Some cards do so after power-up.
    """

    __slots__ = ("_channel", "_first")

    def __init__(self, channel: CardChannel) -> None:
        self._channel = channel
        self._first = True

    def transmit(self, apdu: bytes) -> tuple[bytes, int]:
        """See ports.readers.CardChannel."""
        first, self._first = self._first, False
        data, sw = self._channel.transmit(apdu)
        if first and sw == status.UNKNOWN_ERROR:
            return self._channel.transmit(apdu)
        return data, sw


class StatusFolding:
    """Follows 61xx and 6Cxx, so that a kind sees one whole answer. Implements CardChannel.

    ISO/IEC 7816-4:2020, 5.6 and 11.7.1: after 61xx the rest is fetched with GET RESPONSE; after 6Cxx the same command
    is sent with the Le that the card names, once. Only where the guard lets that pass: 61xx is followed for commands
    that ask for data, since a SELECT without answer data has succeeded with 9000 and nothing else, and only until there
    is as much as they ask for; 6Cxx for READ BINARY, since the commands of a reader are allowed in one spelling.
    """

    __slots__ = ("_channel",)

    def __init__(self, channel: CardChannel) -> None:
        self._channel = channel

    def transmit(self, apdu: bytes) -> tuple[bytes, int]:
        """See ports.readers.CardChannel."""
        data, sw = self._channel.transmit(apdu)
        if not _asks_for_data(apdu):
            return data, sw
        if sw >> 8 == _WRONG_LE and len(apdu) == _CASE_2_BYTES and apdu.startswith(_READ_BINARY):
            data, sw = self._channel.transmit(apdu[:-1] + bytes([sw & 0xFF]))
        wanted = apdu[-1] if apdu[4] or len(apdu) == _CASE_2_BYTES else 0  # an extended one asks for all
        while sw >> 8 == _MORE:
            if wanted and len(data) >= wanted:
                return data, status.SUCCESS
            more, sw = self._channel.transmit(b"\x00\xc0\x00\x00" + bytes([sw & 0xFF]))
            data += more
        return data, sw


def _asks_for_data(apdu: bytes) -> bool:
    """Whether it is a command of case 2 or short case 4: it ends with an Le (ISO/IEC 7816-4:2020, 5.2)."""
    if len(apdu) <= _CASE_2_BYTES or not apdu[4]:
        return len(apdu) == _CASE_2_BYTES or (len(apdu) == _EXTENDED_CASE_2_BYTES and apdu[4] == 0)
    return len(apdu) == _CASE_2_BYTES + apdu[4] + 1


def expect(channel: CardChannel, apdu: bytes, step: str) -> bytes:
    """Send a command that must succeed.

    Args:
        channel: to the card.
        apdu: the command.
        step: what is asked of the card, in words.

    Returns:
        The answer's data.

    Raises:
        UnexpectedStatus: any status word but 9000.
        CardError: see ports.readers.CardChannel.
    """
    data, sw = channel.transmit(apdu)
    if sw != status.SUCCESS:
        raise unexpected(step, sw)
    return data


def unexpected(step: str, sw: int) -> UnexpectedStatus:
    """The error for a status word, with its meaning."""
    return UnexpectedStatus(f"{step}: {status.meaning(sw)}", sw)


class ExtendedReads:
    """Whether an extended READ BINARY is worth trying; one for all connections of the process.

    Readers such as the ACR122U carry short APDUs only, and say so by failing. One failure that short reads made good is
    enough: from then on reads are short, on every reader.

    Args:
        worth_trying: at first.
    """

    __slots__ = ("worth_trying",)

    def __init__(self, *, worth_trying: bool = True) -> None:
        self.worth_trying = worth_trying


class TransparentFile:
    """An EF of bytes in an application: selects and reads it.

    Args:
        channel: to the card.
        aid: the application, which the caller has selected.
        file: the EF's identifier, 2 bytes.
        name: what the file is, in words, for errors.
        extended: the process's memory.
    """

    __slots__ = ("_aid", "_channel", "_extended", "_file", "_name")

    def __init__(self, channel: CardChannel, aid: bytes, file: bytes, name: str, extended: ExtendedReads) -> None:
        self._channel = channel
        self._aid = aid
        self._file = file
        self._name = name
        self._extended = extended

    def select(self) -> None:
        """Make it the current file.

        Raises:
            CardError: the card has no such file, or is gone.
        """
        expect(self._channel, select_file(self._file), f"selecting the {self._name}")

    def read(self, offset: int, length: int) -> bytes:
        """Read a part of it.

        Args:
            offset: of the first byte, 0 to 32,767.
            length: in bytes; the part must end by 32,768.

        Returns:
            Exactly `length` bytes.

        Raises:
            CardRefused: the file is shorter, or the card answers with other lengths than asked.
            CardError: any other failure.
        """
        if length > SHORT_READ_BYTES and self._extended.worth_trying:
            data = self._read_extended(offset, length)
            if data is None:
                data = self._read_short(offset, length)
                self._extended.worth_trying = False  # only now: a card pulled away says nothing of the reader
                return data
            return data + self._read_short(offset + len(data), length - len(data))
        return self._read_short(offset, length)

    def _read_extended(self, offset: int, length: int) -> bytes | None:
        """One extended READ BINARY; None if reader or card do not take it, and the file is selected again."""
        try:
            data, sw = self._channel.transmit(_read_binary(offset) + b"\x00" + length.to_bytes(2))
        except CardError:
            # A reader without extended APDUs breaks the exchange, which looks like a card that left; if it did leave,
            # the next SELECT says so.
            expect(self._channel, select_application(self._aid), "selecting the application again")
            self.select()
            return None
        if sw != status.SUCCESS or not data:
            return None
        return self._bounded(data, length)

    def _read_short(self, offset: int, length: int) -> bytes:
        read = b""
        while len(read) < length:
            wanted = min(length - len(read), SHORT_READ_BYTES)
            apdu = _read_binary(offset + len(read)) + bytes([wanted & 0xFF])
            data, sw = self._channel.transmit(apdu)
            if sw not in {status.SUCCESS, status.END_OF_FILE}:
                raise unexpected(f"reading the {self._name}", sw)
            if not data:
                raise CardRefused(DenyReason.CARD_UNREADABLE, f"the {self._name} is shorter than it says")
            read += self._bounded(data, wanted)
        return read

    def _bounded(self, data: bytes, wanted: int) -> bytes:
        if len(data) > wanted:
            raise CardRefused(DenyReason.CARD_UNREADABLE, f"the {self._name} came with more bytes than asked for")
        return data


def _read_binary(offset: int) -> bytes:
    """READ BINARY of the current EF, without Le (ISO/IEC 7816-4:2020, 11.3.3): bit 8 of P1 is 0."""
    return _READ_BINARY + offset.to_bytes(2)

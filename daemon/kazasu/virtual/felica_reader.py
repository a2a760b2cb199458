"""How readers take FeliCa commands for the card in their field: the three ways of cards/felica_transport.py.

PC/SC specification, part 3, supplement 2.02; ACS, ACR1252U and ACR122U Application Programming Interfaces. Nothing here
was compared with a physical reader.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from kazasu.virtual.card import StatusWord

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from kazasu.virtual.card import Command

    Instructions = Mapping[tuple[int, int], Callable[[Command], bytes]]

_READER = 0xFF
_DIRECT, _TRANSPARENT = 0x00, 0xC2
_MANAGE, _EXCHANGE, _SWITCH = 0x00, 0x01, 0x02
_START, _END = bytes.fromhex("8100"), bytes.fromhex("8200")
_TO_FELICA = bytes.fromhex("8F020300")
_DONE = bytes.fromhex("C003009000")
_NO_ANSWER = bytes.fromhex("C003016401")
_NOT_SUPPORTED = bytes.fromhex("C003016A81")
_TRANSCEIVE, _RECEIVED = 0x95, 0x97
_PN532_EXCHANGE, _PN532_ANSWER = bytes.fromhex("D44001"), bytes.fromhex("D541")
_PN532_TIMEOUT = b"\x01"  # NXP UM0701-02, 7.1
_ACS_FAILURE = 0x6300


class Chip(Protocol):
    """The card's side of the air."""

    def answer(self, frame: bytes) -> bytes | None:
        """Answer a frame, its length first; None: it keeps silent."""
        ...


class FelicaReader(Protocol):
    """A reader's pseudo-APDUs."""

    atr: bytes
    """What it makes of a FeliCa card."""

    def instructions(self, chip: Chip) -> Instructions:
        """What it answers, by class and instruction byte, with this card in its field."""
        ...


class TransparentReader:
    """Sony RC-S300: transparent sessions, and nothing of a FeliCa command outside of one."""

    atr = bytes.fromhex("3B8F8001804F0CA00000030611003B0000000042")  # PC/SC part 3, 3.1.3.2.3: standard 11

    def instructions(self, chip: Chip) -> Instructions:
        """See FelicaReader."""
        return {(_READER, _TRANSPARENT): _TransparentSession(chip)}


class _TransparentSession:
    def __init__(self, chip: Chip) -> None:
        self._chip = chip
        self._open = self._felica = False

    def __call__(self, command: Command) -> bytes:
        if command.p1 or not command.any_length:
            raise StatusWord(0x6A86 if command.p1 else 0x6700)
        match command.p2:
            case 0x00:
                return self._manage(command.data)
            case 0x02:
                if not self._open or command.data != _TO_FELICA:
                    return _NOT_SUPPORTED
                self._felica = True
                return _DONE
            case 0x01:
                return self._exchange(command.data)
        raise StatusWord(0x6A86)

    def _manage(self, data: bytes) -> bytes:
        if data not in {_START, _END}:
            return _NOT_SUPPORTED
        self._open, self._felica = data == _START, False
        return _DONE

    def _exchange(self, data: bytes) -> bytes:
        if not self._felica or data[0] != _TRANSCEIVE or data[1] != len(data) - 2:
            return _NOT_SUPPORTED
        answer = self._chip.answer(data[2:])
        if answer is None:
            return _NO_ANSWER
        return _DONE + bytes.fromhex("920100960200 00") + bytes([_RECEIVED, len(answer)]) + answer


class DirectReader:
    """ACS ACR1252U: a frame behind `FF 00 00 00 Lc`."""

    atr = TransparentReader.atr

    def instructions(self, chip: Chip) -> Instructions:
        """See FelicaReader."""

        def exchange(command: Command) -> bytes:
            if command.p1 or command.p2 or not command.data or command.ne:
                raise StatusWord(_ACS_FAILURE)
            answer = chip.answer(command.data)
            if answer is None:
                raise StatusWord(_ACS_FAILURE)
            raise StatusWord(0x9000, answer)

        return {(_READER, _DIRECT): exchange}


class Pn532Reader:
    """ACS ACR122U: the same behind InDataExchange of its chip. It tells FeliCa by 212 kbit/s in the ATR."""

    atr = bytes.fromhex("3B8F8001804F0CA00000030603F011000000008A")

    def instructions(self, chip: Chip) -> Instructions:
        """See FelicaReader."""

        def exchange(command: Command) -> bytes:
            if command.p1 or command.p2 or not command.data.startswith(_PN532_EXCHANGE) or command.ne:
                raise StatusWord(_ACS_FAILURE)
            answer = chip.answer(command.data[len(_PN532_EXCHANGE) :])
            told = _PN532_TIMEOUT if answer is None else b"\x00" + answer
            raise StatusWord(0x9000, _PN532_ANSWER + told)

        return {(_READER, _DIRECT): exchange}


class PlainReader:
    """A reader that passes no FeliCa command on."""

    atr = TransparentReader.atr

    def instructions(self, _: Chip) -> Instructions:
        """See FelicaReader."""
        return {}

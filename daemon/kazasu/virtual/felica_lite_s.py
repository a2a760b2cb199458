"""A virtual FeliCa Lite-S: 14 blocks for data, a card key, and the MAC that proves it.

After Sony, FeliCa Lite-S User's Manual (memory configuration: table 3-2; status flags: 4.5), as public programs have
it: nfcpy (src/nfc/tag/tt3_sony.py) and the Flipper firmware (lib/nfc/protocols/felica/felica_listener_i.c), which also
gives the order of checks. REG, the subtraction register, cannot be written here. Nothing here was compared with a
physical card.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Final

from kazasu.cards.felica_lite_s import mac, mac_of_read, session_key
from kazasu.virtual.felica import BLOCK_BYTES, FelicaCard, Flags, Request, parsed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kazasu.virtual.felica_reader import FelicaReader

LITE_S_PMM: Final = bytes.fromhex("00F1000000014300")
OPEN: Final = bytes.fromhex("FFFFFF00070000000000000000000000")
"""The memory configuration (MC) with which a card leaves the factory: everything may be written."""

PADS: Final = range(0x0E)
REG, RC, MAC, ID, D_ID, SER_C, SYS_C, CKV, CK, MC = 0x0E, 0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88
WCNT, MAC_A, STATE, CRC_CHECK = 0x90, 0x91, 0x92, 0xA0
_BLOCKS: Final = (*PADS, REG, RC, MAC, ID, D_ID, SER_C, SYS_C, CKV, CK, MC, WCNT, MAC_A, STATE, CRC_CHECK)
_NEVER_SHOWN: Final = frozenset({RC, CK})
_OF_THE_SYSTEM: Final = frozenset({ID, SER_C, CKV, CK, MC})
_NEVER_WRITTEN: Final = frozenset({REG, MAC, D_ID, SYS_C, WCNT, CRC_CHECK})

# Bytes of MC. Each of the two-byte fields has a bit for each block up to REG, the lowest for the first.
_RW, _ALL, _NDEF, _KEY_NEEDS_MAC = 0, 2, 3, 5
_READ_AFTER_AUTHENTICATION, _WRITE_AFTER_AUTHENTICATION, _WRITE_NEEDS_MAC, _STATE_NEEDS_MAC = 6, 8, 10, 12
_ALL_OPEN: Final = 0xFF
_SETTINGS_OPEN: Final = 15  # the bit of the field _RW that is MC's own

_READ_ONLY, _READ_WRITE = bytes.fromhex("000B"), bytes.fromhex("0009")
_LITE_S, _NDEF_SYSTEM = bytes.fromhex("88B4"), bytes.fromhex("12FC")
_MOST_READ, _MOST_WRITTEN = 4, 2
_WRITES_BYTES: Final = 3
_MOST_WRITES: Final = {_ALL_OPEN: 0xFFFFFF, 0x00: 0xFFFE00}
_MAC_BYTES: Final = 8
_IDM_BYTES: Final = 8


class LiteSCard(FelicaCard):
    """A FeliCa Lite-S, and the reader in whose field it is.

    Args:
        idm: 8 bytes.
        card_key: the block CK, 16 bytes.
        key_version: 0 to 65,535.
        blocks: content of other blocks, by number.
        mc: the memory configuration.
        reader: see `FelicaCard`.
        pmm: its parameters, 8 bytes.
    """

    def __init__(
        self,
        idm: bytes,
        card_key: bytes,
        key_version: int = 1,
        blocks: Mapping[int, bytes] | None = None,
        mc: bytes = OPEN,
        reader: FelicaReader | None = None,
        pmm: bytes = LITE_S_PMM,
    ) -> None:
        super().__init__(idm, pmm, reader=reader)
        self._memory = dict.fromkeys(_BLOCKS, bytes(BLOCK_BYTES))
        self._memory[ID] = idm + bytes(BLOCK_BYTES - _IDM_BYTES)
        self._memory |= dict(blocks or {})
        self._memory[D_ID] = idm + self.pmm
        self._memory[SYS_C] = _LITE_S + bytes(BLOCK_BYTES - 2)
        self._memory[CKV] = key_version.to_bytes(2, "little") + bytes(BLOCK_BYTES - 2)
        self._memory[CK] = card_key
        self._memory[MC] = mc
        self._frames = {0x00: self._polling, 0x06: self._read, 0x08: self._write}
        self._begin()

    def copy(self) -> LiteSCard:
        """What a copyist gets: every block that can be read, the IDm, and another card key under the same version."""
        shown = {number: self._memory[number] for number in (*PADS, REG, ID, SER_C)}
        version = int.from_bytes(self._memory[CKV][:2], "little")
        return LiteSCard(
            self.uid, secrets.token_bytes(BLOCK_BYTES), version, shown, self._memory[MC], self.reader, self.pmm
        )

    @property
    def writes(self) -> int:
        """How often it has been written: WCNT."""
        return int.from_bytes(self._memory[WCNT][:_WRITES_BYTES], "little")

    @property
    def system_codes(self) -> tuple[bytes, ...]:
        """Its own, and that of NDEF if MC has it so; both under one IDm."""
        return (_LITE_S, _NDEF_SYSTEM) if self._mc[_NDEF] == 0x01 else (_LITE_S,)

    def idm_of(self, number: int) -> bytes:
        """The same for both systems."""
        return self.uid

    def power_on(self) -> None:
        """Begin anew: no challenge, nobody authenticated, the memory configuration as it was written last."""
        super().power_on()
        self._begin()

    def _begin(self) -> None:
        self._mc = self._memory[MC]
        self._challenged = False
        self._memory[RC] = self._memory[STATE] = bytes(BLOCK_BYTES)

    def _bit(self, field: int, block: int) -> bool:
        return bool(int.from_bytes(self._mc[field : field + 2], "little") >> block & 1)

    def _request(self, packet: bytes, services: tuple[bytes, ...], most: int) -> Request | None:
        request = parsed(packet[_IDM_BYTES:])
        if packet[:_IDM_BYTES] != self.uid or request is None:
            return None
        if len(request.services) != 1:
            raise Flags(0xFF, 0xA1)
        if not 1 <= len(request.elements) <= most:
            raise Flags(0xFF, 0xA2)
        if request.services[0] not in services:
            raise Flags(0x01, 0xA6)
        for at, element in enumerate(request.elements):
            if element.service:
                raise Flags(1 << at, 0xA3)
            if element.access_mode:
                raise Flags(1 << at, 0xA7)
            if element.block not in self._memory:
                raise Flags(1 << at, 0xA8)
        return request

    def _read(self, packet: bytes) -> bytes | None:
        head = packet[:_IDM_BYTES]
        try:
            request = self._request(packet, (_READ_ONLY, _READ_WRITE), _MOST_READ)
            if request is None or request.rest:
                return None
            numbers = [element.block for element in request.elements]
            self._check_read(numbers, writable=request.services[0] == _READ_WRITE)
        except Flags as no:
            return head + no.flags
        blocks = [self._shown(at, numbers) for at in range(len(numbers))]
        return head + b"\x00\x00" + bytes([len(blocks)]) + b"".join(blocks)

    def _check_read(self, numbers: list[int], *, writable: bool) -> None:
        for at, number in enumerate(numbers):
            if writable and not self._writable(number):
                raise Flags(1 << at, 0xA8)
            if number == MAC_A and not self._challenged:
                raise Flags(1 << at, 0xB2)
            if number <= REG and self._bit(_READ_AFTER_AUTHENTICATION, number) and not self._authenticated:
                raise Flags(1 << at, 0xB1)
        if MAC in numbers and MAC_A in numbers:
            raise Flags(1 << numbers.index(MAC_A), 0xB0)

    def _shown(self, at: int, numbers: list[int]) -> bytes:
        number = numbers[at]
        if number in _NEVER_SHOWN:
            return bytes(BLOCK_BYTES)
        if number not in {MAC, MAC_A}:
            return self._memory[number]
        content = b"".join(self._shown(before, numbers) for before in range(at))
        if not content or at != len(numbers) - 1 or not self._challenged:
            return bytes(BLOCK_BYTES)  # a MAC stands behind what it covers
        key, challenge = self._memory[CK], self._memory[RC]
        if number == MAC_A:
            value = mac_of_read(key, challenge, numbers, content)
        else:
            value = mac(session_key(key, challenge), challenge[:_MAC_BYTES], content)
        return value + bytes(BLOCK_BYTES - _MAC_BYTES)

    @property
    def _authenticated(self) -> bool:
        return self._memory[STATE][0] == 0x01

    def _writable(self, number: int) -> bool:
        if number <= REG:
            return number != REG and self._bit(_RW, number)
        if number == MC:
            return self._mc[_ALL] == _ALL_OPEN or self._bit(_RW, _SETTINGS_OPEN)
        return number not in _NEVER_WRITTEN and (number not in _OF_THE_SYSTEM or self._mc[_ALL] == _ALL_OPEN)

    def _needs_mac(self, number: int) -> bool:
        if number <= REG:
            return self._bit(_WRITE_NEEDS_MAC, number)
        field = {CK: _KEY_NEEDS_MAC, CKV: _KEY_NEEDS_MAC, STATE: _STATE_NEEDS_MAC}.get(number)
        return field is not None and self._mc[field] == 0x01

    def _write(self, packet: bytes) -> bytes | None:
        head = packet[:_IDM_BYTES]
        try:
            request = self._request(packet, (_READ_WRITE,), _MOST_WRITTEN)
            if request is None or len(request.rest) != len(request.elements) * BLOCK_BYTES:
                return None
            numbers = [element.block for element in request.elements]
            content, mac_block = request.rest[:BLOCK_BYTES], request.rest[BLOCK_BYTES:]
            self._check_write(numbers, content, mac_block)
        except Flags as no:
            return head + no.flags
        self._store(numbers[0], content)
        count = min(self.writes + 1, _MOST_WRITES[self._mc[_ALL]])
        self._memory[WCNT] = count.to_bytes(_WRITES_BYTES, "little") + bytes(BLOCK_BYTES - _WRITES_BYTES)
        return head + b"\x00\x00"

    def _check_write(self, numbers: list[int], content: bytes, mac_block: bytes) -> None:
        number = numbers[0]
        if len(numbers) == _MOST_WRITTEN and numbers[1] != MAC_A:
            raise Flags(0x02, 0xA8)
        if number == MAC_A or not self._writable(number) or (self._needs_mac(number) and len(numbers) == 1):
            raise Flags(0x01, 0xA8)
        if len(numbers) == _MOST_WRITTEN:
            given = mac_block[_MAC_BYTES : _MAC_BYTES + _WRITES_BYTES]
            right = self._challenged and mac_block[:_MAC_BYTES] == self._mac_of_write(number, content)
            if not right or given != self._memory[WCNT][:_WRITES_BYTES] or self.writes == _MOST_WRITES[self._mc[_ALL]]:
                raise Flags(0x02, 0xB2)
        if number <= REG and self._bit(_WRITE_AFTER_AUTHENTICATION, number) and not self._authenticated:
            raise Flags(0x01, 0xB1)

    def _mac_of_write(self, number: int, content: bytes) -> bytes:
        """MAC_A of a write: the session key's halves exchanged, and the count of writes first."""
        challenge = self._memory[RC]
        key = session_key(self._memory[CK], challenge)
        first = self._memory[WCNT][:_WRITES_BYTES] + bytes([0, number, 0, MAC_A, 0])
        return mac(key[_MAC_BYTES:] + key[:_MAC_BYTES], challenge[:_MAC_BYTES], first + content)

    def _store(self, number: int, content: bytes) -> None:
        if number == ID:
            content = self.uid + content[_IDM_BYTES:]
        elif number == MC:
            content = self._configured(content)
        elif number == RC:
            self._challenged = True
        self._memory[number] = content

    def _configured(self, wanted: bytes) -> bytes:
        """MC after a write: what is closed stays closed. It holds from the next power-on."""
        now = bytearray(self._memory[MC])
        if self._bit(_RW, _SETTINGS_OPEN):
            for at in (_RW, _RW + 1):
                now[at] &= wanted[at]
            for at in range(_READ_AFTER_AUTHENTICATION, _STATE_NEEDS_MAC + 1):
                now[at] |= wanted[at]
        if self._mc[_ALL] == _ALL_OPEN:
            now[_ALL : _KEY_NEEDS_MAC + 1] = wanted[_ALL : _KEY_NEEDS_MAC + 1]
        return bytes(now)

"""A virtual DESFire EV1 or EV2 with one application under AES keys, in ISO/IEC 7816-4 frames.

Only what reads: authentication, key version, UID and files, and no card command that changes anything. Status codes and
access conditions: NXP, MF3ICDx21_41_81 data sheet, 8 and 9; MF2DL(H)x0 data sheet, 10 and 11 (EV2); frames: AN12343,
2.3. Nothing here was compared with a physical card.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Final, NamedTuple, NoReturn

from cryptography.hazmat.primitives.ciphers.algorithms import AES

from kazasu.cards.cmac import cmac, decrypt, encrypt
from kazasu.virtual.card import Command, IsoCard, StatusWord
from kazasu.virtual.desfire_session import Ev1, Ev2

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

DESFIRE_ATR: Final = bytes.fromhex("3B8180018080")

_OK, _MORE = 0x9100, 0x91AF
_ILLEGAL_COMMAND, _INTEGRITY_ERROR, _NO_SUCH_KEY = 0x911C, 0x911E, 0x9140
_LENGTH_ERROR, _PERMISSION_DENIED, _APPLICATION_NOT_FOUND = 0x917E, 0x919D, 0x91A0
_AUTHENTICATION_ERROR, _BOUNDARY_ERROR, _ABORTED, _FILE_NOT_FOUND = 0x91AE, 0x91BE, 0x91CA, 0x91F0

_BLOCK: Final = 16
_ZEROS: Final = bytes(_BLOCK)
_FRAME_BYTES: Final = 59
_CLASS: Final = 0x90
_NEXT: Final = 0xAF
_EV2_FIRST_HEADER: Final = 2  # key number, length of the capabilities
FREE, NEVER = 14, 15
"""Access conditions beside the key numbers 0 to 13."""


class DesfireKey(NamedTuple):
    """An AES-128 key, and the version that the card tells of it."""

    value: bytes
    version: int = 1


class DesfireFile(NamedTuple):
    """A standard data file.

    Attributes:
        content: what it holds.
        readable_with: a key number, or `FREE` or `NEVER`.
        full: enciphered; else plain with a MAC.
    """

    content: bytes
    readable_with: int
    full: bool = True


class DesfireCard(IsoCard):
    """A DESFire card.

    Args:
        uid: 7 bytes.
        aid: its application, 3 bytes as they are sent.
        keys: the application's, by number.
        files: the application's, by number.
        ev2: whether it knows EV2First; else it is an EV1.
        random_uid: whether the reader gets a new random number each time instead of the UID.
        random: that many bytes for its challenges.
    """

    def __init__(
        self,
        uid: bytes,
        aid: bytes,
        keys: Mapping[int, DesfireKey],
        files: Mapping[int, DesfireFile] | None = None,
        *,
        ev2: bool = True,
        random_uid: bool = False,
        random: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        super().__init__(DESFIRE_ATR, uid)
        self._aid = aid
        self._keys = keys
        self._files = files or {}
        self._ev2 = ev2
        self._random_uid = random_uid
        self._random = random
        self._instructions |= {
            (0x00, 0xA4): self._iso_select,
            (0x90, 0x5A): self._select,
            (0x90, 0x64): self._get_key_version,
            (0x90, 0x71): self._authenticate_ev2,
            (0x90, 0xAA): self._authenticate_aes,
            (0x90, _NEXT): self._next,
            (0x90, 0xBD): self._read_data,
            (0x90, 0x51): self._get_card_uid,
        }
        self._forget()

    def copy(self) -> DesfireCard:
        """What a copyist gets: everything readable, and other keys under the same numbers and versions."""
        keys = {number: DesfireKey(secrets.token_bytes(_BLOCK), key.version) for number, key in self._keys.items()}
        return DesfireCard(self.uid, self._aid, keys, self._files, ev2=self._ev2)

    def power_on(self) -> None:
        """Begin anew, at the level of the card."""
        super().power_on()
        self._forget()

    def power_off(self) -> None:
        """Forget the session."""
        super().power_off()
        self._forget()

    def reader_data(self) -> dict[int, bytes]:
        """The UID, or another four bytes each time (ISO/IEC 14443-3, 6.5.4: 08 says that they are random)."""
        return {0x00: b"\x08" + secrets.token_bytes(3) if self._random_uid else self.uid}

    def check(self, command: Command) -> None:
        """Any other command ends a chain; any error ends the session."""
        if command.cla != _CLASS:
            return
        if command.p1 or command.p2 or not command.any_length:
            self._fail(_LENGTH_ERROR)
        if command.ins != _NEXT and (self._frames or self._pending):
            self._fail(_ABORTED)
        if (command.cla, command.ins) not in self._instructions:
            self._fail(_ILLEGAL_COMMAND)

    def _forget(self) -> None:
        self._session: Ev1 | Ev2 | None = None
        self._authenticated_with = -1
        self._pending: Callable[[bytes], bytes] | None = None
        self._frames = b""

    def _fail(self, sw: int) -> NoReturn:
        self._forget()
        raise StatusWord(sw)

    def _select(self, command: Command) -> bytes:
        self._forget()
        if len(command.data) != len(self._aid):
            self._fail(_LENGTH_ERROR)
        if command.data != self._aid:
            self._fail(_APPLICATION_NOT_FOUND)
        self.application = command.data
        raise StatusWord(_OK)

    def _iso_select(self, _: Command) -> NoReturn:
        """By DF name, which its application has none."""
        self._forget()
        raise StatusWord(0x6A82)

    def _key(self, number: int) -> DesfireKey:
        key = self._keys.get(number) if self.application else None
        if key is None:
            self._forget()
            raise StatusWord(_NO_SUCH_KEY)
        return key

    def _get_key_version(self, command: Command) -> bytes:
        (number,) = self._authentic(command, 1)
        return self._answer(bytes([self._key(number).version]), full=False)

    def _authenticate_ev2(self, command: Command) -> bytes:
        if not self._ev2:
            self._fail(_ILLEGAL_COMMAND)
        if len(command.data) < _EV2_FIRST_HEADER or len(command.data) != _EV2_FIRST_HEADER + command.data[1]:
            self._fail(_LENGTH_ERROR)
        return self._challenge(command.data[0], self._finish_ev2)

    def _authenticate_aes(self, command: Command) -> bytes:
        if len(command.data) != 1:
            self._fail(_LENGTH_ERROR)
        return self._challenge(command.data[0], self._finish_aes)

    def _challenge(self, number: int, finish: Callable[[int, bytes, bytes], bytes]) -> bytes:
        cipher = AES(self._key(number).value)
        self._forget()
        ours = self._random(_BLOCK)
        self._pending = lambda token: finish(number, ours, token)
        raise StatusWord(_MORE, encrypt(cipher, _ZEROS, ours))

    def _next(self, command: Command) -> bytes:
        pending, self._pending = self._pending, None
        if pending is not None:
            if len(command.data) != 2 * _BLOCK:
                self._fail(_LENGTH_ERROR)
            raise StatusWord(_OK, pending(command.data))
        if not self._frames:
            self._fail(_ILLEGAL_COMMAND)
        if command.data:
            self._fail(_LENGTH_ERROR)
        return self._frame()

    def _finish_ev2(self, number: int, ours: bytes, token: bytes) -> bytes:
        cipher = AES(self._keys[number].value)
        theirs = self._expect_ours(ours, decrypt(cipher, _ZEROS, token))
        transaction = self._random(4)
        mixed = bytes(a ^ b for a, b in zip(theirs[2:8], ours[:6], strict=True))
        context = b"\x00\x01\x00\x80" + theirs[:2] + mixed + ours[6:] + theirs[8:]
        self._session = Ev2(
            AES(cmac(cipher, b"\xa5\x5a" + context)), AES(cmac(cipher, b"\x5a\xa5" + context)), transaction
        )
        self._authenticated_with = number
        return encrypt(cipher, _ZEROS, transaction + theirs[1:] + theirs[:1] + bytes(12))

    def _finish_aes(self, number: int, ours: bytes, token: bytes) -> bytes:
        cipher = AES(self._keys[number].value)
        theirs = self._expect_ours(ours, decrypt(cipher, encrypt(cipher, _ZEROS, ours), token))
        self._session = Ev1(AES(theirs[:4] + ours[:4] + theirs[12:] + ours[12:]))
        self._authenticated_with = number
        return encrypt(cipher, token[-_BLOCK:], theirs[1:] + theirs[:1])

    def _expect_ours(self, ours: bytes, opened: bytes) -> bytes:
        """The terminal's challenge, if what it gave back is ours turned by a byte."""
        if opened[_BLOCK:] != ours[1:] + ours[:1]:
            self._fail(_AUTHENTICATION_ERROR)
        return opened[:_BLOCK]

    def _read_data(self, command: Command) -> bytes:
        header = self._authentic(command, 7)
        file = self._files.get(header[0]) if self.application else None
        if file is None:
            self._forget()
            raise StatusWord(_FILE_NOT_FOUND)
        if file.readable_with == NEVER:
            self._fail(_PERMISSION_DENIED)
        if file.readable_with not in {FREE, self._authenticated_with}:
            self._fail(_AUTHENTICATION_ERROR)
        offset, length = int.from_bytes(header[1:4], "little"), int.from_bytes(header[4:], "little")
        length = length or len(file.content) - offset
        if length <= 0 or offset + length > len(file.content):
            self._fail(_BOUNDARY_ERROR)
        return self._answer(file.content[offset : offset + length], full=file.full)

    def _get_card_uid(self, command: Command) -> bytes:
        if self._session is None:
            self._fail(_AUTHENTICATION_ERROR)
        self._authentic(command, 0)
        return self._answer(self.uid, full=True)

    def _authentic(self, command: Command, length: int) -> bytes:
        """A command's parameters, without the MAC that they carry in an EV2 session."""
        mac_bytes = self._session.command_mac_bytes if self._session else 0
        if len(command.data) != length + mac_bytes:
            self._fail(_LENGTH_ERROR)
        if self._session and not self._session.take(command.ins, command.data):
            self._fail(_INTEGRITY_ERROR)
        return command.data[:length]

    def _answer(self, data: bytes, *, full: bool) -> bytes:
        if self._session is not None:
            data = self._session.give(data, full=full)
        self._frames = data
        return self._frame()

    def _frame(self) -> NoReturn:
        frame, self._frames = self._frames[:_FRAME_BYTES], self._frames[_FRAME_BYTES:]
        raise StatusWord(_MORE if self._frames else _OK, frame)

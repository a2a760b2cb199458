"""DESFire's mutual authentication with AES, and what is read under the session that comes of it.

Both sides prove the key to each other; every answer after that carries a MAC over itself, chained to all that went
before, so that none can be changed, left out, replayed or taken from another card.

EV2First and EV2 secure messaging: NXP, AN12196 (NTAG 424 DNA, which has DESFire EV2's), rev. 2.0, sections 4.5, 5.6 and
9.1 of the data sheets MF2DL(H)x0 and NT4H2421Gx. AES of EV1: NXP, MF3ICDx21_41_81 data sheet, 8.2; its details are not
public and follow libfreefare, libfreefare/mifare_desfire.c and mifare_desfire_crypto.c. Commands in ISO/IEC 7816-4
frames: NXP, AN12343, 2.3.
"""

from __future__ import annotations

import binascii
import hmac
from typing import TYPE_CHECKING, Final, Literal, Protocol, TypeAlias

from cryptography.hazmat.primitives.ciphers import algorithms

from kazasu.cards.channel import unexpected
from kazasu.cards.cmac import cmac, decrypt, encrypt
from kazasu.cards.guard import Template
from kazasu.errors import CardRefused
from kazasu.model.access import DenyReason

if TYPE_CHECKING:
    from collections.abc import Callable

    from kazasu.ports.readers import CardChannel

Mode: TypeAlias = Literal["auto", "ev2", "ev1"]

OK: Final = 0x9100
MORE: Final = 0x91AF
ILLEGAL_COMMAND: Final = 0x911C
NO_SUCH_KEY: Final = 0x9140
PERMISSION_DENIED: Final = 0x919D
APPLICATION_NOT_FOUND: Final = 0x91A0
AUTHENTICATION_ERROR: Final = 0x91AE

_BLOCK: Final = 16
_ZEROS: Final = bytes(_BLOCK)
_MAC_BYTES: Final = 8
_CRC_BYTES: Final = 4
_TI_BYTES: Final = 4
_MOST_FRAMES: Final = 32
_STATUS_OK: Final = b"\x00"

_AUTHENTICATE_EV2_FIRST: Final = 0x71
_AUTHENTICATE_AES: Final = 0xAA
_NEXT: Final = 0xAF
_CAPABILITIES: Final = b"\x00"  # AuthenticateEV2First: no PCD capabilities follow

NEXT_FRAME: Final = bytes.fromhex("90AF000000")
_PROOF: Final = Template((bytes.fromhex("90AF000020"), 2 * _BLOCK, b"\x00"))


def command(instruction: int, data: bytes = b"") -> bytes:
    """A native command in an ISO/IEC 7816-4 frame."""
    body = bytes([len(data)]) + data if data else b""
    return bytes([0x90, instruction, 0, 0]) + body + b"\x00"


def authentication_commands(key_number: int, mode: Mode = "auto") -> tuple[frozenset[bytes], tuple[Template, ...]]:
    """What `authenticate` sends, for the allow-list: exact commands, and those with a part made up."""
    number = bytes([key_number])
    first = {"ev2": command(_AUTHENTICATE_EV2_FIRST, number + _CAPABILITIES), "ev1": command(_AUTHENTICATE_AES, number)}
    return frozenset({*(first.values() if mode == "auto" else (first[mode],)), NEXT_FRAME}), (_PROOF,)


def request_commands(instruction: int, header: bytes) -> tuple[frozenset[bytes], tuple[Template, ...]]:
    """What a session sends for one request: as it is (EV1), and with a MAC (EV2)."""
    with_mac = command(instruction, header + bytes(_MAC_BYTES))
    return frozenset({command(instruction, header)}), (Template((with_mac[: -_MAC_BYTES - 1], _MAC_BYTES, b"\x00")),)


class Session(Protocol):
    """What follows an authentication; each request moves it on, and one that fails ends it."""

    def request(self, channel: CardChannel, instruction: int, header: bytes, *, full: bool, length: int) -> bytes:
        """Ask for data.

        Args:
            channel: to the card.
            instruction: of the native command.
            header: its parameters.
            full: whether the answer is enciphered; else it is plain with a MAC.
            length: of the data, in bytes.

        Returns:
            The data, `length` bytes.

        Raises:
            CardRefused: AUTHENTICATION_FAILED, the answer was not made under this session; CARD_UNREADABLE, it has
                another length.
            UnexpectedStatus: the card refuses.
            CardError: it is gone.
        """
        ...


def authenticate(
    channel: CardChannel, key_number: int, key: bytes, random: Callable[[int], bytes], mode: Mode = "auto"
) -> Session:
    """Prove the key to each other; the application is selected.

    Args:
        channel: to the card.
        key_number: 0 to 13.
        key: AES-128, 16 bytes.
        random: for the challenge.
        mode: which authentication. "auto": EV2First, and on an EV1, which has none, AES; then whoever stands between
            card and reader can make any card look like an EV1.

    Raises:
        CardRefused: AUTHENTICATION_FAILED, the card does not hold this key, or does not know this authentication.
        UnexpectedStatus: the card refuses for another reason.
        CardError: it is gone.
    """
    number = bytes([key_number])
    if mode != "ev1":
        answer, sw = channel.transmit(command(_AUTHENTICATE_EV2_FIRST, number + _CAPABILITIES))
        if sw != ILLEGAL_COMMAND:
            return _ev2(channel, _challenge(answer, sw), key, random)
        if mode == "ev2":
            raise CardRefused(
                DenyReason.AUTHENTICATION_FAILED,
                'the card does not know the authentication of EV2, and mode = "ev2" lets no other count',
            )
    answer, sw = channel.transmit(command(_AUTHENTICATE_AES, number))
    return _ev1(channel, _challenge(answer, sw), key, random)


def _challenge(answer: bytes, sw: int) -> bytes:
    if sw in {AUTHENTICATION_ERROR, NO_SUCH_KEY, PERMISSION_DENIED}:
        raise CardRefused(DenyReason.AUTHENTICATION_FAILED, "the card does not let this key authenticate")
    _expect(sw, MORE, "asking for a challenge")
    if len(answer) != _BLOCK:
        raise CardRefused(DenyReason.CARD_UNREADABLE, f"a challenge has {_BLOCK} bytes; {len(answer)} came")
    return answer


def _proof(channel: CardChannel, token: bytes, length: int) -> bytes:
    answer, sw = channel.transmit(command(_NEXT, token))
    if sw == AUTHENTICATION_ERROR:
        raise CardRefused(DenyReason.AUTHENTICATION_FAILED, "the card holds another key")
    _expect(sw, OK, "proving the key")
    if len(answer) != length:
        raise CardRefused(DenyReason.CARD_UNREADABLE, f"a proof has {length} bytes; {len(answer)} came")
    return answer


def _expect(sw: int, wanted: int, step: str) -> None:
    if sw != wanted:
        raise unexpected(step, sw)


def _rotated(block: bytes) -> bytes:
    return block[1:] + block[:1]


def _expect_same(theirs: bytes, ours: bytes) -> None:
    if not hmac.compare_digest(theirs, ours):
        raise CardRefused(DenyReason.AUTHENTICATION_FAILED, "the card could not prove the key: a copy")


def _ev2(channel: CardChannel, challenge: bytes, key: bytes, random: Callable[[int], bytes]) -> Ev2Session:
    """AN12196, 5.6, table 14."""
    cipher = algorithms.AES(key)
    theirs, ours = decrypt(cipher, _ZEROS, challenge), random(_BLOCK)
    answer = _proof(channel, encrypt(cipher, _ZEROS, ours + _rotated(theirs)), 2 * _BLOCK)
    opened = decrypt(cipher, _ZEROS, answer)
    transaction, back = opened[:_TI_BYTES], opened[_TI_BYTES : _TI_BYTES + _BLOCK]
    _expect_same(back, _rotated(ours))
    mixed = bytes(a ^ b for a, b in zip(ours[2:8], theirs[:6], strict=True))
    context = bytes.fromhex("00010080") + ours[:2] + mixed + theirs[6:] + ours[8:]
    return Ev2Session(cmac(cipher, b"\xa5\x5a" + context), cmac(cipher, b"\x5a\xa5" + context), transaction)


class Ev2Session:
    """EV2 secure messaging (AN12196, 4.5).

    Args:
        encryption_key: 16 bytes.
        mac_key: 16 bytes.
        transaction: the transaction identifier, 4 bytes.
    """

    def __init__(self, encryption_key: bytes, mac_key: bytes, transaction: bytes) -> None:
        self._cipher = algorithms.AES(encryption_key)
        self._mac_cipher = algorithms.AES(mac_key)
        self._transaction = transaction
        self._counter = 0

    def request(self, channel: CardChannel, instruction: int, header: bytes, *, full: bool, length: int) -> bytes:
        """See Session."""
        mac = self._mac(bytes([instruction]), header)
        answer = _whole(channel, command(instruction, header + mac))
        self._counter += 1
        data, theirs = answer[:-_MAC_BYTES], answer[-_MAC_BYTES:]
        _expect_same(theirs, self._mac(_STATUS_OK, data))
        return _cut(self._opened(data) if full else data, length)

    def _mac(self, code: bytes, data: bytes) -> bytes:
        """Of a command or an answer: every second byte of the CMAC."""
        counter = self._counter.to_bytes(2, "little")
        return cmac(self._mac_cipher, code + counter + self._transaction + data)[1::2]

    def _opened(self, data: bytes) -> bytes:
        if not data or len(data) % _BLOCK:
            raise CardRefused(DenyReason.CARD_UNREADABLE, "enciphered data is not whole blocks")
        counter = self._counter.to_bytes(2, "little")
        vector = encrypt(self._cipher, _ZEROS, b"\x5a\xa5" + self._transaction + counter + bytes(8))
        plain, mark, zeros = decrypt(self._cipher, vector, data).rpartition(b"\x80")
        if not mark or any(zeros):
            raise CardRefused(DenyReason.CARD_UNREADABLE, "the deciphered data has no padding")
        return plain


def _ev1(channel: CardChannel, challenge: bytes, key: bytes, random: Callable[[int], bytes]) -> Ev1Session:
    """AES of EV1: as EV2First, but each part is chained to the one before, and the card gives nothing but the proof."""
    cipher = algorithms.AES(key)
    theirs, ours = decrypt(cipher, _ZEROS, challenge), random(_BLOCK)
    token = encrypt(cipher, challenge, ours + _rotated(theirs))
    _expect_same(decrypt(cipher, token[-_BLOCK:], _proof(channel, token, _BLOCK)), _rotated(ours))
    return Ev1Session(ours[:4] + theirs[:4] + ours[12:] + theirs[12:])


class Ev1Session:
    """EV1 secure messaging with AES: one vector, carried on by each command and each answer.

    Args:
        key: 16 bytes.
    """

    def __init__(self, key: bytes) -> None:
        self._cipher = algorithms.AES(key)
        self._vector = _ZEROS

    def request(self, channel: CardChannel, instruction: int, header: bytes, *, full: bool, length: int) -> bytes:
        """See Session."""
        self._vector = cmac(self._cipher, bytes([instruction]) + header, self._vector)
        answer = _whole(channel, command(instruction, header))
        return self._opened(answer, length) if full else _cut(self._checked(answer), length)

    def _checked(self, answer: bytes) -> bytes:
        data, theirs = answer[:-_MAC_BYTES], answer[-_MAC_BYTES:]
        self._vector = cmac(self._cipher, data + _STATUS_OK, self._vector)
        _expect_same(theirs, self._vector[:_MAC_BYTES])
        return data

    def _opened(self, answer: bytes, length: int) -> bytes:
        """Data, a CRC-32 over it and the status, and zeros."""
        if not answer or len(answer) % _BLOCK:
            raise CardRefused(DenyReason.CARD_UNREADABLE, "enciphered data is not whole blocks")
        plain = decrypt(self._cipher, self._vector, answer)
        self._vector = answer[-_BLOCK:]
        data, rest = plain[:length], plain[length:]
        crc = binascii.crc32(data + _STATUS_OK) ^ 0xFFFF_FFFF
        padded = crc.to_bytes(_CRC_BYTES, "little").ljust(-(length + _CRC_BYTES) // _BLOCK * -_BLOCK - length, b"\0")
        _expect_same(rest, padded)
        return data


def _whole(channel: CardChannel, apdu: bytes) -> bytes:
    """An answer with all its frames."""
    answer, sw = channel.transmit(apdu)
    for _ in range(_MOST_FRAMES):
        if sw != MORE:
            break
        more, sw = channel.transmit(NEXT_FRAME)
        answer += more
    _expect(sw, OK, "reading")
    return answer


def _cut(data: bytes, length: int) -> bytes:
    if len(data) != length:
        raise CardRefused(DenyReason.CARD_UNREADABLE, f"{length} bytes were asked for; {len(data)} came")
    return data

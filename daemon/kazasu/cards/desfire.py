"""MIFARE DESFire EV1, EV2 and EV3 with an AES key of the site's: card and terminal prove the key to each other.

The number is read under the session that comes of it: from a file, or the card's UID. Sources: desfire_session.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final, Literal

import msgspec

from kazasu.cards.atr import is_type_b, storage_card
from kazasu.cards.channel import unexpected
from kazasu.cards.desfire_session import (
    APPLICATION_NOT_FOUND,
    OK,
    Mode,
    authenticate,
    authentication_commands,
    command,
    request_commands,
)
from kazasu.cards.diversification import AES_INPUT, aes_key
from kazasu.cards.guard import Allowance, Scope
from kazasu.cards.staff_cut import Encoding
from kazasu.cards.staff_number import number_of
from kazasu.cards.uid import ALLOW_UID, read_uid
from kazasu.errors import CardRefused
from kazasu.model.access import Assurance, DenyReason, Identifier
from kazasu.model.table import Table

if TYPE_CHECKING:
    from kazasu.cards.kind import Tools
    from kazasu.ports.readers import CardChannel

_SELECT_APPLICATION: Final = 0x5A
_GET_KEY_VERSION: Final = 0x64
_GET_CARD_UID: Final = 0x51
_READ_DATA: Final = 0xBD
_CLASS: Final = 0x91
_KEY_BYTES: Final = 16
_UID_BYTES: Final = 7
_AID_BYTES: Final = 3
_LONGEST_SYSTEM: Final = AES_INPUT[-1] - _UID_BYTES - _AID_BYTES

Hex = Annotated[str, msgspec.Meta(pattern=r"^([0-9A-Fa-f]{2})*\Z", description="pairs of hexadecimal digits")]


class Settings(Table, frozen=True, kw_only=True):
    """[cards.desfire].

    Attributes:
        aid: the application, 3 bytes in the order in which they are sent.
        key: the name of an AES-128 key of the card key file.
        key_number: which key of the application that is.
        mode: which authentication: "auto", EV2's or on an EV1 that of EV1; or only "ev2", or only "ev1".
        diversification: "an10922" over UID, AID and `system_identifier`; or "none": one key for all cards.
        system_identifier: at most 21 bytes.
        file: the standard data file that holds the number; without it the number is the card's UID.
        offset: where in the file the number begins, in bytes.
        length: of the number, in bytes.
        encoding: how the number is written; the same number in another encoding is the same credential.
        enciphered: whether the file's communication mode is full; else it is plain with a MAC.
    """

    aid: Annotated[str, msgspec.Meta(pattern=r"^[0-9A-Fa-f]{6}\Z", description="6 hexadecimal digits")]
    key: str
    key_number: Annotated[int, msgspec.Meta(ge=0, le=13, description="a key number, 0 to 13")] = 0
    mode: Mode = "auto"
    diversification: Literal["an10922", "none"] = "an10922"
    system_identifier: Hex = ""
    file: Annotated[int, msgspec.Meta(ge=0, le=31, description="a file number, 0 to 31")] | None = None
    offset: Annotated[int, msgspec.Meta(ge=0, le=0xFFFF, description="0 to 65535")] = 0
    length: Annotated[int, msgspec.Meta(ge=1, le=255, description="1 to 255")] | None = None
    encoding: Encoding = "ascii"
    enciphered: bool = True

    def __post_init__(self) -> None:
        if (self.file is None) != (self.length is None):
            raise ValueError("`file` and `length` belong together: which file, and how many bytes of it are the number")
        if len(bytes.fromhex(self.system_identifier)) > _LONGEST_SYSTEM:
            raise ValueError(f"system_identifier has at most {_LONGEST_SYSTEM} bytes")


def build(settings: Settings, tools: Tools) -> Desfire:
    """See kind.KindModule.

    Raises:
        KeyMaterialError: there is no such key, or it is not of AES-128.
    """
    return Desfire(settings, tools)


class Desfire:
    """Implements CardKind.

    Args:
        settings: which application, key and number.
        tools: the terminal's.

    Raises:
        KeyMaterialError: there is no such key, or it is not of AES-128.
    """

    name = "desfire"
    reach = Assurance.CHALLENGE

    def __init__(self, settings: Settings, tools: Tools) -> None:
        self._settings = settings
        self._aid = bytes.fromhex(settings.aid)
        self._system = bytes.fromhex(settings.system_identifier)
        self._keys = tools.keys.get(settings.key).of_length(_KEY_BYTES)
        self._pseudonymizer = tools.pseudonymizer
        self._random = tools.random
        self._select = command(_SELECT_APPLICATION, self._aid)
        self._get_version = command(_GET_KEY_VERSION, bytes([settings.key_number]))
        if settings.file is None or settings.length is None:
            self._length, self._full = _UID_BYTES, True
            self._request = _GET_CARD_UID, b""
        else:
            self._length, self._full = settings.length, settings.enciphered
            place = settings.offset.to_bytes(3, "little") + settings.length.to_bytes(3, "little")
            self._request = _READ_DATA, bytes([settings.file]) + place
        self.allow = self._allowed()

    def read(self, channel: CardChannel, atr: bytes) -> Identifier | None:
        """See CardKind."""
        if storage_card(atr) is not None or is_type_b(atr):
            return None
        _, sw = channel.transmit(self._select)
        if sw >> 8 != _CLASS or sw == APPLICATION_NOT_FOUND:
            return None
        if sw != OK:
            raise unexpected("selecting the application", sw)
        settings = self._settings
        session = authenticate(channel, settings.key_number, self._key(channel), self._random, settings.mode)
        instruction, header = self._request
        number = session.request(channel, instruction, header, full=self._full, length=self._length)
        if settings.file is not None:
            number = number_of(number, settings.encoding).encode()
        pseudonym = self._pseudonymizer.pseudonym(self.name, self._aid, number)
        return Identifier(kind=self.name, pseudonym=pseudonym, assurance=self.reach)

    def _key(self, channel: CardChannel) -> bytes:
        """The key of this card: by the version that the card says, and made its own."""
        answer, sw = channel.transmit(self._get_version)
        if sw != OK or len(answer) != 1:
            raise unexpected("asking for the key's version", sw)
        key = self._keys.version(answer[0])
        if key is None:
            versions = ", ".join(map(str, sorted(self._keys.versions)))
            raise CardRefused(
                DenyReason.AUTHENTICATION_FAILED,
                f"the card's key has version {answer[0]}; of {self._keys.name!r} this terminal has {versions}",
            )
        if self._settings.diversification == "none":
            return key.bytes
        uid = read_uid(channel)
        if len(uid) != _UID_BYTES:
            raise CardRefused(
                DenyReason.NO_STABLE_NUMBER,
                f"the card's key is found by its UID of {_UID_BYTES} bytes, and {len(uid)} came: the card is set to"
                " show a random one",
            )
        return aes_key(key.bytes, uid + self._aid + self._system)

    def _allowed(self) -> Allowance:
        proof, proof_templates = authentication_commands(self._settings.key_number, self._settings.mode)
        request, request_templates = request_commands(*self._request)
        scope = Scope(
            opens=self._select,
            opened_by=frozenset({OK}),
            commands=proof | request | {self._get_version},
            templates=proof_templates + request_templates,
        )
        diversified = self._settings.diversification != "none"
        return Allowance(scopes=(scope,), commands=ALLOW_UID.commands if diversified else frozenset())

"""Staff applications such as an issuer loads into a My Number Card's free area: one for each profile in config/cards.d.

They are made up. They do what ISO/IEC 7816-4:2020 says of INTERNAL AUTHENTICATE (11.5.2), MANAGE SECURITY ENVIRONMENT
(11.5.11) and ISO/IEC 7816-8:2021 of COMPUTE DIGITAL SIGNATURE (5.4), and refuse all else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives.ciphers import Cipher, modes

from kazasu.cards.staff_derivation import cipher_of
from kazasu.virtual.card import StatusWord
from kazasu.virtual.files import File, Pin
from kazasu.virtual.jpki import signer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from kazasu.virtual.card import Command
    from kazasu.virtual.files import FileCard
    from kazasu.virtual.jpki import PrivateKey

# The first half byte F: proprietary and registered nowhere (ISO/IEC 7816-4:2020, 12.2.3).
AID_AES: Final = bytes.fromhex("F04B415A5553550101")
AID_NUMBER: Final = bytes.fromhex("F04B415A5553550102")
AID_RSA: Final = bytes.fromhex("F04B415A5553550103")

_KEY_REFERENCE: Final = 0x1F
_APPLICATION_KEY: Final = 0x80
_AUTHENTICATION: Final = 0xA4
_SIGNATURE: Final = 0xB6
_PRIVATE_KEY: Final = b"\x84\x01"
_CARD_NUMBER_BYTES: Final = 7
_STAFF_NUMBER_BYTES: Final = 8


class StaffApplication:
    """An application with files and keys.

    Args:
        aid: its whole AID.
        files: by identifier.
        keys: by reference, 1 to 31: the answer to a challenge that INTERNAL AUTHENTICATE brings, or a `StatusWord`.
        signs: by reference: the signature that COMPUTE DIGITAL SIGNATURE makes of what it brings.
    """

    def __init__(
        self,
        aid: bytes,
        files: Mapping[int, File],
        keys: Mapping[int, Callable[[bytes], bytes]] | None = None,
        signs: Mapping[int, Callable[[bytes], bytes]] | None = None,
    ) -> None:
        self.aid = aid
        self.files = files
        self._keys = keys or {}
        self._signs = signs or {}
        self._environment: dict[int, int] = {}  # by template: the key's reference
        self._environment_of = -1  # the selection that it was set in

    def load_on(self, card: FileCard) -> None:
        """Put it on a card."""

        def in_this_selection(answer: Callable[[Command], bytes]) -> Callable[[Command], bytes]:
            def answered(command: Command) -> bytes:
                if self._environment_of != card.selections:
                    self._environment = {}
                    self._environment_of = card.selections
                return answer(command)

            return answered

        card.load(
            self.aid,
            self.files,
            {
                (0x00, 0x22): in_this_selection(self._set_environment),
                (0x00, 0x2A): in_this_selection(self._compute_digital_signature),
                (0x00, 0x88): in_this_selection(self._internal_authenticate),
            },
        )

    def _set_environment(self, command: Command) -> bytes:
        keys = {_AUTHENTICATION: self._keys, _SIGNATURE: self._signs}.get(command.p2)
        if command.p1 != 0x41 or keys is None:  # noqa: PLR2004  (SET for computation: ISO/IEC 7816-4:2020, table 117)
            raise StatusWord(0x6A86)
        if command.ne:
            raise StatusWord(0x6700)
        if len(command.data) != len(_PRIVATE_KEY) + 1 or not command.data.startswith(_PRIVATE_KEY):
            raise StatusWord(0x6A80)
        if command.data[-1] not in keys:
            raise StatusWord(0x6A88)
        self._environment[command.p2] = command.data[-1]
        return b""

    def _internal_authenticate(self, command: Command) -> bytes:
        if command.p1 or (command.p2 and command.p2 & ~_KEY_REFERENCE != _APPLICATION_KEY):
            raise StatusWord(0x6A86)
        if not command.data or not command.ne:
            raise StatusWord(0x6700)
        reference = command.p2 & _KEY_REFERENCE or self._environment.get(_AUTHENTICATION)
        if reference is None:
            raise StatusWord(0x6985)
        if reference not in self._keys:
            raise StatusWord(0x6A88)
        return self._keys[reference](command.data)

    def _compute_digital_signature(self, command: Command) -> bytes:
        if (command.p1, command.p2) != (0x9E, 0x9A):
            raise StatusWord(0x6A86)
        if not command.data or not command.ne:
            raise StatusWord(0x6700)
        reference = self._environment.get(_SIGNATURE)
        if reference is None:
            raise StatusWord(0x6985)
        return self._signs[reference](command.data)


def encrypting(algorithm: str, key: bytes) -> Callable[[bytes], bytes]:
    """A key that encrypts one block, and refuses any other length with 6700.

    Args:
        algorithm: "aes-128", "aes-256" or "3des".
        key: the card's own.
    """
    cipher = cipher_of(algorithm, key)

    def answer(challenge: bytes) -> bytes:
        if len(challenge) * 8 != cipher.block_size:
            raise StatusWord(0x6700)
        encryptor = Cipher(cipher, modes.ECB()).encryptor()  # noqa: S305  (one block, which is all that ECB is for)
        return encryptor.update(challenge) + encryptor.finalize()

    return answer


def aes_application(card_key: bytes, holder: bytes) -> StaffApplication:
    """The one of config/cards.d/staff-aes128.toml.

    Args:
        card_key: this card's own, 16 bytes.
        holder: the content of EF 0001, as `holder_of` makes it.
    """
    administrator = Pin(b"000000", 3)
    files = {
        0x0001: File(holder),
        0x0002: File(b"THE ISSUER'S", pin=administrator),
        0x001E: File(verifies=administrator),
    }
    return StaffApplication(AID_AES, files, {1: encrypting("aes-128", card_key)})


def holder_of(key_version: int, card_number: bytes, staff_number: str) -> bytes:
    """EF 0001 of that application: key version, card number (7 bytes), staff number (8 characters, spaces after it).

    Raises:
        ValueError: a number has another length.
    """
    if len(card_number) != _CARD_NUMBER_BYTES or len(staff_number) > _STAFF_NUMBER_BYTES:
        raise ValueError("a card number has 7 bytes, a staff number at most 8 characters")
    return bytes([key_version]) + card_number + staff_number.encode("ascii").ljust(_STAFF_NUMBER_BYTES)


def number_application(staff_number: str) -> StaffApplication:
    """The one of config/cards.d/staff-number.toml: a template 70 with the number, C1, in BCD, and a name, C2.

    Args:
        staff_number: digits.
    """
    digits = bytes.fromhex(staff_number + "F" * (len(staff_number) % 2))
    name = "見本".encode("shift_jis")
    objects = b"\xc1" + bytes([len(digits)]) + digits + b"\xc2" + bytes([len(name)]) + name
    return StaffApplication(AID_NUMBER, {0x0001: File(b"\x70" + bytes([len(objects)]) + objects)})


def rsa_application(key: PrivateKey, certificate: bytes) -> StaffApplication:
    """The one of config/cards.d/staff-rsa.toml.

    Args:
        key: RSA, the card's own.
        certificate: over it, DER; its subject's common name is the staff number.
    """
    return StaffApplication(AID_RSA, {0x0003: File(certificate)}, signs={1: signer(key)})

"""A virtual PIV card: what SP 800-73-4 says a card of any maker does, for whoever reads it.

Data objects, keys and their access rules: part 1, section 3 and appendix A; commands and status words: part 2,
section 3. Nothing of it can be changed from outside: whoever would manage the card is refused. Nothing here was
compared with a physical card; OpenSC takes it for one.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Final, TypeAlias

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from kazasu.virtual.card import Command, IsoCard, StatusWord
from kazasu.virtual.files import Pin
from kazasu.virtual.tlv import objects, tlv

if TYPE_CHECKING:
    from collections.abc import Mapping

# PC/SC part 3, 3.1.3.2.3.1: a contactless card of ISO/IEC 14443 type A without historical bytes.
ATR_CONTACTLESS: Final = bytes.fromhex("3B80800101")
ATR_CONTACT: Final = bytes.fromhex("3B808131FE458B")  # ISO/IEC 7816-3: T=1 and nothing else

AID: Final = bytes.fromhex("A000000308000010000100")
_SHORTEST_NAME: Final = AID[:9]  # without the version: part 2, section 3.1.1

CCC: Final = bytes.fromhex("5FC107")
CHUID: Final = bytes.fromhex("5FC102")
SECURITY: Final = bytes.fromhex("5FC106")
PRINTED: Final = bytes.fromhex("5FC109")
DISCOVERY: Final = b"\x7e"
AUTHENTICATION: Final = 0x9A
SIGNATURE: Final = 0x9C
KEY_MANAGEMENT: Final = 0x9D
CARD_AUTHENTICATION: Final = 0x9E
CERTIFICATES: Final = {
    AUTHENTICATION: bytes.fromhex("5FC105"),
    SIGNATURE: bytes.fromhex("5FC10A"),
    KEY_MANAGEMENT: bytes.fromhex("5FC10B"),
    CARD_AUTHENTICATION: bytes.fromhex("5FC101"),
}

_ALWAYS: Final = frozenset({CHUID, DISCOVERY, CERTIFICATES[CARD_AUTHENTICATION]})  # by contact or without
_PIN_FIRST: Final = frozenset({PRINTED})

_PIN_TRIES: Final = 3
_PIN_BYTES: Final = 8
_FEWEST_DIGITS: Final = 6
_PIN_REFERENCE: Final = 0x80
_CHAINED: Final = 0x10
_MOST_CHAINED_BYTES: Final = 4096
_UID_BYTES: Final = 4

PrivateKey: TypeAlias = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


class PivCard(IsoCard):
    """A PIV card.

    Args:
        objects: what GET DATA gives, by tag: the whole answer.
        keys: the private keys, by reference.
        pin: 6 to 8 digits, 3 tries.
        contactless: lies on a reader without contacts, where what wants a PIN is out of reach (there is no virtual
            contact interface on this card).
        atr: see `VirtualCard.atr`; the one of its interface if None.
    """

    def __init__(
        self,
        *,
        objects: Mapping[bytes, bytes],
        keys: Mapping[int, PrivateKey],
        pin: str = "123456",
        contactless: bool = True,
        atr: bytes | None = None,
    ) -> None:
        super().__init__(
            atr or (ATR_CONTACTLESS if contactless else ATR_CONTACT),
            secrets.token_bytes(_UID_BYTES),
            {
                (0x00, 0xA4): self._select,
                (0x00, 0xCB): self._get_data_object,
                (0x00, 0xC0): self._get_response,
                (0x00, 0x20): self._verify,
                (0x00, 0x87): self._general_authenticate,
                (0x10, 0x87): self._general_authenticate,
                # CHANGE REFERENCE DATA, RESET RETRY COUNTER, GENERATE ASYMMETRIC KEY PAIR, PUT DATA
                **{(card_class, instruction): self._manage for card_class in (0x00, 0x10) for instruction in _MANAGING},
            },
        )
        self.pin = Pin(pin.encode("ascii").ljust(_PIN_BYTES, b"\xff"), _PIN_TRIES)
        self.used: set[int] = set()  # references of the keys that were used
        self.objects = dict(objects)  # by tag
        self._keys = dict(keys)
        self._contactless = contactless
        self._rest = b""
        self._chain = b""
        self._chain_header: tuple[int, int, int] | None = None
        self._just_verified = False

    def power_on(self) -> None:
        """Begin anew, with nothing selected and no PIN verified."""
        super().power_on()
        self._leave()

    def power_off(self) -> None:
        """Forget selection and PIN."""
        super().power_off()
        self._leave()

    def reset(self) -> None:
        """A warm reset ends the application, too."""
        self.application = b""
        self._leave()

    def check(self, command: Command) -> None:
        """See that the application is selected, and what a command ends that came before."""
        if command.cla == 0xFF:  # noqa: PLR2004  (the reader answers it)
            return
        if command.ins != 0xA4 and not self.application:  # noqa: PLR2004  (SELECT)
            raise StatusWord(0x6D00)
        if command.ins != 0xC0:  # noqa: PLR2004  (GET RESPONSE)
            self._rest = b""
        if command.ins not in {0x20, 0x87}:  # VERIFY, GENERAL AUTHENTICATE
            self._just_verified = False
        chain = self._chain_header
        if chain is not None and chain != (command.ins, command.p1, command.p2):
            self._chain, self._chain_header = b"", None
            raise StatusWord(0x6883)

    def _leave(self) -> None:
        self.pin.verified = self._just_verified = False
        self._rest = self._chain = b""
        self._chain_header = None

    def _give(self, data: bytes, command: Command) -> bytes:
        """Answer what fits into Le; the rest is for GET RESPONSE (ISO/IEC 7816-4:2020, 11.7.1)."""
        self._rest = data[command.ne :]
        if not self._rest:
            return data
        raise StatusWord(0x6100 | (len(self._rest) if len(self._rest) <= 0xFF else 0), data[: command.ne])  # noqa: PLR2004

    def _get_response(self, command: Command) -> bytes:
        if command.p1 or command.p2:
            raise StatusWord(0x6A86)
        if command.data or not command.ne:
            raise StatusWord(0x6700)
        if not self._rest:
            raise StatusWord(0x6985)
        return self._give(self._rest, command)

    def _select(self, command: Command) -> bytes:
        if (command.p1, command.p2) != (0x04, 0x00):
            raise StatusWord(0x6A86)
        if not AID.startswith(command.data) or not command.data.startswith(_SHORTEST_NAME):
            raise StatusWord(0x6A82)
        self._leave()
        self.application = AID
        authority = tlv(0x79, tlv(0x4F, AID[:5]))
        return self._give(tlv(0x61, tlv(0x4F, AID[5:]) + authority), command)

    def _get_data_object(self, command: Command) -> bytes:
        if (command.p1, command.p2) != (0x3F, 0xFF):
            raise StatusWord(0x6A86)
        if not command.data or not command.ne:
            raise StatusWord(0x6700)
        found = objects(command.data)
        if found is None or found.keys() != {0x5C}:
            raise StatusWord(0x6A80)
        tag = found[0x5C]
        if tag not in self.objects:
            raise StatusWord(0x6A82)
        if self._contactless and tag not in _ALWAYS:
            raise StatusWord(0x6982)
        if tag in _PIN_FIRST and not self.pin.verified:
            raise StatusWord(0x6982)
        return self._give(self.objects[tag], command)

    def _verify(self, command: Command) -> bytes:
        if command.p1 not in {0x00, 0xFF}:
            raise StatusWord(0x6A86)
        if command.p2 != _PIN_REFERENCE:
            raise StatusWord(0x6A88)
        if self._contactless:
            raise StatusWord(0x6982)
        if command.p1:
            if command.data:
                raise StatusWord(0x6A80)
            self.pin.verified = False
            return b""
        if not command.data:  # a question: is it verified, and if not, how many tries are left?
            if self.pin.verified:
                return b""
            raise StatusWord(0x63C0 | self.pin.left if self.pin.left else 0x6983)
        digits = command.data.rstrip(b"\xff")
        if len(command.data) != _PIN_BYTES or len(digits) < _FEWEST_DIGITS or not digits.isdigit():
            raise StatusWord(0x6A80)
        if not self.pin.left:
            raise StatusWord(0x6983)
        self.pin.verify(command.data)
        self._just_verified = True
        return b""

    def _general_authenticate(self, command: Command) -> bytes:
        if command.cla == _CHAINED:
            if command.ne or not command.data:
                raise StatusWord(0x6700)
            self._chain += command.data
            self._chain_header = (command.ins, command.p1, command.p2)
            if len(self._chain) > _MOST_CHAINED_BYTES:
                self._chain, self._chain_header = b"", None
                raise StatusWord(0x6A80)
            return b""
        data, self._chain, self._chain_header = self._chain + command.data, b"", None
        key = self._keys.get(command.p2)
        if key is None or command.p1 != algorithm(key):
            raise StatusWord(0x6A86)
        self._expect_allowed(command.p2)
        self.used.add(command.p2)
        whole = objects(data)
        template = None if whole is None or whole.keys() != {0x7C} else objects(whole[0x7C])
        if template is None or template.keys() != {0x81, 0x82} or template[0x82]:
            raise StatusWord(0x6A80)
        return self._give(tlv(0x7C, tlv(0x82, _sign(key, template[0x81]))), command)

    def _expect_allowed(self, reference: int) -> None:
        """See that a key may be used: 9E always, all others by contact after the PIN, 9C right after it."""
        just_verified, self._just_verified = self._just_verified, False
        if reference == CARD_AUTHENTICATION:
            return
        allowed = just_verified if reference == SIGNATURE else self.pin.verified
        if self._contactless or not allowed:
            raise StatusWord(0x6982)

    def _manage(self, command: Command) -> bytes:
        raise StatusWord(0x6982)


_MANAGING: Final = (0x24, 0x2C, 0x47, 0xDB)


def algorithm(key: PrivateKey) -> int:
    """A key's algorithm identifier: SP 800-78-4, section 6.2.

    Raises:
        KeyError: a PIV card has no such key.
    """
    if isinstance(key, rsa.RSAPrivateKey):
        return {1024: 0x06, 2048: 0x07, 3072: 0x05}[key.key_size]
    return {"secp256r1": 0x11, "secp384r1": 0x14}[key.curve.name]


def _sign(key: PrivateKey, data: bytes) -> bytes:
    """The private key's operation, on what is as long as the key and nothing else."""
    size = (key.key_size + 7) // 8
    if len(data) != size:
        raise StatusWord(0x6A80)
    if isinstance(key, ec.EllipticCurvePrivateKey):
        digest: hashes.HashAlgorithm = {32: hashes.SHA256(), 48: hashes.SHA384()}[size]
        return key.sign(data, ec.ECDSA(Prehashed(digest)))
    numbers = key.private_numbers()
    modulus = numbers.public_numbers.n
    if int.from_bytes(data) >= modulus:
        raise StatusWord(0x6A80)
    return pow(int.from_bytes(data), numbers.d, modulus).to_bytes(size)

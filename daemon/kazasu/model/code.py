"""A person's code and PIN for the keypad: what they may be, how a PIN is kept, and how it is checked.

The code says who it is, as a card would, and the PIN that it is them. What is kept of a PIN is a slow hash (scrypt,
RFC 7914) of what the site's pepper makes of it: a roster alone tells nobody a PIN, and one with the pepper takes time.
A code that nobody has costs a hash, as a wrong PIN does.
"""

from __future__ import annotations

import enum
import hashlib
import hmac
import itertools
from typing import TYPE_CHECKING, Final, Protocol

import msgspec

from kazasu.model.access import Assurance, Cardholder, Credential, Enrolment

if TYPE_CHECKING:
    from collections.abc import Callable

    from kazasu.model.pepper import Pepper

KIND: Final = "code"
"""What an event calls the card that there was not."""

CODE_DIGITS: Final = range(4, 13)
PIN_DIGITS: Final = range(4, 9)

SALT_BYTES: Final = 16
_DIGEST_BYTES: Final = 32
_COST: Final = 2**14  # N; with r = 8 one hash takes 128 * r * N = 16 MiB, which a Pi Zero 2 W has to spare once
_BLOCK: Final = 8
_PARALLEL: Final = 1
_MEMORY_BYTES: Final = 2 * 128 * _BLOCK * _COST  # OpenSSL wants a little more than the hash's own
_KIND_OF_PIN: Final = "code-pin"
_ODD_STEPS: Final = ({0}, {1}, {9})  # 0000, 1234, 4321; from 9 it goes on with 0


class Pseudonyms(Protocol):
    """What the site's pepper makes of a secret: cards.pseudonym.Pseudonymizer."""

    def pseudonym(self, kind: str, *parts: bytes) -> str:
        """32 lower-case hexadecimal digits."""
        ...


class KeptPin(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept of a person's PINs.

    Attributes:
        salt: 16 random bytes, new with each change; both PINs have the same, so that one hash tells.
        digest: 32 bytes: scrypt, N = 16384, r = 8, p = 1; and what each later layer of the pepper makes of it.
        duress_digest: of the other PIN, which says that somebody is being forced; None without one.
    """

    salt: bytes
    digest: bytes
    duress_digest: bytes | None = None

    def __repr__(self) -> str:
        """Rule 7: few digits are soon guessed from their hash, so it is shown nowhere."""
        return "KeptPin(…)"


class CodeHolder(msgspec.Struct, frozen=True, kw_only=True):
    """Whose a code is, and what is kept of its PIN.

    Attributes:
        cardholder: whose.
        kept: of its PIN.
        layer: of the pepper, that it is kept under; None: the first.
    """

    cardholder: Cardholder
    kept: KeptPin
    layer: str | None = None

    def enrolment(self, pseudonym: str) -> Enrolment:
        """The person as if by a card; what a code has to prove, policy and services say."""
        return Enrolment(
            credential=Credential(pseudonym=pseudonym, cardholder=self.cardholder.number, min_assurance=Assurance.CODE),
            cardholder=self.cardholder,
        )


class Checked(enum.Enum):
    """What a PIN turned out to be."""

    WRONG = enum.auto()
    RIGHT = enum.auto()
    DURESS = enum.auto()


def code_pseudonym(peppered: Pseudonyms, code: str) -> str:
    """Under which a code is known and recorded."""
    return peppered.pseudonym(KIND, code.encode())


def pin_secret(peppered: Pseudonyms, code: str, pin: str) -> str:
    """What is hashed of a PIN: the same PIN of another code is another secret."""
    return peppered.pseudonym(_KIND_OF_PIN, code.encode(), pin.encode())


def digest(secret: str, salt: bytes) -> bytes:
    """Hash a PIN's secret: 32 bytes; slow on purpose, so never in the terminal's thread.

    Raises:
        ValueError: the salt is not 16 bytes.
    """
    if len(salt) != SALT_BYTES:
        raise ValueError(f"a salt has {SALT_BYTES} bytes, not {len(salt)}")
    return hashlib.scrypt(
        secret.encode(), salt=salt, n=_COST, r=_BLOCK, p=_PARALLEL, maxmem=_MEMORY_BYTES, dklen=_DIGEST_BYTES
    )


def keep(peppered: Pseudonyms, code: str, pin: str, forced: str | None, salt: bytes) -> KeptPin:
    """Make of a person's PINs what is kept of them; `forced` is the PIN of duress, if there is one."""
    return KeptPin(
        salt=salt,
        digest=digest(pin_secret(peppered, code, pin), salt),
        duress_digest=None if forced is None else digest(pin_secret(peppered, code, forced), salt),
    )


def lifted(kept: KeptPin, pepper: Pepper, since: str, to: str) -> KeptPin:
    """What is kept of a person's PINs under the same or a later layer of the pepper.

    Raises:
        ValueError: see Pepper.lifted_pin.
    """
    forced = kept.duress_digest
    return msgspec.structs.replace(
        kept,
        digest=pepper.lifted_pin(kept.digest, since, to),
        duress_digest=None if forced is None else pepper.lifted_pin(forced, since, to),
    )


_NO_DIGEST: Final = bytes(_DIGEST_BYTES)
_NOBODY: Final = KeptPin(salt=bytes(SALT_BYTES), digest=_NO_DIGEST)


def check(secret: str, kept: KeptPin | None, hashed: Callable[[str, bytes], bytes] = digest) -> Checked:
    """Say what a PIN is; `None`, for a code that nobody has, costs the same hash and is always wrong."""
    expected = kept or _NOBODY
    entered = hashed(secret, expected.salt)
    right = hmac.compare_digest(entered, expected.digest)
    duress = hmac.compare_digest(entered, expected.duress_digest or _NO_DIGEST)
    if kept is None:
        return Checked.WRONG
    if right:
        return Checked.RIGHT
    return Checked.DURESS if duress and kept.duress_digest is not None else Checked.WRONG


def code_weakness(code: str) -> str:
    """Why digits are no code; empty if they are one."""
    return "" if _has_digits(code, CODE_DIGITS) else f"a code has {CODE_DIGITS.start} to {CODE_DIGITS.stop - 1} digits"


def weakness(pin: str, *others: str) -> str:
    """Why a PIN is too easily guessed; empty if it is not, as far as its digits tell.

    Args:
        pin: as entered.
        others: what it must not be: the code, the person's number, the other PIN.
    """
    if not _has_digits(pin, PIN_DIGITS):
        return f"a PIN has {PIN_DIGITS.start} to {PIN_DIGITS.stop - 1} digits"
    steps = {(int(second) - int(first)) % 10 for first, second in itertools.pairwise(pin)}
    half, odd = divmod(len(pin), 2)
    if steps in _ODD_STEPS or (not odd and pin[:half] == pin[half:]):
        return "equal digits, digits in a row and a pair said twice are guessed first"
    if pin in others:
        return "the code, the person's number and the other PIN are guessed first"
    return ""


def _has_digits(text: str, length: range) -> bool:
    return text.isascii() and text.isdecimal() and len(text) in length

"""A profile of a staff application, TOML: each issuer lays out the My Number Card's free area in its own way.

What follows from a single key is checked by its table; `mistakes` checks what several of them make together.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal, TypeAlias

from msgspec import Meta

from kazasu.cards.guard import application
from kazasu.cards.staff_commands import fault_of_authentication, fault_of_step
from kazasu.cards.staff_cut import CERTIFICATE, Cut, Hex, Number, Part
from kazasu.model.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterator

StatusWord: TypeAlias = Annotated[str, Meta(pattern=r"^(?!61|6C|6c)[69][0-9A-Fa-f]{3}\Z")]
Place: TypeAlias = tuple[str | int, ...]

_KEY_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")
_LONGEST_AN10922_BYTES: Final = {16: 31, 8: 15}  # by the cipher's block; rev. 2.2, sections 2.2 to 2.5
_LOOKS_LIKE_A_KEY: Final = re.compile(r"[0-9a-f]{32}")

# Each has a kind of its own, which reads what may be read there and nothing else.
_OTHERS_APPLICATIONS: Final = {
    bytes.fromhex("D392F000260100000001"): "JPKI's, with the keys and certificates for signatures; it is read by the"
    ' kind "jpki"',
    bytes.fromhex("D3921000310001010100"): 'the common card application; it is read by the kind "common"',
}


class Step(Table, frozen=True, kw_only=True):
    """[[steps]]: a command, sent in the order of the file.

    Attributes:
        name: for the cuts, and in messages.
        apdu: the whole command.
        answers: the status words that mean success.
    """

    name: Annotated[
        str, Meta(pattern=r"^[a-z0-9][a-z0-9_ -]{0,31}\Z", description="1 to 32 of a-z, 0-9, _, - and space")
    ]
    apdu: Hex
    answers: Annotated[
        tuple[StatusWord, ...],
        Meta(min_length=1, description='a list of status words, such as ["9000"]; 61xx and 6Cxx are followed anyway'),
    ] = ("9000",)

    def __post_init__(self) -> None:
        fault = fault_of_step(bytes.fromhex(self.apdu))
        if fault is not None:
            raise ValueError(f"apdu: {fault}")
        if self.name == CERTIFICATE:
            raise ValueError('name: "certificate" is the name for what [signature] reads')


class InternalAuthentication(Table, frozen=True, kw_only=True):
    """[internal_authentication]: the card answers a challenge under its own key, derived from the site's.

    Attributes:
        algorithm: of the card's key.
        key: the site's key, by its name in the key file.
        derivation: how the card's key comes of it.
        input: what it is diversified with, part after part.
        command: INTERNAL AUTHENTICATE up to P2.
        challenge_bytes: how long the challenge is; None for a block of the cipher.
        answer: the challenge encrypted, or its CMAC (NIST SP 800-38B).
        answer_bytes: the length of the CMAC, cut from the left; None for all of it.
        version: where the card says under which version of the key it was made; None: any version's will do.
    """

    algorithm: Literal["aes-128", "aes-256", "3des"]
    key: str
    derivation: Literal["an10922", "sp800-108-cmac"]
    input: Annotated[tuple[Part, ...], Meta(min_length=1)]
    command: Hex = "00880000"
    challenge_bytes: Literal[8, 16] | None = None
    answer: Literal["encryption", "cmac"] = "encryption"
    answer_bytes: Literal[8, 16] | None = None
    version: Cut | None = None

    def __post_init__(self) -> None:
        fault = fault_of_authentication(bytes.fromhex(self.command))
        if fault is not None or not self.command.startswith("0088"):
            raise ValueError(f"command: {fault or 'COMPUTE DIGITAL SIGNATURE belongs to [signature]'}")
        if self.answer == "encryption" and self.challenge_bytes not in {None, self.block_bytes}:
            raise ValueError(f"challenge_bytes: with {self.algorithm} one block is encrypted, {self.block_bytes} bytes")
        if self.answer_bytes is not None and (self.answer != "cmac" or self.answer_bytes > self.block_bytes):
            raise ValueError(f"answer_bytes: only a CMAC is cut, and it has {self.block_bytes} bytes at most")
        if not self.cuts:
            raise ValueError("input: needs a cut from what the card answers, or all cards have one key")
        longest = _LONGEST_AN10922_BYTES[self.block_bytes]
        if self.derivation == "an10922" and self.input_bytes > longest:
            raise ValueError(
                f"input: has {self.input_bytes} bytes; AN10922 takes {longest} at most with {self.algorithm}"
            )
        if self.version is not None and self.version.length not in {None, 1}:
            raise ValueError("version: a key version is one byte")
        if _KEY_NAME.fullmatch(self.key) is None or _LOOKS_LIKE_A_KEY.fullmatch(self.key):
            # Without a word of what stands there.
            raise ValueError("key: write the name that the key has in the key file, and never the key itself")

    @property
    def block_bytes(self) -> int:
        """The cipher's block length."""
        return 8 if self.algorithm == "3des" else 16

    @property
    def input_bytes(self) -> int:
        """The length of the diversification input."""
        return sum((part.length or 0) if part.fixed is None else len(part.fixed) // 2 for part in self.input)

    @property
    def cuts(self) -> tuple[Cut, ...]:
        """What of the card's answers its key depends on."""
        return tuple(part.cut for part in self.input if part.fixed is None)


class Signature(Table, frozen=True, kw_only=True):
    """[signature]: the card signs a challenge, and its certificate is from a CA that is named here.

    Attributes:
        ca: the CA certificates, PEM.
        certificate_file: the identifier of the EF with the certificate, DER.
        command: INTERNAL AUTHENTICATE or COMPUTE DIGITAL SIGNATURE up to P2.
        sends: the challenge as it is, its hash, or that as PKCS #1's DigestInfo.
        challenge_bytes: how long it is.
        hash: what is signed is hashed so.
        padding: of RSA.
        ec_signature: of EC: DER, or r and s one after the other.
    """

    ca: Annotated[tuple[Path, ...], Meta(min_length=1, description="a list of one PEM file or more")]
    certificate_file: Annotated[str, Meta(pattern=r"^[0-9A-Fa-f]{4}\Z", description="4 hexadecimal digits")]
    command: Hex = "00880000"
    sends: Literal["challenge", "hash", "digest_info"] = "challenge"
    challenge_bytes: Annotated[int, Meta(ge=16, le=128, description="a number of bytes, 16 to 128")] = 32
    hash: Literal["sha256", "sha384", "sha512"] = "sha256"
    padding: Literal["pkcs1", "pss"] = "pkcs1"
    ec_signature: Literal["der", "plain"] = "der"

    def __post_init__(self) -> None:
        fault = fault_of_authentication(bytes.fromhex(self.command))
        if fault is not None:
            raise ValueError(f"command: {fault}")
        fault = fault_of_step(bytes.fromhex(f"00A4020C02{self.certificate_file}"))
        if fault is not None:
            raise ValueError(f"certificate_file: {fault}")


class Profile(Table, frozen=True, kw_only=True):
    """The whole file.

    Attributes:
        aid: the application's, all of it.
        authentication: what the card has to prove.
        steps: commands before that, in order.
        number: where the staff number is.
    """

    aid: Hex
    authentication: Literal["none", "internal", "signature"]
    number: Number
    steps: Annotated[tuple[Step, ...], Meta(max_length=32, description="at most 32 [[steps]]")] = ()
    internal_authentication: InternalAuthentication | None = None
    signature: Signature | None = None

    @property
    def application(self) -> bytes:
        """The AID."""
        return bytes.fromhex(self.aid)


def mistakes(profile: Profile) -> Iterator[tuple[Place, str]]:
    """What is wrong with a profile whose tables are sound: where, and in words."""
    fault = _fault_of_aid(profile.application)
    if fault is not None:
        yield ("aid",), fault
    for method, table in (("internal", "internal_authentication"), ("signature", "signature")):
        if (profile.authentication == method) != (getattr(profile, table) is not None):
            yield ("authentication",), f'[{table}] belongs to authentication = "{method}", and that needs it'
    names = [step.name for step in profile.steps]
    for index, name in enumerate(names):
        if name in names[:index]:
            yield ("steps", index, "name"), f"two steps are called {name!r}"
    if profile.authentication != "signature" and profile.number.from_ == CERTIFICATE:
        yield ("number", "from"), 'only with authentication = "signature" is a certificate read'
    for place, name in _sources(profile):
        if name not in names:
            there = f"there are: {', '.join(names)}" if names else "there are no [[steps]]"
            yield place, f"no step is called {name!r}; {there}"


def _fault_of_aid(aid: bytes) -> str | None:
    try:
        application(aid)
    except ValueError as error:
        return f"{error}; write the AID of the staff application, all of it"
    for others, words in _OTHERS_APPLICATIONS.items():
        if others.startswith(aid) or aid.startswith(others):
            return f"{aid.hex().upper()} selects {words}; write the AID of the staff application, all of it"
    return None


def _sources(profile: Profile) -> Iterator[tuple[Place, str]]:
    """Each step that is named, and where."""
    if profile.number.from_ != CERTIFICATE:
        yield ("number", "from"), profile.number.from_
    internal = profile.internal_authentication
    if internal is not None:
        for index, part in enumerate(internal.input):
            if part.from_ is not None:
                yield ("internal_authentication", "input", index), part.from_
        if internal.version is not None:
            yield ("internal_authentication", "version"), internal.version.from_

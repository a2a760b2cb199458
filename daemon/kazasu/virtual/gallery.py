"""A card of each kind, a copy of each, and what a site configures to read them: for the demo, the tests and the bench.

A copy holds everything that can be read off its original, and none of its keys.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Final, NamedTuple

from cryptography.hazmat.primitives.serialization import Encoding

from kazasu.cards.diversification import aes_key
from kazasu.cards.felica_lite_s import made_for
from kazasu.model.access import Assurance
from kazasu.virtual.desfire import DesfireCard, DesfireFile, DesfireKey
from kazasu.virtual.felica import FelicaCard
from kazasu.virtual.felica_lite_s import LiteSCard
from kazasu.virtual.files import File, FileCard
from kazasu.virtual.issuer import JpkiIssuer, rsa_key
from kazasu.virtual.jpki import AID_COMMON, ATR_CONTACTLESS
from kazasu.virtual.mifare import MifareCard
from kazasu.virtual.piv_issuer import PivIssuer, clone, ec_key
from kazasu.virtual.staff import Person
from kazasu.virtual.staff_card import AID_AES, aes_application, holder_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from kazasu.virtual.card import VirtualCard

AID_DESFIRE: Final = bytes.fromhex("F53042")
_SYSTEM: Final = b"kazasu"
_CARD_NUMBER: Final = bytes.fromhex("04782E21801D80")

_STAFF_PROFILE: Final = """\
aid = "F04B415A5553550101"
authentication = "internal"
[[steps]]
name = "holder"
apdu = "00B0810010"
[number]
from = "holder"
offset = 8
length = 8
encoding = "ascii"
[internal_authentication]
algorithm = "aes-128"
key = "staff"
derivation = "an10922"
input = [{ from = "holder", offset = 1, length = 15 }, { fixed = "F04B415A5553550101" }]
version = { from = "holder", offset = 0 }
command = "00880081"
"""


class Exhibit(NamedTuple):
    """A card.

    Attributes:
        words: what it is.
        kind: who reads it.
        proves: what the read proves.
        card: the original.
        copy: what a copyist has.
    """

    words: str
    kind: str
    proves: Assurance
    card: VirtualCard
    copy: VirtualCard


class Gallery:
    """The cards, with the files that reading them needs.

    Args:
        directory: the configuration's; files and keys are written there.
        issuer: of My Number Cards; its CA certificate is there as authca.pem.
    """

    kinds = ("desfire", "piv", "staff", "jpki", "felica", "mifare", "common")
    """As they stand in `cards.kinds`."""

    def __init__(self, directory: Path, issuer: JpkiIssuer) -> None:
        self._issuer = issuer
        lengths_bytes = {"staff": 16, "staff-desfire": 16, "badge-felica": 24}
        self._keys = {name: secrets.token_bytes(length) for name, length in lengths_bytes.items()}
        self._piv = PivIssuer()
        (directory / "piv-ca.pem").write_bytes(self._piv.ca_certificate.public_bytes(Encoding.PEM))
        (directory / "staff.toml").write_text(_STAFF_PROFILE)
        key_file = directory / "keys" / "cards.toml"
        key_file.touch(0o600)
        key_file.write_text("".join(f'[{name}]\n1 = "{key.hex()}"\n' for name, key in self._keys.items()))
        self.exhibits = tuple(self._exhibits())

    @property
    def tables(self) -> str:
        """What stands in the configuration, beside [cards.jpki]."""
        return f"""
[cards.desfire]
aid = "{AID_DESFIRE.hex()}"
key = "staff-desfire"
key_number = 3
system_identifier = "{_SYSTEM.hex()}"
file = 2
length = 8

[cards.felica]
key = "badge-felica"
service_block = {{}}

[cards.piv]
ca = ["piv-ca.pem"]

[cards.staff]
profiles = ["staff.toml"]
"""

    @property
    def people(self) -> tuple[Person, ...]:
        """One for each card, to be enrolled with what its read proves."""
        cards = [(exhibit.words, exhibit.card) for exhibit in self.exhibits]
        return tuple(
            Person(f"20{number:02}", f"Holder {number}", words, card) for number, (words, card) in enumerate(cards, 1)
        )

    def _exhibits(self) -> Iterator[Exhibit]:
        certificate = self._issuer.certificate(rsa_key("exhibit").public_key())
        yield Exhibit(
            "My Number Card, without its PIN",
            "jpki",
            Assurance.SIGNED_DATA,
            self._issuer.card(rsa_key("exhibit"), certificate),
            self._issuer.card(None, certificate),
        )
        yield Exhibit(
            "My Number Card by the site's own application",
            "staff",
            Assurance.CHALLENGE,
            self._with_staff_application(self._keys["staff"]),
            self._with_staff_application(secrets.token_bytes(16)),
        )
        for words, key in (("P-256", ec_key("exhibit")), ("RSA-2048", rsa_key("piv exhibit"))):
            piv = self._piv.card(key)
            yield Exhibit(f"PIV by its card authentication key, {words}", "piv", Assurance.CHALLENGE, piv, clone(piv))
        for words, ev2 in (("DESFire EV2", True), ("DESFire EV1", False)):
            genuine = self._desfire(ev2=ev2)
            yield Exhibit(f"{words} under its own AES key", "desfire", Assurance.CHALLENGE, genuine, genuine.copy())
        badge = self._badge()
        yield Exhibit("FeliCa Lite-S under its own card key", "felica", Assurance.CHALLENGE, badge, badge.copy())
        yield self._copied_whole("FeliCa by a number in the common-use format", "felica", _student)
        yield self._copied_whole("FeliCa by its IDm", "felica", lambda: FelicaCard(bytes.fromhex("0114B00100000009")))
        yield self._copied_whole("MIFARE by its UID", "mifare", lambda: MifareCard(bytes.fromhex("04A1B2C3D4E590")))
        yield self._copied_whole(
            "My Number Card without certificates, by its common application", "common", self._with_common_application
        )

    def _with_staff_application(self, key: bytes) -> VirtualCard:
        holder = holder_of(1, _CARD_NUMBER, "00002002")
        card = FileCard(ATR_CONTACTLESS, b"", {})
        aes_application(aes_key(key, holder[1:] + AID_AES), holder).load_on(card)
        return card

    def _desfire(self, *, ev2: bool) -> DesfireCard:
        uid = bytes.fromhex("04A1B2C3D4E580") if ev2 else bytes.fromhex("04A1B2C3D4E581")
        key = aes_key(self._keys["staff-desfire"], uid + AID_DESFIRE + _SYSTEM)
        number = b"00002003" if ev2 else b"00002004"
        return DesfireCard(uid, AID_DESFIRE, {3: DesfireKey(key)}, {2: DesfireFile(number, 3)}, ev2=ev2)

    def _badge(self) -> LiteSCard:
        idm = bytes.fromhex("012E4CD8A3F2B07C")
        return LiteSCard(idm, made_for(self._keys["badge-felica"], idm + bytes(8)))

    def _with_common_application(self) -> VirtualCard:
        record = b"\x01\x1c" + b"000000000000009" + b"00010" + b"20301231"
        return FileCard(ATR_CONTACTLESS, b"", {AID_COMMON: {0x0001: File(records=(record,))}})

    def _copied_whole(self, words: str, kind: str, make: Callable[[], VirtualCard]) -> Exhibit:
        """A card without a key: its copy is its like."""
        return Exhibit(words, kind, Assurance.SERIAL, make(), make())


def _student() -> FelicaCard:
    blocks = {bytes.fromhex("1A8B"): [b"01" + b"000000002008" + b"00"]}
    return FelicaCard(bytes.fromhex("0114B00100000008"), systems={bytes.fromhex("FE00"): blocks})

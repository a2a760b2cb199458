"""Staff applications with their profiles: the examples of config/cards.d on virtual cards, and others."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.serialization import Encoding

from fakes.clock import FakeClock
from kazasu.cards import staff
from kazasu.cards.identify import CardKinds
from kazasu.cards.keyring import KeyRing, SecretKey, VersionedKey
from kazasu.cards.kind import Tools
from kazasu.cards.pseudonym import Pseudonymizer
from kazasu.cards.staff_derivation import derive
from kazasu.model.access import Assurance
from kazasu.readers.demand import FixedDemand
from kazasu.virtual.files import FileCard
from kazasu.virtual.issuer import JpkiIssuer, rsa_key
from kazasu.virtual.jpki import ATR_CONTACTLESS
from kazasu.virtual.staff_card import AID_AES, aes_application, holder_of, number_application, rsa_application

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from kazasu.cards.staff import Staff
    from kazasu.virtual.staff_card import StaffApplication

EXAMPLES = Path(__file__).parents[2] / "config" / "cards.d"
PEPPER = bytes(range(32))
KEYS = {1: bytes(range(16)), 2: bytes(range(16, 32))}
CARD_NUMBER = bytes.fromhex("04782E21801D80")
STAFF_NUMBER = "00001001"
ISSUER = JpkiIssuer(rsa_key("staff authority"))
CARD_KEY = rsa_key("staff card")


def ring(keys: Mapping[int, bytes], name: str = "staff") -> KeyRing:
    """A key ring with one key in these versions."""
    return KeyRing({name: VersionedKey(name, {number: SecretKey(key) for number, key in keys.items()})}, "cards.toml")


def clock() -> FakeClock:
    """Stands where the issuer's certificates are valid."""
    fake = FakeClock()
    fake.at = ISSUER.ca_certificate.not_valid_before_utc
    fake.advance(400 * 86400)
    return fake


def kind_of(
    *profiles: Path,
    keys: KeyRing | None = None,
    random: Callable[[int], bytes] = secrets.token_bytes,
    at: FakeClock | None = None,
) -> Staff:
    """The kind, as the daemon builds it."""
    tools = Tools(
        pseudonymizer=Pseudonymizer(PEPPER),
        clock=at or clock(),
        keys=ring(KEYS) if keys is None else keys,
        demand=FixedDemand(Assurance.SERIAL),
        random=random,
    )
    return staff.build(staff.Settings(profiles=profiles), tools)


def kinds_of(*profiles: Path, **tools: object) -> CardKinds:
    """The same, asked as the daemon asks."""
    return CardKinds([kind_of(*profiles, **tools)])  # type: ignore[arg-type]


def with_example(folder: Path, name: str) -> Path:
    """An example as an installer copies it, with the CA certificate that it names beside it."""
    profile = folder / f"{name}.toml"
    profile.write_text((EXAMPLES / profile.name).read_text())
    (folder / "staff-ca.pem").write_bytes(ISSUER.ca_certificate.public_bytes(Encoding.PEM))
    return profile


def aes(version: int = 1, number: str = STAFF_NUMBER, card_number: bytes = CARD_NUMBER) -> StaffApplication:
    """What the issuer loads under the first example, key and all."""
    holder = holder_of(version, card_number, number)
    return aes_application(derive("an10922", "aes-128", KEYS[version], holder[1:] + AID_AES), holder)


def number_only(number: str = STAFF_NUMBER) -> StaffApplication:
    """What the issuer loads under the second."""
    return number_application(number)


def rsa(number: str = STAFF_NUMBER) -> StaffApplication:
    """What the issuer loads under the third."""
    certificate = ISSUER.certificate(CARD_KEY.public_key(), common_name=number)
    return rsa_application(CARD_KEY, certificate.public_bytes(Encoding.DER))


def card_with(*applications: StaffApplication, on_my_number_card: bool = False) -> FileCard:
    """A card in the field."""
    card = ISSUER.card(CARD_KEY) if on_my_number_card else FileCard(ATR_CONTACTLESS, b"", {})
    for application in applications:
        application.load_on(card)
    card.power_on()
    return card

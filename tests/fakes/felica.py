"""FeliCa cards of a site, and the kind as the site configures it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from fakes.card_channel import FakeCardChannel
from fakes.clock import FakeClock
from kazasu.cards.felica import Felica, Settings, build
from kazasu.cards.felica_lite_s import made_for
from kazasu.cards.identify import CardKinds
from kazasu.cards.keyring import KeyRing, SecretKey, VersionedKey
from kazasu.cards.kind import Tools
from kazasu.cards.pseudonym import Pseudonymizer
from kazasu.model.access import Assurance
from kazasu.readers.demand import FixedDemand
from kazasu.virtual.felica import FelicaCard
from kazasu.virtual.felica_lite_s import LiteSCard

if TYPE_CHECKING:
    from collections.abc import Callable

    from fakes.card_channel import AnswersApdus
    from kazasu.model.access import Identifier
    from kazasu.virtual.felica_reader import FelicaReader

IDM = bytes.fromhex("012E4CD8A3F2B07C")
OTHER_IDM = bytes.fromhex("012E4CD8A3F2B07D")
PMM = bytes.fromhex("0120220427674EFF")
MASTER = bytes(range(1, 25))
OLD_MASTER = bytes(range(25, 49))
CARD_KEY = bytes(range(1, 17))
PEPPER = bytes(range(32))
NUMBER = b"001001000042"
FCF, FCF_SERVICE = bytes.fromhex("FE00"), bytes.fromhex("1A8B")
TRANSPORT = bytes.fromhex("0003")

PSEUDONYMIZER = Pseudonymizer(PEPPER)


def site(random: Callable[[int], bytes] | None = None, **settings: Any) -> Felica:
    """The kind, with these settings."""
    keys = {
        "badge": VersionedKey("badge", {1: SecretKey(OLD_MASTER), 2: SecretKey(MASTER)}),
        "shared": VersionedKey("shared", {2: SecretKey(CARD_KEY)}),
    }
    tools = Tools(PSEUDONYMIZER, FakeClock(), KeyRing(keys, "cards.toml"), FixedDemand(Assurance.SERIAL))
    if random is not None:
        tools = tools._replace(random=random)
    return build(msgspec.convert(settings, Settings), tools)


def lite_s(reader: FelicaReader | None = None, *, idm: bytes = IDM, version: int = 2, **rest: Any) -> LiteSCard:
    """A badge of the site's, with a key of its own."""
    master = {1: OLD_MASTER}.get(version, MASTER)
    return LiteSCard(idm, made_for(master, idm + bytes(8)), version, reader=reader, **rest)


def student(reader: FelicaReader | None = None, block: bytes = b"01" + NUMBER + b"00") -> FelicaCard:
    """A card with a system for transport, and the common-use format beside it."""
    systems = {TRANSPORT: {bytes.fromhex("090F"): [bytes(16)]}, FCF: {FCF_SERVICE: [block]}}
    return FelicaCard(IDM, PMM, systems, reader)


def transit(reader: FelicaReader | None = None) -> FelicaCard:
    """A card for trains alone."""
    return FelicaCard(IDM, PMM, {TRANSPORT: {bytes.fromhex("090F"): [bytes(16)]}}, reader)


def read(kind: Felica, card: FelicaCard, remove_at: int | None = None) -> Identifier:
    """Tap a card, as the daemon reads it."""
    card.power_on()
    return CardKinds([kind]).identify(FakeCardChannel(card, remove_at), card.atr)


class Overheard:
    """A card whose answers somebody writes down.

    Args:
        card: in the field.
    """

    def __init__(self, card: AnswersApdus) -> None:
        self._card = card
        self.answers: list[bytes] = []

    def transmit(self, apdu: bytes) -> bytes:
        self.answers.append(self._card.transmit(apdu))
        return self.answers[-1]

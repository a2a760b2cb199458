"""What a tap moves over the air: bytes of commands and answers, status words included, and command APDUs."""

from __future__ import annotations

import datetime as dt
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.serialization import Encoding

from fakes.card_channel import FakeCardChannel
from fakes.clock import FakeClock
from kazasu.cards.felica import Felica
from kazasu.cards.identify import CardKinds
from kazasu.cards.jpki import Jpki
from kazasu.cards.mifare import Mifare
from kazasu.cards.pseudonym import Pseudonymizer
from kazasu.virtual.felica import FelicaCard
from kazasu.virtual.issuer import JpkiIssuer, rsa_key
from kazasu.virtual.mifare import MifareCard

if TYPE_CHECKING:
    from kazasu.cards.kind import CardKind
    from kazasu.virtual.card import VirtualCard

Row = dict[str, Any]

WARM_TARGET_BYTES = 500
US_A_BYTE = 94  # at 106 kbit/s, ISO/IEC 14443-3


def run(quick: bool) -> list[Row]:
    """Counts, so one round is as good as many."""
    del quick
    issuer = JpkiIssuer()
    with tempfile.TemporaryDirectory() as directory:
        ca_file = Path(directory) / "ca.pem"
        ca_file.write_bytes(issuer.ca_certificate.public_bytes(Encoding.PEM))
        pseudonymizer = Pseudonymizer(bytes(range(32)))
        card = issuer.card(rsa_key("air"))
        clock = FakeClock(dt.datetime.now(dt.UTC))
        kinds: list[CardKind] = [Jpki([ca_file], pseudonymizer, clock), Felica(pseudonymizer), Mifare(pseudonymizer)]
        reader = CardKinds(kinds)
        short = CardKinds([Jpki([ca_file], pseudonymizer, clock)])
        plain = issuer.card(rsa_key("air"), no_extended=True)
        return [
            _row("jpki, cold, extended read", reader, card),
            _row("jpki, warm", reader, card, WARM_TARGET_BYTES),
            _row("jpki, cold, short reads only", short, plain),
            _row("felica", reader, FelicaCard(bytes.fromhex("0114B00100000001"))),
            _row("mifare", reader, MifareCard(bytes.fromhex("04A1B2C3D4E580"))),
        ]


def _row(name: str, reader: CardKinds, card: VirtualCard, target_bytes: int | None = None) -> Row:
    card.power_on()
    channel = FakeCardChannel(card)
    identifier = reader.identify(channel, card.atr)
    card.power_off()
    return {
        "name": f"on the air: {name}",
        "value": channel.air_bytes,
        "unit": "bytes",
        "ratio": None,
        "target": None if target_bytes is None else f"≤ {target_bytes} bytes",
        "ok": None if target_bytes is None else channel.air_bytes <= target_bytes,
        "note": f"{len(channel.sent)} APDUs, about {channel.air_bytes * US_A_BYTE / 1000:.0f} ms of it at 106 kbit/s; "
        f"{identifier.assurance.word}",
    }

"""What one tap moves over the air: APDUs and bytes, commands and answers with their status words.

Each byte costs about 94 µs at 106 kbit/s, so this is what a person waits for. A storage card's number is counted as
the program asks for it; the reader has it from the card already.

    python tests/bench/bench_air.py
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from cryptography.hazmat.primitives.serialization import Encoding

from fakes.card_channel import FakeCardChannel
from fakes.clock import FakeClock
from kazasu.cards.felica import Felica
from kazasu.cards.identify import CardKinds
from kazasu.cards.jpki import Jpki
from kazasu.cards.mifare import Mifare
from kazasu.cards.pseudonym import Pseudonymizer
from kazasu.model.moment import TimeSource
from kazasu.virtual.felica import FelicaCard
from kazasu.virtual.issuer import JpkiIssuer, rsa_key
from kazasu.virtual.mifare import MifareCard

if TYPE_CHECKING:
    from kazasu.virtual.card import VirtualCard

Row = dict[str, Any]
WARM_BYTES = 500
BYTE_US = 94  # 106 kbit/s, with the frames around it


def run(quick: bool) -> list[Row]:
    """Count; quick or not is the same, since every tap moves the same bytes."""
    issuer = JpkiIssuer()
    with tempfile.TemporaryDirectory() as directory:
        ca_file = Path(directory) / "ca.pem"
        ca_file.write_bytes(issuer.ca_certificate.public_bytes(Encoding.PEM))
        pseudonymizer = Pseudonymizer(bytes(range(32)))
        # With the clock unset no date of a certificate matters.
        jpki = Jpki([ca_file], pseudonymizer, FakeClock(source=TimeSource.NONE))
        kinds = CardKinds([jpki, Felica(pseudonymizer), Mifare(pseudonymizer)])
    plastic = issuer.card(rsa_key("bench"))
    return [
        _row("jpki, cold", kinds, plastic, None),
        _row("jpki, warm", kinds, plastic, WARM_BYTES),
        _row("felica", kinds, FelicaCard(bytes.fromhex("0114B00100000001")), None),
        _row("mifare", kinds, MifareCard(bytes.fromhex("04A1B2C3D4E580")), None),
    ]


def _row(name: str, kinds: CardKinds, card: VirtualCard, target: int | None) -> Row:
    card.power_on()
    channel = FakeCardChannel(card)
    identifier = kinds.identify(channel, card.atr)
    card.power_off()
    moved = channel.air_bytes
    return {
        "name": f"on the air, {name}",
        "value": moved,
        "unit": "bytes",
        "ratio": None,
        "target": target,
        "ok": target is None or moved <= target,
        "note": f"{len(channel.sent)} APDUs, {identifier.assurance.word}, about {moved * BYTE_US / 1000:.0f} ms",
    }


if __name__ == "__main__":
    for row in run(quick="--quick" in sys.argv):
        print(row)

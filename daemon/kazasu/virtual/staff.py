"""Five staff with the cards they carry, and the roster that knows them."""

from __future__ import annotations

import csv
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from kazasu.virtual.felica import FelicaCard
from kazasu.virtual.issuer import rsa_key
from kazasu.virtual.mifare import MifareCard

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from kazasu.ports.readers import CardIdentifier
    from kazasu.virtual.card import VirtualCard
    from kazasu.virtual.issuer import JpkiIssuer


class Person(NamedTuple):
    """One of the staff, with the card that they carry."""

    number: str
    name: str
    carries: str
    card: VirtualCard


class WithoutCard(NamedTuple):
    """Somebody who has none."""

    number: str
    name: str


def staff_of(issuer: JpkiIssuer) -> tuple[Person, ...]:
    """Two with a My Number Card of this issuer, two with FeliCa, one with MIFARE."""
    return (
        Person("1001", "山田 花子", "My Number Card", issuer.card(rsa_key("1001"))),
        Person("1002", "佐藤 健", "My Number Card", issuer.card(rsa_key("1002"))),
        Person("1003", "鈴木 一郎", "FeliCa", FelicaCard(bytes.fromhex("0114B00100000001"))),
        Person("1004", "Maria Tanaka", "FeliCa", FelicaCard(bytes.fromhex("0114B00100000002"))),
        Person("1005", "高橋 実", "MIFARE", MifareCard(bytes.fromhex("04A1B2C3D4E580"))),
    )


def write_roster(
    path: Path,
    people: Iterable[Person | WithoutCard],
    identifier: CardIdentifier,
    levels: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Write a roster to import, with the pseudonyms that the terminal's own card kinds give to these cards.

    Args:
        path: where to.
        people: who.
        identifier: the terminal's.
        levels: access levels by the person's number, as the file has them.
    """
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["cardholder", "name", "credential", "min_assurance", "valid_from", "valid_until", "levels"])
        for person in people:
            held = levels.get(person.number, "")
            if isinstance(person, WithoutCard):
                writer.writerow([person.number, person.name, "", "", "", "", held])
                continue
            person.card.power_on()
            identified = identifier.identify(_Direct(person.card), person.card.atr)
            person.card.power_off()
            word = identified.assurance.word
            writer.writerow([person.number, person.name, identified.pseudonym, word, "", "", held])


class _Direct:
    """Implements ports.readers.CardChannel straight over a virtual card."""

    def __init__(self, card: VirtualCard) -> None:
        self._card = card

    def transmit(self, apdu: bytes) -> tuple[bytes, int]:
        answer = self._card.transmit(apdu)
        return answer[:-2], int.from_bytes(answer[-2:])

"""UIDs of ISO/IEC 14443 type A, whole and as the card has them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.card_channel import FakeCardChannel, scripted
from kazasu.cards.identify import CardKinds
from kazasu.cards.mifare import Mifare
from kazasu.cards.pseudonym import Pseudonymizer
from kazasu.errors import CardError, CardGone, CardRefused
from kazasu.model.access import Assurance, DenyReason
from kazasu.virtual.mifare import CLASSIC_1K_ATR, ULTRALIGHT_ATR, MifareCard

if TYPE_CHECKING:
    from kazasu.model.access import Identifier

PSEUDONYMIZER = Pseudonymizer(bytes(range(32)))
# PC/SC part 3, supplemental document: card names 0001 to 0003, 0026 (MIFARE Mini), 003A (Ultralight C).
NAMES = ["0001", "0002", "0003", "0026", "003A"]


def read(uid: str, atr: bytes = CLASSIC_1K_ATR, remove_at: int | None = None) -> Identifier:
    card = MifareCard(bytes.fromhex(uid), atr)
    return CardKinds([Mifare(PSEUDONYMIZER)]).identify(FakeCardChannel(card, remove_at), atr)


def atr_of(name: str) -> bytes:
    """As a reader makes it up: the name in two bytes, and the exclusive or of all but the first byte at the end."""
    body = bytes.fromhex("8F8001804F0CA000000306" + "03" + name + "00000000")
    check = 0
    for byte in body:
        check ^= byte
    return b"\x3b" + body + bytes([check])


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("uid", ["04A1B2C3", "04A1B2C3D4E5F6", "04A1B2C3D4E5F6A7B8C9"])
def test_each_card_is_known_by_its_whole_uid(name: str, uid: str) -> None:
    identifier = read(uid, atr_of(name))
    assert identifier.assurance is Assurance.SERIAL
    assert identifier.pseudonym == PSEUDONYMIZER.pseudonym("mifare", bytes.fromhex(uid))
    assert identifier.why_not_more == "its UID is all that is read of it, and can be copied"


def test_names_as_readers_make_them_up() -> None:
    assert atr_of("0001") == CLASSIC_1K_ATR
    assert atr_of("0003") == ULTRALIGHT_ATR


def test_nothing_of_a_uid_is_left_out_or_turned() -> None:
    uids = [
        "04A1B2C3",
        "C3B2A104",  # in reverse
        "00A1B2C3",  # with a leading zero
        "04A1B200",  # and one at its end
        "0004A1B2C3D4E5",
        "04A1B2C3D4E500",
        "04A1B2C3D4E5F6",
        "A1B2C3D4E5F604",
        "00000000A1B2C3D4E5F6",
        "04A1B2C3D4E5F6A7B8C9",
    ]
    assert len({read(uid).pseudonym for uid in uids}) == len(uids)


@pytest.mark.parametrize("uid", ["08000000", "08A1B2C3", "08FFFFFF"])
def test_a_random_uid_is_refused(uid: str) -> None:
    with pytest.raises(CardRefused) as caught:
        read(uid)
    assert caught.value.reason is DenyReason.NO_STABLE_NUMBER


@pytest.mark.parametrize("uid", ["18A1B2C3", "80A1B2C3", "00000008", "08A1B2C3D4E5F6", "08A1B2C3D4E5F6A7B8C9"])
def test_an_08_elsewhere_says_nothing(uid: str) -> None:
    assert read(uid).assurance is Assurance.SERIAL


def test_a_card_pulled_away_is_gone() -> None:
    with pytest.raises(CardGone):
        read("04A1B2C3", remove_at=1)


def test_a_copied_uid_is_the_same_card() -> None:
    assert read("04A1B2C3D4E5F6") == read("04A1B2C3D4E5F6", ULTRALIGHT_ATR)


@given(st.binary(max_size=40), st.integers(0, 0xFFFF))
def test_whatever_a_reader_says_is_a_uid_or_an_error_of_the_card(data: bytes, sw: int) -> None:
    again = (data + sw.to_bytes(2)).hex()
    kinds = CardKinds([Mifare(PSEUDONYMIZER)])
    try:
        identifier = kinds.identify(FakeCardChannel(scripted(*[again] * 200)), CLASSIC_1K_ATR)
    except CardError:
        return
    assert identifier.assurance is Assurance.SERIAL

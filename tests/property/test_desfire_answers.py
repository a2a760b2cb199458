"""Whatever a DESFire card answers: its own number after a genuine proof, or an error of the card, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fakes.card_channel import FakeCardChannel, ScriptedCard
from fakes.clock import FakeClock
from kazasu.cards.desfire import Settings, build
from kazasu.cards.diversification import aes_key
from kazasu.cards.identify import CardKinds
from kazasu.cards.keyring import KeyRing, SecretKey, VersionedKey
from kazasu.cards.kind import Tools
from kazasu.cards.pseudonym import Pseudonymizer
from kazasu.errors import CardError
from kazasu.model.access import Assurance
from kazasu.readers.demand import FixedDemand
from kazasu.virtual.desfire import DESFIRE_ATR, DesfireCard, DesfireFile, DesfireKey

UID = bytes.fromhex("04A1B2C3D4E580")
AID = bytes.fromhex("F53042")
MASTER = bytes(range(16))
LENGTH = 64  # over two frames
MOST_APDUS = 200

status_words = st.sampled_from([0x9100, 0x91AF, 0x91AE, 0x911C, 0x91A0, 0x9140, 0x9000, 0x6100, 0x6C10, 0x6F00])
odd_answers = st.tuples(
    st.binary(max_size=4) | st.binary(min_size=15, max_size=17) | st.binary(min_size=30, max_size=90),
    status_words | st.integers(0, 0xFFFF),
)
PLACES: tuple[dict[str, Any], ...] = (
    {"file": 1, "length": LENGTH},
    {"file": 2, "length": LENGTH, "enciphered": False},
    {},
)


@pytest.fixture(scope="module")
def kinds() -> list[CardKinds]:
    """For each place of the number."""
    keys = KeyRing({"staff": VersionedKey("staff", {1: SecretKey(MASTER)})}, "cards.toml")
    tools = Tools(Pseudonymizer(bytes(32)), FakeClock(), keys, FixedDemand(Assurance.SERIAL))
    return [
        CardKinds([build(Settings(aid=AID.hex(), key="staff", key_number=3, encoding="hex", **place), tools)])
        for place in PLACES
    ]


def card(*, ev2: bool, master: bytes = MASTER) -> DesfireCard:
    content = bytes(range(1, LENGTH + 1))
    files = {1: DesfireFile(content, 3), 2: DesfireFile(content, 3, full=False)}
    made = DesfireCard(UID, AID, {3: DesfireKey(aes_key(master, UID + AID))}, files, ev2=ev2)
    made.power_on()
    return made


@settings(max_examples=2000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    where=st.integers(0, len(PLACES) - 1),
    ev2=st.booleans(),
    genuine=st.booleans(),
    odd=st.dictionaries(st.integers(1, 9), odd_answers, max_size=4),
)
def test_no_answers_but_the_genuine_ones_make_an_identifier(
    kinds: list[CardKinds], where: int, odd: dict[int, tuple[bytes, int]], *, ev2: bool, genuine: bool
) -> None:
    own = kinds[where].identify(FakeCardChannel(card(ev2=ev2)), DESFIRE_ATR)
    tapped = card(ev2=ev2, master=MASTER if genuine else bytes(16))
    count = 0

    def answer(apdu: bytes) -> bytes:
        nonlocal count
        count += 1
        if count in odd:
            data, sw = odd[count]
            return data + sw.to_bytes(2)
        return tapped.transmit(apdu)

    channel = FakeCardChannel(ScriptedCard(answer))
    try:
        identifier = kinds[where].identify(channel, DESFIRE_ATR)
    except CardError:
        pass
    else:
        assert genuine
        assert identifier == own
    assert len(channel.sent) <= MOST_APDUS


@settings(max_examples=1000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(where=st.integers(0, len(PLACES) - 1), script=st.lists(odd_answers, min_size=1, max_size=8))
def test_made_up_answers_never_make_one(kinds: list[CardKinds], where: int, script: list[tuple[bytes, int]]) -> None:
    sent = 0

    def answer(_: bytes) -> bytes:
        nonlocal sent
        sent += 1
        data, sw = script[sent % len(script)]
        return data + sw.to_bytes(2)

    with pytest.raises(CardError):
        kinds[where].identify(FakeCardChannel(ScriptedCard(answer)), DESFIRE_ATR)

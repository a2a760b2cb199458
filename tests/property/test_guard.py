"""Whatever is tried in whatever order, the card sees exactly what an oracle of another making allows (rule 6)."""

from __future__ import annotations

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fakes.card_channel import FakeCardChannel, ScriptedCard
from kazasu.cards.felica import Felica
from kazasu.cards.guard import AllowList, Guarded
from kazasu.cards.jpki import Jpki
from kazasu.errors import CardGone, ForbiddenApdu

pytestmark = pytest.mark.rule(6)

APPLICATION = "00a4040c0ad392f000260100000001"
WELL_SPELLED = [
    APPLICATION,
    "00a4020c020006",
    "00a4020c02000a",
    "00b0000020",
    "00b0004000",
    "00b07fff00",
    "00b00000000000",
    "00c0000010",
    "ffca000000",
]
NEARLY = [
    "00a4040c0ad3921000310001010408",
    "00a4040c05d392f00026",
    "00a4020c020001",
    "00a4020c02000b",
    "00a40000",
    "00b0810000",
    "00b08100000000",
    "00b000000100ff",
    "00b2010c00",
    "002000800431323334",
    "ffca010000",
]
GONE = 0  # no status word: the exchange breaks


def altered(apdu: bytes, position: int, value: int) -> bytes:
    """The same with one byte set to another value."""
    at = position % len(apdu)
    return apdu[:at] + bytes([value]) + apdu[at + 1 :]


well_spelled = st.sampled_from([bytes.fromhex(apdu) for apdu in WELL_SPELLED])
nearly = st.sampled_from([bytes.fromhex(apdu) for apdu in NEARLY])
apdus = (
    well_spelled
    | nearly
    | st.builds(altered, well_spelled | nearly, st.integers(0, 20), st.integers(0, 255))
    | st.builds(bytes.__add__, well_spelled, st.binary(min_size=1, max_size=3))
    | st.binary(max_size=20)
)
status_words = st.sampled_from([0x9000, 0x9000, 0x9000, 0x9000, 0x6A82, 0x6110, 0x6C20, 0x6282, 0x6F00, GONE])


def selected(sw: int) -> bool:
    """Whether this answer to a SELECT says that it worked: 61xx has an answer waiting (ISO/IEC 7816-4, 5.6)."""
    return sw == 0x9000 or sw >> 8 == 0x61


def oracle(history: list[tuple[str, int]], apdu: str) -> bool:
    """Whether this may be sent, found by reading the whole history backwards instead of keeping a state."""
    if apdu in {APPLICATION, "ffca000000"}:
        return True
    if re.fullmatch("00c00000..", apdu):
        return bool(history) and history[-1][1] >> 8 == 0x61
    unbroken = history
    for index, (_, sw) in enumerate(history):
        if sw == GONE:
            unbroken = history[index + 1 :]
    selects = [(sent, sw) for sent, sw in unbroken if sent.startswith("00a4")]
    if any(not selected(sw) for _, sw in selects[-1:]):
        return False
    failed = max((i for i, (_, sw) in enumerate(selects) if not selected(sw)), default=-1)
    names = [sent for sent, _ in selects[failed + 1 :]]
    if re.fullmatch("00a4020c02000[6a]", apdu):
        return APPLICATION in names
    if re.fullmatch("00b0[0-7]...(..|00....)", apdu):
        return APPLICATION in names and names[-1] != APPLICATION
    return False


@settings(max_examples=2000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(apdus, status_words), max_size=25))
def test_the_card_sees_exactly_what_the_oracle_allows(steps: list[tuple[bytes, int]]) -> None:
    sw = 0x9000

    def answer(_: bytes) -> bytes:
        if sw == GONE:
            raise CardGone("the card left the field")
        return sw.to_bytes(2)

    channel = FakeCardChannel(ScriptedCard(answer))
    guarded = Guarded(channel, AllowList([Jpki.allow, Felica.allow]))
    history: list[tuple[str, int]] = []
    for apdu, sw in steps:
        before = len(channel.sent)
        allowed = oracle(history, apdu.hex())
        try:
            guarded.transmit(apdu)
        except ForbiddenApdu:
            assert len(channel.sent) == before
        except CardGone:
            pass
        passed = channel.sent[before:]
        assert passed == ([apdu] if allowed else [])
        if passed:
            history.append((apdu.hex(), sw))

"""FeliCa commands inside a reader's: what passes, and what a reader may answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fakes.card_channel import FakeCardChannel, ScriptedCard, scripted
from fakes.felica import IDM, lite_s, read, site, student
from kazasu.cards.channel import folded
from kazasu.cards.felica_frames import EVERY_SYSTEM, polling
from kazasu.cards.felica_transport import NoAnswer, Transport
from kazasu.cards.guard import AllowList, Guarded
from kazasu.cards.identify import CardKinds
from kazasu.errors import CardError, CardGone, CardRefused, ForbiddenApdu, UnexpectedStatus
from kazasu.model.access import DenyReason
from kazasu.virtual.felica import FELICA_ATR
from kazasu.virtual.felica_reader import DirectReader, PlainReader, Pn532Reader, TransparentReader

if TYPE_CHECKING:
    from collections.abc import Callable

    from kazasu.cards.felica_transport import Exchange

POLL = polling(EVERY_SYSTEM)
ANSWER = "12 01 012E4CD8A3F2B07C 0120220427674EFF"
DONE = "C003009000 9000"
START, SWITCH, END = "FFC2000002810000", "FFC20002048F02030000", "FFC2000002820000"
WRITE_CHALLENGE = f"20 08 {IDM.hex()} 01 0900 01 8080 {'5A' * 16}"
READ_WITH_MAC = f"14 06 {IDM.hex()} 01 0B00 03 8082 8086 8091"


def transparent(frame: str) -> bytes:
    inner = bytes.fromhex(frame)
    return bytes.fromhex("FFC20001") + bytes([len(inner) + 2, 0x95, len(inner)]) + inner + b"\x00"


def direct(frame: str, before: str = "") -> bytes:
    inner = bytes.fromhex(before) + bytes.fromhex(frame)
    return bytes.fromhex("FF000000") + bytes([len(inner)]) + inner


def pn532(frame: str) -> bytes:
    return direct(frame, "D44001")


def poll(exchange: Exchange) -> bytes:
    return exchange(POLL.filled())


def talk(channel: FakeCardChannel, atr: bytes = FELICA_ATR) -> bytes | None:
    transport = Transport([POLL])
    return transport.talk(folded(Guarded(channel, AllowList([transport.allow]))), atr, poll)


def test_the_transparent_session() -> None:
    channel = FakeCardChannel(scripted(DONE, DONE, "C003009000 920100 96020000 9712" + ANSWER + "9000", DONE))
    assert talk(channel) == bytes.fromhex(ANSWER)
    expected = [START, SWITCH, "FFC20001089506 0600FFFF0000 00", END]
    assert channel.sent == [bytes.fromhex(apdu) for apdu in expected]


def test_a_long_answer_has_a_long_length() -> None:
    frame = bytes([0x90]) + bytes(0x8F)
    channel = FakeCardChannel(scripted(DONE, DONE, "C003009000 978190" + frame.hex() + "9000", DONE))
    assert talk(channel) == frame


def test_the_direct_command() -> None:
    # ACS, ACR1252U API, "Accessing FeliCa Tags": FF 00 00 00, length, and the frame with its own length.
    channel = FakeCardChannel(scripted("6A81", ANSWER + "9000"))
    assert talk(channel) == bytes.fromhex(ANSWER)
    assert channel.sent[1] == bytes.fromhex("FF000000 06 06 00 FFFF 00 00")


def test_the_acr122u_is_known_by_its_atr() -> None:
    # ACS, ACR122U API 2.02, "How to access FeliCa tags".
    channel = FakeCardChannel(scripted("D54100" + ANSWER + "9000"))
    assert talk(channel, Pn532Reader.atr) == bytes.fromhex(ANSWER)
    assert channel.sent == [bytes.fromhex("FF000000 09 D44001 06 00 FFFF 00 00")]


@pytest.mark.parametrize("refused", ["6A81", "6D00", "6E00", "6700", "6F01", "C003016A819000", "C003006F009000"])
def test_a_reader_without_any_way(refused: str) -> None:
    assert talk(FakeCardChannel(scripted(refused, "6D00"))) is None


def test_a_session_is_ended_when_the_reader_cannot_switch() -> None:
    channel = FakeCardChannel(scripted(DONE, "C003016A819000", DONE, ANSWER + "9000"))
    assert talk(channel) == bytes.fromhex(ANSWER)
    assert channel.sent[2] == bytes.fromhex(END)


@pytest.mark.parametrize("silence", ["C0030164019000", "6401", "6300", "C0030090009000", "C00300900097009000"])
def test_no_answer_in_a_session(silence: str) -> None:
    channel = FakeCardChannel(scripted(DONE, DONE, silence, DONE))
    with pytest.raises(NoAnswer):
        talk(channel)
    assert channel.sent[-1] == bytes.fromhex(END)


@pytest.mark.parametrize("silence", ["6300", "6401", "9000"])
def test_no_answer_to_a_direct_command(silence: str) -> None:
    with pytest.raises(NoAnswer):
        talk(FakeCardChannel(scripted("6A81", silence)))


@pytest.mark.parametrize("fault", ["6F01", "C003006F009000", "C003016A809000"])
def test_a_fault_in_a_session_is_told(fault: str) -> None:
    with pytest.raises(UnexpectedStatus, match="sending the card a command"):
        talk(FakeCardChannel(scripted(DONE, DONE, fault, DONE)))


@pytest.mark.parametrize("broken", ["C0", "C00300", "C0020090", "9712AA", "C00300900097", "C0030090009781"])
def test_an_answer_that_ends_too_early_is_unreadable(broken: str) -> None:
    with pytest.raises(CardRefused) as caught:
        talk(FakeCardChannel(scripted(DONE, DONE, broken + "9000", DONE)))
    assert caught.value.reason is DenyReason.CARD_UNREADABLE


@pytest.mark.parametrize("broken", ["", "D541", "D54300", "AA"])
def test_an_answer_of_another_chip_is_unreadable(broken: str) -> None:
    with pytest.raises(CardRefused):
        talk(FakeCardChannel(scripted(broken + "9000")), Pn532Reader.atr)


def test_a_card_that_leaves_before_the_session_ends_is_gone() -> None:
    class Leaves:
        def __init__(self) -> None:
            self.heard: list[str] = []

        def transmit(self, apdu: bytes) -> bytes:
            self.heard.append(apdu.hex().upper())
            if len(self.heard) > 2:
                raise CardGone("the card left the field")
            return bytes.fromhex(DONE)

    card = Leaves()
    with pytest.raises(CardGone):
        talk(FakeCardChannel(card))
    assert card.heard[-1] == END


def allowed(kind_settings: dict[str, Any], apdu: bytes, *, in_session: bool = True) -> bool:
    """Whether the guard lets a command of this kind pass, right after a session was opened."""
    channel = FakeCardChannel(ScriptedCard(lambda _: bytes.fromhex(DONE)))
    guarded = Guarded(channel, AllowList([site(None, **kind_settings).allow]))
    if in_session:
        guarded.transmit(bytes.fromhex(START))
    before = len(channel.sent)
    try:
        guarded.transmit(apdu)
    except ForbiddenApdu:
        assert len(channel.sent) == before
        return False
    return True


WRAPPINGS = pytest.mark.parametrize("wrap", [transparent, direct, pn532])


@pytest.mark.rule(6)
@WRAPPINGS
def test_only_the_challenge_is_ever_written(wrap: Callable[[str], bytes]) -> None:
    key = {"key": "badge"}
    assert allowed(key, wrap(WRITE_CHALLENGE))
    assert allowed(key, wrap(READ_WITH_MAC))
    head, tail = f"08 {IDM.hex()} 01 0900 01", "5A" * 16
    forbidden = [f"20 {head} 80{block:02X} {tail}" for block in range(256) if block != 0x80]
    forbidden += [
        f"21 {head} 008000 {tail}",  # the same block, spelled in three bytes
        f"20 08 {IDM.hex()} 01 0B00 01 8080 {tail}",  # another service
        f"20 08 {IDM.hex()} 01 8900 01 8080 {tail}",
        f"32 08 {IDM.hex()} 01 0900 02 8080 8087 {tail * 2}",  # the card key behind it
        f"32 08 {IDM.hex()} 01 0900 02 8092 8091 {tail * 2}",  # external authentication
        f"22 {head} 8080 {tail} 0000",
        f"1F {head} 8080 {tail[2:]}",
        f"20 10 {IDM.hex()} 01 0900 01 8080 {tail}",  # another command
        "06 00 FFFF 00 0F",
        "06 00 88B4 00 00",
        f"0A 04 {IDM.hex()}",
        f"0A 0C {IDM.hex()}",
        f"14 06 {IDM.hex()} 01 0B00 03 8082 8086 8081",
        f"10 06 {IDM.hex()} 01 0B00 01 8000",
    ]
    assert [frame for frame in forbidden if allowed(key, wrap(frame))] == []


@pytest.mark.rule(6)
@WRAPPINGS
def test_a_site_that_reads_a_number_writes_nothing_at_all(wrap: Callable[[str], bytes]) -> None:
    number: dict[str, Any] = {"service_block": {}}
    assert allowed(number, wrap("06 00 FE00 00 00"))
    assert allowed(number, wrap(f"10 06 {IDM.hex()} 01 8B1A 01 8000"))
    for frame in (WRITE_CHALLENGE, READ_WITH_MAC, f"10 06 {IDM.hex()} 01 8B1A 01 8001"):
        assert not allowed(number, wrap(frame))


@pytest.mark.rule(6)
@pytest.mark.parametrize(
    "apdu",
    [
        "FFC2000002830000",  # the field off
        "FFC2000002840000",
        "FFC2000004810083 0000",
        "FFC20002048F02000300",
        "FFC20001229320" + WRITE_CHALLENGE + "00",  # transmit alone
        "FFC20001269520" + WRITE_CHALLENGE + "5F460400",
        "FFC20001249520" + WRITE_CHALLENGE + "840000",  # a second data object
        "FFC20001229520" + WRITE_CHALLENGE,
        "FFC2000100002295 20" + WRITE_CHALLENGE + "0000",
        "FFD6000010" + "5A" * 16,
        "FFB0000010",
        "FF0000000CD44001" + "60" * 9,
    ],
)
def test_nothing_else_of_a_reader_passes(apdu: str) -> None:
    assert not allowed({"key": "badge"}, bytes.fromhex(apdu))


@pytest.mark.rule(6)
def test_a_transparent_exchange_needs_its_session() -> None:
    assert not allowed({"key": "badge"}, transparent(WRITE_CHALLENGE), in_session=False)
    assert allowed({"key": "badge"}, bytes.fromhex(END), in_session=False)


@pytest.mark.rule(6)
def test_without_settings_no_felica_command_passes() -> None:
    for frame in (WRITE_CHALLENGE, READ_WITH_MAC, "06 00 FFFF 00 00"):
        for wrap in (transparent, direct, pn532):
            with pytest.raises(ForbiddenApdu):
                Guarded(FakeCardChannel(scripted()), AllowList([site().allow])).transmit(wrap(frame))


status_words = st.sampled_from([0x9000, 0x6100, 0x6110, 0x6C10, 0x6300, 0x6401, 0x6A81, 0x6F00]) | st.integers(
    0, 0xFFFF
)
objects = st.binary(max_size=90) | st.sampled_from(
    [bytes.fromhex(data) for data in ("C003009000", "C003016401", "C0030090009700", "C00300900097020207", "D54100", "")]
)
READERS = [TransparentReader(), DirectReader(), Pn532Reader(), PlainReader()]
frames = st.binary(max_size=80) | st.sampled_from(
    [bytes.fromhex(frame) for frame in (ANSWER, f"0C 09 {IDM.hex()} 0000", f"0C 07 {IDM.hex()} 01A6")]
)


@settings(max_examples=2500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    reader=st.sampled_from(READERS),
    key=st.booleans(),
    said=st.dictionaries(st.integers(0, 4), frames | st.none(), max_size=3),
    told=st.dictionaries(st.integers(1, 9), st.tuples(objects, status_words), max_size=3),
)
def test_whatever_card_and_reader_say_is_an_identifier_or_an_error_of_the_card(
    reader: TransparentReader,
    key: bool,
    said: dict[int, bytes | None],
    told: dict[int, tuple[bytes, int]],
) -> None:
    card = lite_s(reader) if key else student(reader)
    genuine = read(site(None, key="badge", service_block={}), card)
    card.power_on()
    honest, heard, sent = card.answer, 0, 0

    def answer(frame: bytes) -> bytes | None:
        nonlocal heard
        heard += 1
        return said[heard - 1] if heard - 1 in said else honest(frame)

    def transmit(apdu: bytes) -> bytes:
        nonlocal sent
        sent += 1
        honestly = card.transmit(apdu)
        data, sw = told.get(sent, (honestly[:-2], int.from_bytes(honestly[-2:])))
        return data + sw.to_bytes(2)

    card.answer = answer  # type: ignore[method-assign]
    try:
        identifier = CardKinds([site(None, key="badge", service_block={})]).identify(
            FakeCardChannel(ScriptedCard(transmit)), reader.atr
        )
    except CardError:
        return
    assert identifier.assurance <= genuine.assurance

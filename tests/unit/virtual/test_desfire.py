"""The virtual DESFire card is as strict as its documents: status codes, access, sessions that end."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest

from fakes.card_channel import FakeCardChannel
from kazasu.cards.desfire_session import Session, authenticate
from kazasu.virtual.desfire import FREE, NEVER, DesfireCard, DesfireFile, DesfireKey

if TYPE_CHECKING:
    from collections.abc import Callable

UID = bytes.fromhex("04A1B2C3D4E580")
AID = bytes.fromhex("F53042")
KEY = bytes(range(16))
CONTENT = bytes(range(100))
SELECT = "905A000003F5304200"
READ_FREE = "90BD0000070400000001000000"
READ_KEYED = "90BD0000070100000001000000"


def counted() -> Callable[[int], bytes]:
    numbers = itertools.count(1)
    return lambda count: bytes([next(numbers)]) * count


@pytest.fixture(params=[True, False], ids=["ev2", "ev1"])
def card(request: pytest.FixtureRequest) -> DesfireCard:
    keys = {0: DesfireKey(bytes(16), 0), 3: DesfireKey(KEY, 7)}
    files = {
        1: DesfireFile(CONTENT, 3, full=False),
        2: DesfireFile(CONTENT, 0),
        4: DesfireFile(CONTENT, FREE, full=False),
        5: DesfireFile(CONTENT, NEVER),
    }
    card = DesfireCard(UID, AID, keys, files, ev2=request.param, random=counted())
    card.power_on()
    return card


def send(card: DesfireCard, apdu: str) -> str:
    return card.transmit(bytes.fromhex(apdu)).hex().upper()


def opened(card: DesfireCard) -> Session:
    """Select and authenticate with key 3."""
    send(card, SELECT)
    return authenticate(FakeCardChannel(card), 3, KEY, counted())


def still_authenticated(card: DesfireCard, session: Session) -> bool:
    """Whether the file that only key 3 reads is given."""
    sent: list[bytes] = []

    class Channel:
        def transmit(self, apdu: bytes) -> tuple[bytes, int]:
            answer = card.transmit(apdu)
            sent.append(answer[-2:])
            return answer[:-2], int.from_bytes(answer[-2:])

    try:
        session.request(Channel(), 0xBD, bytes.fromhex("01000000010000"), full=False, length=1)
    except Exception:  # noqa: BLE001  (in whatever way the terminal takes it)
        return False
    return sent == [b"\x91\x00"]


@pytest.mark.parametrize(
    ("apdu", "answer"),
    [
        (SELECT, "9100"),
        ("905A00000300000100", "91A0"),
        ("905A000002F53000", "917E"),
        ("905A000000", "917E"),
        ("905A0100 03F5304200", "917E"),
        ("9064000001 03 00", "079100"),
        ("9064000001 04 00", "9140"),
        ("9064000002 0300 00", "917E"),
        ("90AA000001 04 00", "9140"),
        ("90AA000002 0300 00", "917E"),
        ("90BD000007 07000000010000 00", "91F0"),
        ("90BD000007 05000000010000 00", "919D"),
        (READ_KEYED, "91AE"),
        ("90BD000006 010000000100 00", "917E"),
        (READ_FREE, "009100"),
        ("90BD000007 04630000010000 00", "639100"),
        ("90BD000007 04640000010000 00", "91BE"),
        ("90BD000007 04630000020000 00", "91BE"),
        ("90510000 00", "91AE"),
        ("90AF0000 00", "911C"),
        ("90AF000020" + "00" * 32 + "00", "911C"),
        ("903D000008 04000000010000 FF 00", "911C"),  # WriteData
        ("90C4000001 03 00", "911C"),  # ChangeKey
        ("90FC0000 00", "911C"),  # FormatPICC
        ("00A4040C05A000000308", "6A82"),
    ],
)
def test_status_codes_with_the_application_selected(card: DesfireCard, apdu: str, answer: str) -> None:
    send(card, SELECT)
    assert send(card, apdu) == answer


@pytest.mark.parametrize(
    ("apdu", "answer"), [("90640000010300", "9140"), (READ_FREE, "91F0"), ("90AA0000010300", "9140")]
)
def test_nothing_of_an_application_before_it_is_selected(card: DesfireCard, apdu: str, answer: str) -> None:
    assert send(card, apdu) == answer
    send(card, SELECT)
    card.power_on()
    assert send(card, apdu) == answer


def test_an_ev1_does_not_know_ev2_first_and_stays_as_it_is(card: DesfireCard) -> None:
    send(card, SELECT)
    begun = send(card, "9071000002030000")
    assert begun[-4:] == ("911C" if len(begun) == 4 else "91AF")
    send(card, SELECT)
    assert send(card, "90AA0000010300")[-4:] == "91AF"


@pytest.mark.parametrize("capabilities", ["03", "0301", "0300FF", "030100FF"])
def test_ev2_first_says_how_many_capabilities_it_brings(capabilities: str) -> None:
    card = DesfireCard(UID, AID, {3: DesfireKey(KEY)})
    card.power_on()
    send(card, SELECT)
    assert send(card, f"90710000{len(capabilities) // 2:02X}{capabilities}00") == "917E"
    assert send(card, "90710000030301FF00")[-4:] == "91AF"


def test_each_challenge_is_another(card: DesfireCard) -> None:
    send(card, SELECT)
    challenges = set()
    for _ in range(3):
        challenges.add(send(card, "90AA0000010300"))
        send(card, SELECT)  # aborts it
        send(card, SELECT)
    assert len(challenges) == 3


@pytest.mark.parametrize("token", ["00" * 31, "00" * 33, ""])
def test_a_proof_of_another_length_is_an_error_and_ends_it(card: DesfireCard, token: str) -> None:
    send(card, SELECT)
    send(card, "90AA0000010300")
    body = f"{len(token) // 2:02X}{token}" if token else ""
    assert send(card, f"90AF0000{body}00") == "917E"
    assert send(card, f"90AF000020{'00' * 32}00") == "911C"


def test_a_wrong_proof_is_an_authentication_error_and_cannot_be_tried_again(card: DesfireCard) -> None:
    send(card, SELECT)
    send(card, "90AA0000010300")
    assert send(card, f"90AF000020{'00' * 32}00") == "91AE"
    assert send(card, f"90AF000020{'00' * 32}00") == "911C"
    assert send(card, READ_KEYED) == "91AE"


@pytest.mark.parametrize("between", [SELECT, READ_FREE, "90640000010300"])
def test_another_command_aborts_an_authentication(card: DesfireCard, between: str) -> None:
    send(card, SELECT)
    send(card, "90AA0000010300")
    assert send(card, between) == "91CA"
    assert send(card, f"90AF000020{'00' * 32}00") == "911C"


def test_an_answer_comes_in_frames_and_another_command_aborts_them(card: DesfireCard) -> None:
    send(card, SELECT)
    whole = "90BD0000070400000000000000"
    first, rest = send(card, whole), send(card, "90AF000000")
    assert (first[-4:], rest[-4:]) == ("91AF", "9100")
    assert bytes.fromhex(first[:-4] + rest[:-4]) == CONTENT
    send(card, whole)
    assert send(card, READ_FREE) == "91CA"
    assert send(card, "90AF000000") == "911C"


def test_a_session_lasts_as_long_as_nothing_goes_wrong(card: DesfireCard) -> None:
    session = opened(card)
    for _ in range(5):
        assert still_authenticated(card, session)


@pytest.mark.parametrize(
    "ends",
    [SELECT, "905A00000300000100", "90FC000000", "90BD0000070500000001000000", "9051000001FF00", "90AA0000010300"],
    ids=["select", "select another", "unknown command", "forbidden file", "wrong length", "authenticate again"],
)
def test_selecting_and_any_error_end_a_session(card: DesfireCard, ends: str) -> None:
    session = opened(card)
    assert still_authenticated(card, session)
    send(card, ends)
    assert not still_authenticated(card, session)
    assert send(card, SELECT) in {"9100", "91CA"}
    send(card, SELECT)
    assert send(card, READ_KEYED) == "91AE"


def test_power_ends_a_session(card: DesfireCard) -> None:
    session = opened(card)
    card.power_off()
    card.power_on()
    send(card, SELECT)
    assert not still_authenticated(card, session)


def test_a_key_opens_only_what_is_its_own(card: DesfireCard) -> None:
    session = opened(card)
    with pytest.raises(Exception, match="91AE"):
        session.request(FakeCardChannel(card), 0xBD, bytes.fromhex("02000000010000"), full=True, length=1)


def test_ev2_takes_no_command_twice_and_none_without_a_mac() -> None:
    card = DesfireCard(UID, AID, {3: DesfireKey(KEY)}, {1: DesfireFile(CONTENT, 3, full=False)})
    card.power_on()
    session = opened(card)
    channel = FakeCardChannel(card)
    session.request(channel, 0xBD, bytes.fromhex("01000000010000"), full=False, length=1)
    assert send(card, channel.sent[-1].hex()) == "911E"
    opened(card)
    assert send(card, READ_KEYED) == "917E"


def test_a_copy_has_all_but_the_keys(card: DesfireCard) -> None:
    copy = card.copy()
    copy.power_on()
    for apdu in ("FFCA000000", SELECT, "90640000010300", READ_FREE):
        assert send(copy, apdu) == send(card, apdu)
    send(copy, SELECT)
    with pytest.raises(Exception, match="another key"):
        opened(copy)


def test_a_random_uid_is_another_each_time() -> None:
    card = DesfireCard(UID, AID, {}, random_uid=True)
    card.power_on()
    seen = {send(card, "FFCA000000") for _ in range(4)}
    assert len(seen) > 1
    assert all(uid.startswith("08") and uid.endswith("9000") and len(uid) == 12 for uid in seen)

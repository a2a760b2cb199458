"""DESFire cards, genuine and copied."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from fakes.card_channel import FakeCardChannel, ScriptedCard, scripted
from fakes.clock import FakeClock
from kazasu.cards.desfire import Desfire, Settings, build
from kazasu.cards.diversification import aes_key
from kazasu.cards.guard import AllowList, Guarded
from kazasu.cards.identify import CardKinds
from kazasu.cards.keyring import KeyRing, SecretKey, VersionedKey
from kazasu.cards.kind import Tools
from kazasu.errors import CardError, CardGone, CardRefused, ForbiddenApdu, KeyMaterialError
from kazasu.model.access import Assurance, DenyReason, Identifier
from kazasu.readers.demand import FixedDemand
from kazasu.virtual.desfire import DESFIRE_ATR, FREE, NEVER, DesfireCard, DesfireFile, DesfireKey

if TYPE_CHECKING:
    from kazasu.cards.pseudonym import Pseudonymizer

UID = bytes.fromhex("04A1B2C3D4E580")
AID = bytes.fromhex("F53042")
MASTER = bytes(range(16))
OLD_MASTER = bytes(range(16, 32))
SYSTEM = b"kazasu"
NUMBER = b"1001    "
CONTENT = b"ID:" + NUMBER + bytes(150)
FILE = {"file": 2, "offset": 3, "length": 8}


def door(pseudonymizer: Pseudonymizer, **settings: Any) -> Desfire:
    versions = {1: SecretKey(OLD_MASTER), 2: SecretKey(MASTER)}
    keys = KeyRing(
        {"staff": VersionedKey("staff", versions), "long": VersionedKey("long", {1: SecretKey(bytes(32))})}, "x"
    )
    tools = Tools(pseudonymizer, FakeClock(), keys, FixedDemand(Assurance.SERIAL))
    given = {"aid": AID.hex(), "key": "staff", "key_number": 3, "system_identifier": SYSTEM.hex()} | settings
    return build(msgspec.convert(given, Settings), tools)


def card(
    *, diversified: bool = True, full: bool = True, uid: bytes = UID, version: int = 2, **rest: Any
) -> DesfireCard:
    master = OLD_MASTER if version == 1 else MASTER
    key = aes_key(master, uid + AID + SYSTEM) if diversified else master
    files = {2: DesfireFile(CONTENT, 3, full), 5: DesfireFile(CONTENT, NEVER)}
    return DesfireCard(uid, AID, {0: DesfireKey(bytes(16), 0), 3: DesfireKey(key, version)}, files, **rest)


def read(kind: Desfire, tapped: DesfireCard, remove_at: int | None = None) -> Identifier:
    tapped.power_on()
    return CardKinds([kind]).identify(FakeCardChannel(tapped, remove_at), tapped.atr)


@pytest.mark.parametrize("ev2", [True, False])
@pytest.mark.parametrize("full", [True, False])
def test_the_number_in_a_file(pseudonymizer: Pseudonymizer, *, ev2: bool, full: bool) -> None:
    identifier = read(door(pseudonymizer, **FILE, enciphered=full), card(ev2=ev2, full=full))

    pseudonym = pseudonymizer.pseudonym("desfire", AID, b"1001")
    assert identifier == Identifier(kind="desfire", pseudonym=pseudonym, assurance=Assurance.CHALLENGE)


@pytest.mark.parametrize("ev2", [True, False])
def test_the_uid(pseudonymizer: Pseudonymizer, *, ev2: bool) -> None:
    identifier = read(door(pseudonymizer), card(ev2=ev2))
    assert identifier.pseudonym == pseudonymizer.pseudonym("desfire", AID, UID)


@pytest.mark.parametrize("ev2", [True, False])
@pytest.mark.parametrize("full", [True, False])
def test_a_number_over_several_frames(pseudonymizer: Pseudonymizer, *, ev2: bool, full: bool) -> None:
    kind = door(pseudonymizer, file=2, offset=0, length=161, encoding="hex", enciphered=full)
    identifier = read(kind, card(ev2=ev2, full=full))
    assert identifier.pseudonym == pseudonymizer.pseudonym("desfire", AID, CONTENT.hex().upper().encode())


@pytest.mark.parametrize(
    ("encoding", "written"),
    [("ascii", b"1001    "), ("ascii", b"1001\0\0\0\0"), ("bcd", b"\x10\x01\xff\xff"), ("integer", b"\x03\xe9")],
)
def test_a_number_is_the_same_however_it_is_written(
    pseudonymizer: Pseudonymizer, encoding: str, written: bytes
) -> None:
    kind = door(pseudonymizer, file=2, length=len(written), encoding=encoding)
    identifier = read(kind, personalised(written))
    assert identifier.pseudonym == pseudonymizer.pseudonym("desfire", AID, b"1001")


def personalised(written: bytes) -> DesfireCard:
    """With this in file 2."""
    key = DesfireKey(aes_key(MASTER, UID + AID + SYSTEM), 2)
    return DesfireCard(UID, AID, {3: key}, {2: DesfireFile(written, 3)})


@pytest.mark.parametrize(
    ("mode", "ev2"), [("auto", True), ("auto", False), ("ev2", True), ("ev1", True), ("ev1", False)]
)
def test_a_mode_sends_no_other_authentication(pseudonymizer: Pseudonymizer, mode: str, *, ev2: bool) -> None:
    tapped = card(ev2=ev2)
    tapped.power_on()
    channel = FakeCardChannel(tapped)

    identifier = CardKinds([door(pseudonymizer, mode=mode)]).identify(channel, DESFIRE_ATR)

    assert identifier.assurance is Assurance.CHALLENGE
    sent = {apdu[1] for apdu in channel.sent} & {0x71, 0xAA}
    assert sent == {"auto": {0x71} if ev2 else {0x71, 0xAA}, "ev2": {0x71}, "ev1": {0xAA}}[mode]


def test_a_card_that_plays_an_ev1_is_refused_where_ev2_is_asked_for(pseudonymizer: Pseudonymizer) -> None:
    error = refusal(door(pseudonymizer, mode="ev2"), card(ev2=False))
    assert error.reason is DenyReason.AUTHENTICATION_FAILED
    assert "does not know the authentication of EV2" in str(error)


@pytest.mark.parametrize(("mode", "other"), [("ev2", "90AA0000010300"), ("ev1", "9071000002030000")])
def test_what_a_mode_leaves_out_is_not_on_the_allow_list(pseudonymizer: Pseudonymizer, mode: str, other: str) -> None:
    tapped = card()
    tapped.power_on()
    channel = Guarded(FakeCardChannel(tapped), AllowList([door(pseudonymizer, mode=mode).allow]))
    channel.transmit(bytes.fromhex("905A000003F5304200"))
    with pytest.raises(ForbiddenApdu):
        channel.transmit(bytes.fromhex(other))


def test_an10922_2_2_1_the_key_of_a_card_from_its_uid_the_application_and_the_system(
    pseudonymizer: Pseudonymizer,
) -> None:
    uid, aid, system = bytes.fromhex("04782E21801D80"), "3042F5", b"NXP Abu"
    master = SecretKey(bytes.fromhex("00112233445566778899AABBCCDDEEFF"))
    keys = KeyRing({"an10922": VersionedKey("an10922", {1: master})}, "x")
    tools = Tools(pseudonymizer, FakeClock(), keys, FixedDemand(Assurance.SERIAL))
    kind = build(Settings(aid=aid, key="an10922", system_identifier=system.hex()), tools)
    derived = DesfireKey(bytes.fromhex("A8DD63A3B89D54B37CA802473FDA9175"))

    assert read(kind, DesfireCard(uid, bytes.fromhex(aid), {0: derived})).assurance is Assurance.CHALLENGE


def test_one_key_for_all_cards(pseudonymizer: Pseudonymizer) -> None:
    kind = door(pseudonymizer, diversification="none")
    assert read(kind, card(diversified=False, random_uid=True)).assurance is Assurance.CHALLENGE


def test_cards_with_the_key_of_before_still_work(pseudonymizer: Pseudonymizer) -> None:
    assert read(door(pseudonymizer), card(version=1)) == read(door(pseudonymizer), card(version=2))


def refusal(kind: Desfire, tapped: DesfireCard) -> CardRefused:
    with pytest.raises(CardRefused) as caught:
        read(kind, tapped)
    return caught.value


def test_a_version_that_the_terminal_lacks_is_named(pseudonymizer: Pseudonymizer) -> None:
    error = refusal(door(pseudonymizer), card(version=9))
    assert error.reason is DenyReason.AUTHENTICATION_FAILED
    assert "has version 9; of 'staff' this terminal has 1, 2" in str(error)


@pytest.mark.parametrize("ev2", [True, False])
def test_a_copy_of_all_that_can_be_read_is_refused(pseudonymizer: Pseudonymizer, *, ev2: bool) -> None:
    genuine = card(ev2=ev2)
    assert refusal(door(pseudonymizer), genuine.copy()).reason is DenyReason.AUTHENTICATION_FAILED


def test_a_card_under_another_cards_uid_is_refused(pseudonymizer: Pseudonymizer) -> None:
    # The key of one card, put under another UID: diversification finds another key.
    tapped = card()
    tapped.uid = bytes.fromhex("04FFFFFFFFFFFF")
    assert refusal(door(pseudonymizer), tapped).reason is DenyReason.AUTHENTICATION_FAILED


def test_a_random_uid_hides_the_key(pseudonymizer: Pseudonymizer) -> None:
    error = refusal(door(pseudonymizer), card(random_uid=True))
    assert error.reason is DenyReason.NO_STABLE_NUMBER
    assert "random" in str(error)


@pytest.mark.parametrize("blank", [bytes(8), b"\xff" * 8, b"        ", b"00000000"])
def test_a_blank_card_is_nobodys(pseudonymizer: Pseudonymizer, blank: bytes) -> None:
    kind = door(pseudonymizer, file=2, length=8)
    assert refusal(kind, personalised(blank)).reason is DenyReason.NO_STABLE_NUMBER


@pytest.mark.rule(7)
def test_a_number_that_is_written_otherwise_is_refused_and_not_told(pseudonymizer: Pseudonymizer) -> None:
    written = bytes.fromhex("8472AB")
    error = refusal(door(pseudonymizer, file=2, length=3, encoding="bcd"), personalised(written))
    assert error.reason is DenyReason.CARD_UNREADABLE
    for words in (repr(error), str(error), repr(error.__cause__)):
        assert "8472ab" not in words.lower()
        assert repr(written)[2:-1] not in words


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"file": 1, "length": 8}, "file not found: the card answered 91F0"),
        ({"file": 5, "length": 8}, "permission denied: nobody may do this: the card answered 919D"),
        ({"file": 2, "offset": 160, "length": 8}, "outside the file: the card answered 91BE"),
        ({"key_number": 4}, "there is no key of this number: the card answered 9140"),
    ],
)
def test_what_does_not_fit_the_card_is_told_in_words(
    pseudonymizer: Pseudonymizer, settings: dict[str, Any], words: str
) -> None:
    with pytest.raises(CardError, match=words):
        read(door(pseudonymizer, **settings), card())


def test_a_card_without_the_application_is_another_kinds(pseudonymizer: Pseudonymizer) -> None:
    tapped = card()
    tapped.power_on()
    kind = door(pseudonymizer, aid="000001")
    assert CardKinds([kind]).kinds[0].read(FakeCardChannel(tapped), DESFIRE_ATR) is None
    for other in ("6D00", "6E00", "6F00", "6A82", "9000"):
        assert kind.read(FakeCardChannel(scripted(other)), DESFIRE_ATR) is None


@pytest.mark.parametrize("ev2", [True, False])
def test_a_replayed_read_is_refused(pseudonymizer: Pseudonymizer, *, ev2: bool) -> None:
    kind = door(pseudonymizer)
    again = iter(answers_of(kind, card(ev2=ev2)))

    with pytest.raises(CardRefused) as caught:
        CardKinds([kind]).identify(FakeCardChannel(ScriptedCard(lambda _: next(again))), DESFIRE_ATR)
    assert caught.value.reason is DenyReason.AUTHENTICATION_FAILED


class Tampered:
    """Somebody between card and reader who turns one bit of one answer."""

    def __init__(self, tapped: DesfireCard, answer: int, bit: int) -> None:
        tapped.power_on()
        self._card = tapped
        self._left = answer
        self._bit = bit

    def transmit(self, apdu: bytes) -> bytes:
        answer = bytearray(self._card.transmit(apdu))
        if not self._left:
            answer[self._bit // 8] ^= 1 << self._bit % 8
        self._left -= 1
        return bytes(answer)


@pytest.mark.parametrize("ev2", [True, False])
@pytest.mark.parametrize("full", [True, False])
def test_no_bit_of_an_answer_can_be_turned(pseudonymizer: Pseudonymizer, *, ev2: bool, full: bool) -> None:
    kind = door(pseudonymizer, **FILE, enciphered=full)
    genuine = read(kind, card(ev2=ev2, full=full))
    lengths = [len(answer) for answer in answers_of(kind, card(ev2=ev2, full=full))]
    refused: set[type[CardError]] = set()
    for number, length in enumerate(lengths):
        for bit in range(8 * length):
            channel = FakeCardChannel(Tampered(card(ev2=ev2, full=full), number, bit))
            try:
                # What says nothing of the number, such as the capabilities in an EV2 proof, may be turned.
                assert CardKinds([kind]).identify(channel, DESFIRE_ATR) == genuine
            except CardError as error:
                refused.add(type(error))
    assert CardRefused in refused


def answers_of(kind: Desfire, tapped: DesfireCard) -> list[bytes]:
    tapped.power_on()
    heard: list[bytes] = []

    def overheard(apdu: bytes) -> bytes:
        heard.append(tapped.transmit(apdu))
        return heard[-1]

    CardKinds([kind]).identify(FakeCardChannel(ScriptedCard(overheard)), DESFIRE_ATR)
    return heard


@pytest.mark.parametrize("ev2", [True, False])
def test_a_card_pulled_away_at_any_command_is_gone(pseudonymizer: Pseudonymizer, *, ev2: bool) -> None:
    kind = door(pseudonymizer, **FILE)
    tapped = card(ev2=ev2)
    channel = FakeCardChannel(tapped)
    tapped.power_on()
    CardKinds([kind]).identify(channel, DESFIRE_ATR)
    for at in range(1, len(channel.sent) + 1):
        with pytest.raises(CardGone):
            read(kind, tapped, remove_at=at)
    assert read(kind, tapped).assurance is Assurance.CHALLENGE


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"aid": "F530"}, "aid"),
        ({"key_number": 14}, "key_number"),
        ({"mode": "ev3"}, "mode"),
        ({"encoding": "utf-8", **FILE}, "encoding"),
        ({"file": 2}, "`file` and `length` belong together"),
        ({"length": 2}, "`file` and `length` belong together"),
        ({"system_identifier": "00" * 22}, "at most 21 bytes"),
        ({"system_identifier": "0"}, "system_identifier"),
    ],
)
def test_settings_that_no_card_can_have(pseudonymizer: Pseudonymizer, settings: dict[str, Any], words: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=words):
        door(pseudonymizer, **settings)


@pytest.mark.parametrize(("name", "words"), [("other", "there are: staff, long"), ("long", "has 32 bytes where 16")])
def test_a_key_that_cannot_be_used_is_told_at_the_start(pseudonymizer: Pseudonymizer, name: str, words: str) -> None:
    with pytest.raises(KeyMaterialError, match=words):
        door(pseudonymizer, key=name)


@pytest.mark.parametrize("readable_with", [FREE, 3])
def test_the_virtual_card_gives_a_keyed_file_to_nobody_else(readable_with: int) -> None:
    tapped = DesfireCard(UID, AID, {3: DesfireKey(MASTER)}, {1: DesfireFile(b"12345678", readable_with)})
    tapped.power_on()
    tapped.transmit(bytes.fromhex("905A000003F5304200"))
    answer = tapped.transmit(bytes.fromhex("90BD0000070100000008000000"))
    assert answer == (b"12345678\x91\x00" if readable_with == FREE else b"\x91\xae")

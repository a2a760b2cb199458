"""FeliCa cards: genuine, copied, replayed, torn away, and two at once."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from fakes.card_channel import FakeCardChannel, ScriptedCard
from fakes.felica import (
    CARD_KEY,
    FCF,
    FCF_SERVICE,
    IDM,
    MASTER,
    NUMBER,
    OTHER_IDM,
    PMM,
    PSEUDONYMIZER,
    Overheard,
    lite_s,
    read,
    site,
    student,
    transit,
)
from kazasu.cards.identify import CardKinds
from kazasu.errors import CardError, CardGone, CardRefused, KeyMaterialError
from kazasu.model.access import Assurance, DenyReason, Identifier
from kazasu.virtual.felica import FelicaCard
from kazasu.virtual.felica_lite_s import LiteSCard
from kazasu.virtual.felica_reader import DirectReader, PlainReader, Pn532Reader, TransparentReader

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kazasu.cards.felica import Felica
    from kazasu.virtual.felica_reader import FelicaReader

READERS = [TransparentReader(), DirectReader(), Pn532Reader()]
WITH_KEY: dict[str, Any] = {"key": "badge"}
WITH_NUMBER: dict[str, Any] = {"service_block": {}}
every_reader = pytest.mark.parametrize("reader", READERS, ids=["transparent", "direct", "pn532"])


def by_idm(why_not_more: str, assurance: Assurance = Assurance.SERIAL) -> Identifier:
    pseudonym = PSEUDONYMIZER.pseudonym("felica", IDM)
    return Identifier(kind="felica", pseudonym=pseudonym, assurance=assurance, why_not_more=why_not_more)


def by_number(number: bytes, why_not_more: str = "a number that anybody may read can be copied") -> Identifier:
    pseudonym = PSEUDONYMIZER.pseudonym("felica", FCF, FCF_SERVICE, number)
    return Identifier(kind="felica", pseudonym=pseudonym, assurance=Assurance.SERIAL, why_not_more=why_not_more)


def refusal(kind: Felica, card: FelicaCard) -> CardRefused:
    with pytest.raises(CardRefused) as caught:
        read(kind, card)
    return caught.value


@every_reader
def test_a_lite_s_proves_the_sites_key(reader: FelicaReader) -> None:
    kind = site(**WITH_KEY)
    assert kind.reach is Assurance.CHALLENGE
    assert read(kind, lite_s(reader)) == by_idm("", Assurance.CHALLENGE)


def test_the_proof_takes_one_write_and_one_read() -> None:
    card = lite_s()
    card.power_on()
    channel = FakeCardChannel(card)
    CardKinds([site(lambda _: bytes(range(16)), **WITH_KEY)]).identify(channel, card.atr)
    assert [apdu.hex() for apdu in channel.sent] == [
        "ffca000000",
        "ffca010000",
        "ffc2000002810000",
        "ffc20002048f02030000",
        f"ffc20001229520{'2008'}{IDM.hex()}010900018080{bytes(range(16)).hex()}00",
        f"ffc20001169514{'1406'}{IDM.hex()}010b0003808280868091{'00'}",
        "ffc2000002820000",
    ]


def test_a_badge_keeps_its_pseudonym_when_the_site_gets_keys() -> None:
    assert read(site(), lite_s()).pseudonym == read(site(**WITH_KEY), lite_s()).pseudonym


def test_badges_with_the_key_of_before_still_work() -> None:
    assert read(site(**WITH_KEY), lite_s(version=1)).assurance is Assurance.CHALLENGE


def test_one_key_for_all_cards() -> None:
    kind = site(key="shared", diversification="none")
    assert read(kind, LiteSCard(IDM, CARD_KEY, 2)).assurance is Assurance.CHALLENGE
    assert refusal(kind, lite_s()).reason is DenyReason.AUTHENTICATION_FAILED


@pytest.mark.parametrize("version", [0, 3, 258])
def test_a_version_that_the_terminal_lacks_is_somebody_elses_card(version: int) -> None:
    expected = f"this card's key has version {version}; of 'badge' this terminal has 1, 2"
    assert read(site(**WITH_KEY), lite_s(version=version)) == by_idm(expected)


@every_reader
def test_a_copy_of_all_that_can_be_read_is_refused(reader: FelicaReader) -> None:
    error = refusal(site(**WITH_KEY), lite_s(reader).copy())
    assert error.reason is DenyReason.AUTHENTICATION_FAILED
    assert str(error) == "the card could not prove version 2 of 'badge'"


def test_a_copy_on_another_chip_gets_its_number_and_no_more() -> None:
    copy = FelicaCard(IDM, PMM)
    assert read(site(**WITH_KEY), copy) == by_idm("this is no FeliCa Lite-S, and its number can be copied")


def test_the_key_of_one_card_is_worth_nothing_under_another_idm() -> None:
    moved = LiteSCard(OTHER_IDM, lite_s()._memory[0x87], 2)
    assert refusal(site(**WITH_KEY), moved).reason is DenyReason.AUTHENTICATION_FAILED


def test_a_card_that_hands_on_another_cards_proof_is_refused() -> None:
    card = lite_s(blocks={0x82: OTHER_IDM + bytes(8)})
    card._memory[0x87] = lite_s(idm=OTHER_IDM)._memory[0x87]
    error = refusal(site(**WITH_KEY), card)
    assert (error.reason, str(error)) == (DenyReason.CARD_UNREADABLE, "the ID block is another card's")


@pytest.mark.parametrize("reader", [PlainReader()])
def test_a_reader_without_felica_commands_reads_the_number(reader: FelicaReader) -> None:
    assert read(site(**WITH_KEY), lite_s(reader)) == by_idm(
        "this reader takes no FeliCa commands, and its number can be copied"
    )


@every_reader
def test_a_number_in_the_common_use_format(reader: FelicaReader) -> None:
    kind = site(**WITH_NUMBER)
    assert kind.reach is Assurance.SERIAL
    assert read(kind, student(reader)) == by_number(NUMBER)


def test_a_copied_number_is_the_same_number() -> None:
    assert read(site(**WITH_NUMBER), student().copy()) == by_number(NUMBER)


@pytest.mark.parametrize(
    ("block", "place", "expected"),
    [
        (b"01" + b"4711".ljust(12) + b"00", {}, "4711"),
        (b"01" + b"4711".ljust(12, b"\0") + b"00", {}, "4711"),
        (bytes.fromhex("00" * 8 + "0047110000000000"), {"offset": 8, "length": 3, "encoding": "bcd"}, "004711"),
        (bytes.fromhex("00" * 14 + "1267"), {"offset": 14, "length": 2, "encoding": "integer"}, "4711"),
        (bytes.fromhex("A1B2" + "00" * 14), {"offset": 0, "length": 2, "encoding": "hex"}, "A1B2"),
    ],
)
def test_a_number_where_and_as_it_is_written(block: bytes, place: dict[str, Any], expected: str) -> None:
    assert read(site(service_block=place), student(block=block)) == by_number(expected.encode())


@pytest.mark.parametrize("content", [b"\0" * 12, b" " * 12, b"\xff" * 12, b"0" * 12])
def test_a_blank_number_is_nobodys(content: bytes) -> None:
    error = refusal(site(**WITH_NUMBER), student(block=b"01" + content + b"00"))
    assert error.reason is DenyReason.NO_STABLE_NUMBER


def test_a_number_that_is_not_written_so_is_unreadable() -> None:
    error = refusal(site(**WITH_NUMBER), student(block=b"01" + b"\xe9" * 12 + b"00"))
    assert error.reason is DenyReason.CARD_UNREADABLE
    assert "e9" not in str(error)


@every_reader
@pytest.mark.parametrize("card", [transit, lite_s], ids=["transit", "lite_s"])
def test_a_card_without_the_system_is_known_by_its_idm(reader: FelicaReader, card: Any) -> None:
    assert read(site(**WITH_NUMBER), card(reader)) == by_idm(
        "the card has no such service block, and its IDm can be copied"
    )


def test_a_card_without_the_service_is_known_by_its_idm() -> None:
    kind = site(service_block={"service": "1A4B"})
    assert read(kind, student()) == by_idm("the card has no such service block, and its IDm can be copied")


def test_a_card_without_the_block_says_so() -> None:
    with pytest.raises(CardError, match="reading the service block: the card answered the status flags 01A8"):
        read(site(service_block={"block": 1}), student())


def test_badges_with_a_key_and_cards_with_a_number_at_one_site() -> None:
    kind = site(**WITH_KEY, **WITH_NUMBER)
    assert read(kind, lite_s()).assurance is Assurance.CHALLENGE
    assert read(kind, student()) == by_number(NUMBER, "this is no FeliCa Lite-S, and its number can be copied")
    assert read(kind, lite_s(version=9)).pseudonym == PSEUDONYMIZER.pseudonym("felica", IDM)


class WithoutPmm:
    """A reader that does not keep the PMm."""

    def __init__(self, card: FelicaCard) -> None:
        card.power_on()
        self._card = card

    def transmit(self, apdu: bytes) -> bytes:
        return b"\x6a\x81" if apdu == bytes.fromhex("FFCA010000") else self._card.transmit(apdu)


@pytest.mark.parametrize(
    ("card", "expected"), [(lite_s(), Assurance.CHALLENGE), (student(), Assurance.SERIAL)], ids=["lite_s", "student"]
)
def test_a_reader_that_does_not_tell_the_parameters(card: FelicaCard, expected: Assurance) -> None:
    identifier = CardKinds([site(**WITH_KEY)]).identify(FakeCardChannel(WithoutPmm(card)), card.atr)
    assert identifier.assurance is expected


def answers_of(kind: Felica, card: FelicaCard) -> list[bytes]:
    card.power_on()
    overheard = Overheard(card)
    CardKinds([kind]).identify(FakeCardChannel(overheard), card.atr)
    return overheard.answers


@every_reader
def test_a_replayed_read_is_refused(reader: FelicaReader) -> None:
    kind = site(**WITH_KEY)
    read(kind, lite_s(reader))  # from now on the reader's way is known
    again = iter([*answers_of(kind, lite_s(reader)), b"\x90\x00"])
    with pytest.raises(CardRefused) as caught:
        CardKinds([kind]).identify(FakeCardChannel(ScriptedCard(lambda _: next(again))), reader.atr)
    assert caught.value.reason is DenyReason.AUTHENTICATION_FAILED


def test_each_read_has_a_challenge_of_its_own() -> None:
    drawn = io.BytesIO(bytes(range(32)))
    kind = site(drawn.read, **WITH_KEY)
    for _ in range(2):
        assert read(kind, lite_s()).assurance is Assurance.CHALLENGE
    assert drawn.tell() == 32


class Tampered:
    """Somebody between card and reader who changes one answer."""

    def __init__(self, card: FelicaCard, number: int, changed: Any) -> None:
        card.power_on()
        self._card = card
        self._left = number
        self._changed = changed

    def transmit(self, apdu: bytes) -> bytes:
        answer = self._card.transmit(apdu)
        self._left -= 1
        return self._changed(answer) if self._left == -1 else answer


def turned(bit: int) -> Any:
    def turn(answer: bytes) -> bytes:
        changed = bytearray(answer)
        changed[bit // 8] ^= 1 << bit % 8
        return bytes(changed)

    return turn


@every_reader
def test_no_bit_of_an_answer_can_be_turned(reader: FelicaReader) -> None:
    kind = site(**WITH_KEY)
    genuine = read(kind, lite_s(reader))
    for number, answer in enumerate(answers_of(kind, lite_s(reader))):
        for bit in range(8 * len(answer)):
            channel = FakeCardChannel(Tampered(lite_s(reader), number, turned(bit)))
            try:
                identifier = CardKinds([kind]).identify(channel, reader.atr)
            except CardError:
                continue
            # What says nothing of the number may be turned; a proof that failed to come is never one.
            assert identifier.assurance is Assurance.SERIAL or identifier == genuine


@every_reader
@pytest.mark.parametrize("settings", [WITH_KEY, WITH_NUMBER], ids=["key", "number"])
def test_answers_cut_short_or_too_long_are_no_proof(reader: FelicaReader, settings: dict[str, Any]) -> None:
    kind = site(**settings)
    card = lite_s(reader) if "key" in settings else student(reader)
    genuine = read(kind, card)
    numbers = {genuine.pseudonym, PSEUDONYMIZER.pseudonym("felica", IDM)}
    for number, answer in enumerate(answers_of(kind, card)):
        for other in shorter_and_longer(answer):
            channel = FakeCardChannel(Tampered(card, number, lambda _, other=other: other))
            try:
                identifier = CardKinds([kind]).identify(channel, reader.atr)
            except CardError:
                continue
            assert identifier == genuine or identifier.assurance is Assurance.SERIAL
            assert identifier.pseudonym in numbers


def shorter_and_longer(answer: bytes) -> Iterator[bytes]:
    data, sw = answer[:-2], answer[-2:]
    for length in range(len(data)):
        yield data[:length] + sw
        yield data + bytes(length + 1) + sw


@every_reader
@pytest.mark.parametrize("settings", [WITH_KEY, WITH_NUMBER], ids=["key", "number"])
def test_a_card_pulled_away_at_any_command_is_gone(reader: FelicaReader, settings: dict[str, Any]) -> None:
    kind = site(**settings)
    card = lite_s(reader) if "key" in settings else student(reader)
    genuine = read(kind, card)
    for at in range(1, len(answers_of(kind, card)) + 1):
        with pytest.raises(CardGone):
            read(kind, card, remove_at=at)
    assert read(kind, card) == genuine


class Silent:
    """A card that left the field unnoticed: the reader still talks, and the card does not.

    Args:
        card: of before.
        at: how many frames it still answers.
        after: who answers from then on, if anybody.
    """

    def __init__(self, card: FelicaCard, at: int, after: FelicaCard | None = None) -> None:
        card.power_on()
        self._card = card
        self._left = at
        self._answer, card.answer = card.answer, self._fade  # type: ignore[method-assign]
        self._after = after

    def _fade(self, frame: bytes) -> bytes | None:
        self._left -= 1
        if self._left >= 0:
            return self._answer(frame)
        return self._after.answer(frame) if self._after else None

    def transmit(self, apdu: bytes) -> bytes:
        return self._card.transmit(apdu)


@every_reader
@pytest.mark.parametrize("settings", [WITH_KEY, WITH_NUMBER], ids=["key", "number"])
@pytest.mark.parametrize("at", [0, 1])
def test_a_card_that_falls_silent_is_gone(reader: FelicaReader, settings: dict[str, Any], at: int) -> None:
    card = lite_s(reader) if "key" in settings else student(reader)
    with pytest.raises(CardGone):
        CardKinds([site(**settings)]).identify(FakeCardChannel(Silent(card, at)), reader.atr)


@every_reader
@pytest.mark.parametrize("settings", [WITH_KEY, WITH_NUMBER], ids=["key", "number"])
@pytest.mark.parametrize("at", [0, 1])
def test_another_card_that_answers_is_told(reader: FelicaReader, settings: dict[str, Any], at: int) -> None:
    card = lite_s(reader) if "key" in settings else student(reader)
    other = FelicaCard(OTHER_IDM, PMM, {FCF: {}}, reader)
    with pytest.raises(CardRefused) as caught:
        CardKinds([site(**settings)]).identify(FakeCardChannel(Silent(card, at, other)), reader.atr)
    assert caught.value.reason is DenyReason.TWO_CARDS


def test_a_second_card_costs_a_good_read_nothing() -> None:
    channel = FakeCardChannel(lite_s())
    CardKinds([site(**WITH_KEY)]).identify(channel, lite_s().atr)
    assert not any(b"\x06\x00\xff\xff" in apdu for apdu in channel.sent)


def test_the_way_that_a_reader_takes_is_remembered() -> None:
    kinds = CardKinds([site(**WITH_KEY)])
    sent = []
    for _ in range(2):
        card = lite_s(DirectReader())
        card.power_on()
        channel = FakeCardChannel(card)
        kinds.identify(channel, card.atr)
        sent.append([apdu[:4].hex() for apdu in channel.sent])
    assert sent[0] == ["ffca0000", "ffca0100", "ffc20000", "ff000000", "ff000000"]
    assert sent[1] == ["ffca0000", "ffca0100", "ff000000", "ff000000"]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"diversification": "an10922"}, "diversification"),
        ({"service_block": {"system": "FE"}}, "system"),
        ({"service_block": {"system": "FFFF"}}, "the system has to be named"),
        ({"service_block": {"system": "feff"}}, "the system has to be named"),
        ({"service_block": {"service": "1A88"}}, "is read with a key"),
        ({"service_block": {"block": 256}}, "block"),
        ({"service_block": {"offset": 5}}, "end behind the 16 bytes"),
        ({"service_block": {"length": 9, "encoding": "integer"}}, "1 to 8 bytes"),
    ],
)
def test_settings_that_cannot_be_meant(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=words):
        site(**settings)


def test_a_key_that_is_not_there_is_told_at_the_start() -> None:
    with pytest.raises(KeyMaterialError, match="there are: badge, shared"):
        site(key="other")


@pytest.mark.rule(7)
def test_nothing_shows_a_number_or_a_key() -> None:
    kind = site(**WITH_KEY, **WITH_NUMBER)
    shown = repr(vars(kind)) + repr(vars(kind._commands)) + str(refusal(kind, lite_s().copy()))
    for secret in (IDM, MASTER, NUMBER):
        assert secret.hex() not in shown.lower()

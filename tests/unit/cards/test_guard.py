"""The allow-list at the only way to a card (rule 6)."""

from __future__ import annotations

import pytest

from fakes.card_channel import FakeCardChannel, scripted
from kazasu.cards.channel import folded
from kazasu.cards.guard import (
    Allowance,
    AllowList,
    Digits,
    Guarded,
    Scope,
    Template,
    application,
    select_application,
    select_file,
)
from kazasu.cards.uid import ALLOW_UID
from kazasu.errors import CardGone, ForbiddenApdu

AID = bytes.fromhex("D392F000260100000001")
TOKEN = bytes.fromhex("0006")
CERTIFICATE = bytes.fromhex("000A")
ALLOW = Allowance(scopes=(application(AID, {TOKEN, CERTIFICATE}),))
SELECT_JPKI = select_application(AID)
READ = bytes.fromhex("00B0000000")
EXTENDED_READ = bytes.fromhex("00B00000000000")
GET_RESPONSE = bytes.fromhex("00C0000010")

FORBIDDEN = {
    "resident": "D3921000310001010401",
    "card_face": "D3921000310001010402",
    "card_face_input": "D3921000310001010408",
}

# Each known way to an application or a file round an exact SELECT; {aid} is a forbidden one's.
WAYS_ROUND = {
    "exact SELECT": "00A4040C0A{aid}",
    "SELECT with file control information": "00A404000A{aid}",
    "SELECT with Le": "00A4040C0A{aid}00",
    "SELECT next occurrence": "00A4040E0A{aid}",
    "extended length SELECT": "00A4040C00000A{aid}",
    "extended length SELECT with Le": "00A4040C00000A{aid}0000",
    "longer AID": "00A4040C0B{aid}00",
    "SELECT by path": "00A4080C0A{aid}",
    "SELECT the master file": "00A40000",
    "SELECT the master file by identifier": "00A4000C023F00",
    "SELECT a child DF": "00A4010C020001",
    "SELECT the parent": "00A4030C",
    "SELECT an EF by identifier": "00A4020C020001",
    "SELECT an EF, other P2": "00A40200020001",
    "logical channel 1": "01A4040C0A{aid}",
    "logical channel 4": "40A4040C0A{aid}",
    "open a logical channel": "0070000001",
    "chained SELECT": "10A4040C0A{aid}",
    "secure messaging": "0CA4040C0A{aid}",
    "proprietary class": "80A4040C0A{aid}",
    "proprietary class of SELECT's own": "90A4040C0A{aid}",
    "reader escape that passes on": "FF0000000F00A4040C0A{aid}",
    "READ BINARY by short EF identifier": "00B0810000",
    "READ BINARY by short EF identifier, extended": "00B08100000000",
    "READ BINARY, odd instruction": "00B1000100",
    "READ RECORD by short EF identifier": "00B2010C00",
    "GET DATA": "00CA000100",
    "GET DATA, odd instruction": "00CB3FFF045C025F5000",
    "VERIFY": "002000800431323334",
    "VERIFY by short EF identifier": "002000810431323334",
    "GENERAL AUTHENTICATE": "0086000002{aid}",
    "ENVELOPE": "00C200000F00A4040C0A{aid}",
}
PREFIXES = range(1, 10)


@pytest.mark.rule(6)
@pytest.mark.parametrize("before", ["nothing", "application", "file", "more"])
@pytest.mark.parametrize("way", WAYS_ROUND)
@pytest.mark.parametrize("application", FORBIDDEN)
def test_each_known_way_round_to_a_forbidden_application_is_stopped_before_the_card(
    application: str, way: str, before: str
) -> None:
    channel, guarded = prepared(before)
    seen = list(channel.sent)
    with pytest.raises(ForbiddenApdu):
        guarded.transmit(bytes.fromhex(WAYS_ROUND[way].format(aid=FORBIDDEN[application])))
    assert channel.sent == seen


@pytest.mark.rule(6)
@pytest.mark.parametrize("length", PREFIXES)
@pytest.mark.parametrize("aid", [*FORBIDDEN.values(), AID.hex()])
def test_a_prefix_of_an_aid_is_stopped_before_the_card(aid: str, length: int) -> None:
    channel, guarded = prepared("nothing")
    with pytest.raises(ForbiddenApdu):
        guarded.transmit(select_application(bytes.fromhex(aid)[:length]))
    assert channel.sent == []


def prepared(before: str) -> tuple[FakeCardChannel, Guarded]:
    """A connection on which this much was rightly selected."""
    channel = FakeCardChannel(scripted("9000", "9000", "6110"))
    guarded = Guarded(channel, AllowList([ALLOW, ALLOW_UID]))
    steps = {"nothing": [], "application": [SELECT_JPKI], "file": [SELECT_JPKI, select_file(TOKEN)]}
    steps["more"] = [*steps["file"], READ]
    for apdu in steps[before]:
        guarded.transmit(apdu)
    return channel, guarded


def test_what_a_kind_names_passes_in_its_order() -> None:
    channel = FakeCardChannel(scripted("9000", "9000", "AA9000", "9000", "BB6101", "CC9000", "0102039000"))
    guarded = Guarded(channel, AllowList([ALLOW, ALLOW_UID]))
    commands = [
        SELECT_JPKI,
        select_file(TOKEN),
        READ,
        select_file(CERTIFICATE),
        EXTENDED_READ,
        GET_RESPONSE,
        bytes.fromhex("FFCA000000"),
    ]
    for apdu in commands:
        guarded.transmit(apdu)
    assert channel.sent == commands


@pytest.mark.parametrize(
    ("answers", "commands"),
    [
        ([], [READ]),
        ([], [select_file(TOKEN)]),
        (["9000"], [SELECT_JPKI, READ]),
        (["6A82"], [SELECT_JPKI, select_file(TOKEN)]),
        (["6283"], [SELECT_JPKI, select_file(TOKEN)]),
        (["9000", "9000", "6A82"], [SELECT_JPKI, select_file(TOKEN), select_file(CERTIFICATE), READ]),
        (["9000", "9000", "6A82"], [SELECT_JPKI, select_file(TOKEN), SELECT_JPKI, READ]),
        (["9000", "9000", "9000"], [SELECT_JPKI, select_file(TOKEN), SELECT_JPKI, READ]),
        (["9000", "6A82"], [SELECT_JPKI, select_file(TOKEN), select_file(CERTIFICATE)]),
    ],
)
def test_nothing_is_read_unless_application_and_file_were_selected_with_success(
    answers: list[str], commands: list[bytes]
) -> None:
    channel = FakeCardChannel(scripted(*answers))
    guarded = Guarded(channel, AllowList([ALLOW]))
    for apdu in commands[:-1]:
        guarded.transmit(apdu)
    with pytest.raises(ForbiddenApdu):
        guarded.transmit(commands[-1])
    assert channel.sent == commands[:-1]


@pytest.mark.parametrize(
    "apdu",
    ["00B00000", "00B000000000", "00B00000010000", "00B0000000000000", "00B000000100", "00B0800000", "00B0FF0000"],
)
def test_read_binary_has_two_spellings_only(apdu: str) -> None:
    channel, guarded = prepared("file")
    with pytest.raises(ForbiddenApdu):
        guarded.transmit(bytes.fromhex(apdu))
    assert len(channel.sent) == 2


def test_a_file_of_one_application_is_no_file_of_another() -> None:
    other = application(bytes.fromhex("A000000308"), {b"\x5f\xc1"})
    guarded = Guarded(FakeCardChannel(scripted("9000")), AllowList([ALLOW, Allowance(scopes=(other,))]))
    guarded.transmit(other.opens)
    with pytest.raises(ForbiddenApdu):
        guarded.transmit(select_file(TOKEN))


def test_get_response_needs_an_answer_that_announced_more() -> None:
    channel = FakeCardChannel(scripted("9000", "9000", "AA6101", "BB9000"))
    guarded = Guarded(channel, AllowList([ALLOW]))
    for apdu in (SELECT_JPKI, select_file(TOKEN), READ, GET_RESPONSE):
        guarded.transmit(apdu)
    with pytest.raises(ForbiddenApdu):
        guarded.transmit(GET_RESPONSE)


def test_a_broken_exchange_ends_what_was_selected() -> None:
    channel = FakeCardChannel(scripted("9000", "9000"), remove_at=3)
    guarded = Guarded(channel, AllowList([ALLOW]))
    guarded.transmit(SELECT_JPKI)
    guarded.transmit(select_file(TOKEN))
    with pytest.raises(CardGone):
        guarded.transmit(READ)
    with pytest.raises(ForbiddenApdu):
        guarded.transmit(READ)


def test_the_error_names_the_command_and_not_its_data() -> None:
    guarded = Guarded(FakeCardChannel(scripted()), AllowList([]))
    with pytest.raises(ForbiddenApdu, match="00200080…, 9 bytes") as caught:
        guarded.transmit(bytes.fromhex("002000800431323334"))
    assert "31323334" not in str(caught.value)


@pytest.mark.rule(6)
@pytest.mark.parametrize("aid", FORBIDDEN.values())
@pytest.mark.parametrize("digits", [10, 18, 20, 22])
def test_no_kind_can_allow_an_application_that_holds_the_my_number(aid: str, digits: int) -> None:
    with pytest.raises(ValueError, match="rule 6"):
        application(bytes.fromhex(f"{aid}00"[:digits]))


@pytest.mark.parametrize("aid", ["", "D3921000", "AA" * 17])
def test_an_aid_has_5_to_16_bytes(aid: str) -> None:
    with pytest.raises(ValueError, match="5 to 16 bytes"):
        application(bytes.fromhex(aid))


def test_the_common_card_application_is_another_than_its_neighbours() -> None:
    application(bytes.fromhex("D3921000310001010100"))


def test_without_allowances_nothing_passes() -> None:
    channel = FakeCardChannel(scripted())
    for apdu in (b"", b"\x00", SELECT_JPKI, READ, GET_RESPONSE, bytes.fromhex("FFCA000000")):
        with pytest.raises(ForbiddenApdu):
            Guarded(channel, AllowList([])).transmit(apdu)
    assert channel.sent == []


CHALLENGE = Template((bytes.fromhex("0087119E"), b"\x08", 8, b"\x00"))
KEY_FILE = bytes.fromhex("0017")
PIN_FILE = bytes.fromhex("0018")
VERIFY = Template((bytes.fromhex("0020008004"), 4))


def with_pin() -> Allowance:
    """An application with a file that is read, and one in which a PIN may be shown."""
    pin = Scope(opens=select_file(PIN_FILE), templates=(VERIFY,), commands=frozenset({bytes.fromhex("00200080")}))
    return Allowance(scopes=(application(AID, {TOKEN}, templates=(CHALLENGE,), inner=(pin,)),))


def test_a_template_takes_any_bytes_where_it_says_so_and_nowhere_else() -> None:
    channel = FakeCardChannel(scripted("9000", "9000", "9000"))
    guarded = Guarded(channel, AllowList([with_pin()]))
    guarded.transmit(SELECT_JPKI)
    for part in (bytes(8), bytes.fromhex("0A0D5C2E24FF00D1")):
        guarded.transmit(bytes.fromhex("0087119E08") + part + b"\x00")
    for wrong in ("0087119E080000000000000000", "0087119E08000000000000000001", "0087119E0800000000000000000000"):
        with pytest.raises(ForbiddenApdu):
            guarded.transmit(bytes.fromhex(wrong))
    assert len(channel.sent) == 3


def test_a_template_of_an_application_needs_its_select() -> None:
    channel = FakeCardChannel(scripted("6A82"))
    guarded = Guarded(channel, AllowList([with_pin()]))
    challenge = bytes.fromhex("0087119E08") + bytes(8) + b"\x00"
    with pytest.raises(ForbiddenApdu):
        guarded.transmit(challenge)
    guarded.transmit(SELECT_JPKI)
    with pytest.raises(ForbiddenApdu):
        guarded.transmit(challenge)
    assert channel.sent == [SELECT_JPKI]


def test_a_pin_goes_to_its_own_file_only() -> None:
    channel = FakeCardChannel(scripted(*["9000"] * 5))
    guarded = Guarded(channel, AllowList([with_pin()]))
    verify = bytes.fromhex("002000800431323334")
    for apdu in (SELECT_JPKI, select_file(TOKEN)):
        guarded.transmit(apdu)
    with pytest.raises(ForbiddenApdu):
        guarded.transmit(verify)
    guarded.transmit(select_file(PIN_FILE))
    guarded.transmit(verify)
    guarded.transmit(select_file(TOKEN))
    with pytest.raises(ForbiddenApdu):
        guarded.transmit(verify)
    assert len(channel.sent) == 5


def test_what_is_read_is_the_selected_file_and_not_the_one_for_the_pin() -> None:
    guarded = Guarded(FakeCardChannel(scripted("9000", "9000")), AllowList([with_pin()]))
    guarded.transmit(SELECT_JPKI)
    guarded.transmit(select_file(PIN_FILE))
    with pytest.raises(ForbiddenApdu):
        guarded.transmit(READ)


def test_two_kinds_in_one_application_may_both_do_what_they_named() -> None:
    channel = FakeCardChannel(scripted(*["9000"] * 4))
    guarded = Guarded(channel, AllowList([ALLOW, with_pin()]))
    for apdu in (SELECT_JPKI, select_file(CERTIFICATE), READ, select_file(PIN_FILE)):
        guarded.transmit(apdu)
    assert len(channel.sent) == 4


def test_a_scope_may_be_opened_by_a_status_of_its_own() -> None:
    scope = Scope(opens=bytes.fromhex("905A00000301020300"), opened_by=frozenset({0x9100}), commands=frozenset({READ}))
    guarded = Guarded(FakeCardChannel(scripted("9000", "9100", "9000")), AllowList([Allowance(scopes=(scope,))]))
    guarded.transmit(scope.opens)
    with pytest.raises(ForbiddenApdu):
        guarded.transmit(READ)
    guarded.transmit(scope.opens)
    guarded.transmit(READ)


OPENED_BY_9100 = Scope(
    opens=bytes.fromhex("905A000003F5304200"),
    opened_by=frozenset({0x9100}),
    commands=frozenset({bytes.fromhex("9064000000")}),
)


@pytest.mark.parametrize("answers", [["6110", "9100"], ["6110", "6105", "9100"]])
def test_a_scope_opens_when_an_answer_in_parts_ends_with_its_status(answers: list[str]) -> None:
    # A card that made a driver believe in an open scope, and the guard not, would end the daemon.
    guarded = Guarded(FakeCardChannel(scripted(*answers, "9100")), AllowList([Allowance(scopes=(OPENED_BY_9100,))]))
    assert folded(guarded).transmit(OPENED_BY_9100.opens)[1] == 0x9100
    guarded.transmit(bytes.fromhex("9064000000"))


@pytest.mark.parametrize("answers", [["6110"], ["6110", "6A82"], ["6110", "6105"], ["6110", "9000"]])
def test_a_scope_stays_shut_while_an_answer_in_parts_has_not_ended_so(answers: list[str]) -> None:
    guarded = Guarded(FakeCardChannel(scripted(*answers)), AllowList([Allowance(scopes=(OPENED_BY_9100,))]))
    guarded.transmit(OPENED_BY_9100.opens)
    for _ in answers[1:]:
        guarded.transmit(GET_RESPONSE)
    with pytest.raises(ForbiddenApdu):
        guarded.transmit(bytes.fromhex("9064000000"))


def test_what_another_answer_ends_with_opens_nothing() -> None:
    guarded = Guarded(
        FakeCardChannel(scripted("6110", "6110", "9100")), AllowList([ALLOW_UID, Allowance(scopes=(OPENED_BY_9100,))])
    )
    guarded.transmit(OPENED_BY_9100.opens)
    guarded.transmit(bytes.fromhex("FFCA000000"))
    guarded.transmit(GET_RESPONSE)
    with pytest.raises(ForbiddenApdu):
        guarded.transmit(bytes.fromhex("9064000000"))


@pytest.mark.parametrize("parts", [(), (8,), (b"\x00\x87\x11", 8)])
def test_what_a_template_does_is_fixed(parts: tuple[bytes | int, ...]) -> None:
    with pytest.raises(ValueError, match="four fixed bytes"):
        Template(parts)


def test_a_pin_is_made_of_digits() -> None:
    template = Template((bytes.fromhex("0020008004"), Digits(4)))
    card = FakeCardChannel(scripted("9000"))
    guarded = Guarded(card, AllowList([Allowance(templates=(template,))]))
    for wrong in (b"123a", b"123", b"12345", b"\0\0\0\0", b"12 4"):
        with pytest.raises(ForbiddenApdu):
            guarded.transmit(bytes.fromhex("0020008004") + wrong)
    guarded.transmit(bytes.fromhex("0020008004") + b"4711")
    assert len(card.sent) == 1

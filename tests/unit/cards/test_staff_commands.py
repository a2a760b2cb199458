"""What a profile may send: a list of what reads, and nothing else (rule 6)."""

from __future__ import annotations

import pytest

from kazasu.cards.staff_commands import fault_of_authentication, fault_of_step, templates_of_step

pytestmark = pytest.mark.rule(6)


@pytest.mark.parametrize(
    "apdu",
    [
        "00A4020C020001",
        "00A40204020001",
        "00A4020002000100",
        "00B0000000",
        "00B0810010",
        "00B00000000200",
        "00B2010C00",
        "00CA010000",
        "002241A403840101",
        "002241B606840101800110",
        "002281B603830101",
    ],
)
def test_what_reads_within_the_application_is_permitted(apdu: str) -> None:
    assert fault_of_step(bytes.fromhex(apdu)) is None


@pytest.mark.parametrize(
    ("apdu", "said"),
    [
        ("00B000", "four bytes at least"),
        ("80B0000000", "class 80"),
        ("0CB0000000", "class 0C"),
        ("01B0000000", "class 01"),
        ("10B0000000", "class 10"),
        ("00D600000155", "UPDATE BINARY changes the card"),
        ("00D0000001FF", "WRITE BINARY changes the card"),
        ("00D20100", "WRITE RECORD changes the card"),
        ("00DC0104", "UPDATE RECORD changes the card"),
        ("00E20000", "APPEND RECORD changes the card"),
        ("000E0000", "ERASE BINARY changes the card"),
        ("00DA0100", "PUT DATA changes the card"),
        ("00DB3FFF", "PUT DATA changes the card"),
        ("00240080", "CHANGE REFERENCE DATA changes the card"),
        ("002C0080", "RESET RETRY COUNTER changes the card"),
        ("002000800431323334", "VERIFY tries a PIN"),
        ("00200080", "VERIFY tries a PIN"),
        ("00820000", "EXTERNAL AUTHENTICATE"),
        ("008800001000", "belongs in [internal_authentication] or [signature]"),
        ("002A9E9A", "belongs in [signature]"),
        ("0087119E", "GENERAL AUTHENTICATE"),
        ("00700000", "MANAGE CHANNEL"),
        ("00C0000010", "sent by the terminal itself"),
        ("00C20000", "ENVELOPE may hold any command"),
        ("00E40000", "DELETE FILE changes the card"),
        ("00FE0000", "TERMINATE CARD USAGE changes the card"),
        ("00470000", "GENERATE ASYMMETRIC KEY PAIR"),
        ("00B1000000", "instruction B1 is not known to read"),
        ("00CB3FFF", "instruction CB is not known to read"),
        ("00FC0000", "instruction FC is not known to read"),
        ("00A4040C0AD3921000310001010408", "may lead to another application"),
        ("00A4040C05D392100031", "may lead to another application"),
        ("00A40000", "may lead to another application"),
        ("00A4000C023F00", "may lead to another application"),
        ("00A4010C020001", "may lead to another application"),
        ("00A4030C", "may lead to another application"),
        ("00A4080C020001", "may lead to another application"),
        ("00A4020C023F00", "may lead to another application"),
        ("00A4020C023FFF", "may lead to another application"),
        ("00A4020C02FFFF", "may lead to another application"),
        ("00A4020C03000100", "may lead to another application"),
        ("00A4020E020001", "may lead to another application"),
        ("00A4020C0200010000", "may lead to another application"),
        ("0022F301", "otherwise than SET"),
        ("002241B8", "otherwise than SET"),
        ("002241A4", "its length (Lc)"),
        ("002241B60384010101", "its length (Lc)"),
        ("00B00000", "four bytes and Le"),
        ("00B000000155", "four bytes and Le"),
        ("00B00000010000", "four bytes and Le"),
        ("00B2010C0000", "four bytes and Le"),
    ],
)
def test_what_changes_a_card_or_leads_out_of_it_is_not(apdu: str, said: str) -> None:
    assert said in (fault_of_step(bytes.fromhex(apdu)) or "")


def test_of_all_headers_few_are_permitted() -> None:
    """With data, with Le and without both: no instruction that is not named passes in any class."""
    passed = {
        header[:2].hex()
        for header in (bytes([cla, ins, p1, 0x0C]) for cla in range(256) for ins in range(256) for p1 in (0, 2, 0x41))
        for body in (b"", b"\x00", b"\x02\x00\x01", b"\x02\x00\x01\x00")
        if fault_of_step(header + body) is None
    }
    assert passed == {"00a4", "00b0", "00b2", "00ca"}  # 0022 needs another P2


def test_a_read_may_be_repeated_with_the_le_that_the_card_names() -> None:
    (template,) = templates_of_step(bytes.fromhex("00B0810010"))
    assert template.parts == (bytes.fromhex("00B08100"), 1)
    assert templates_of_step(bytes.fromhex("00B2010C00")) == ()
    assert templates_of_step(bytes.fromhex("00B00000000200")) == ()


@pytest.mark.parametrize("header", ["00880000", "00880081", "00880183", "002A9E9A", "802A0080"])
def test_a_challenge_goes_to_a_key(header: str) -> None:
    assert fault_of_authentication(bytes.fromhex(header)) is None


@pytest.mark.parametrize(
    "header",
    ["", "0088", "0088000010", "80880000", "0C880000", "00820000", "002A8680", "002A80B8", "00D60000", "00200080"],
)
def test_and_to_nothing_else(header: str) -> None:
    assert "only INTERNAL AUTHENTICATE" in (fault_of_authentication(bytes.fromhex(header)) or "")

"""What the doctor and check-config say of a keypad, and of codes."""

from __future__ import annotations

from pathlib import Path

import pytest

from fakes.codes import kept, pseudonym
from fakes.roster import person
from kazasu.cli.check_config import _sentences
from kazasu.cli.checks_keypad import check_codes, check_keypad
from kazasu.cli.finding import Finding, Grade
from kazasu.config import parse
from kazasu.errors import KeypadBusy, KeypadUnavailable, OutputError
from kazasu.keypads import usb
from kazasu.store.roster_file import enroll, set_code

CONFIGURATION = """
[terminal]
site = "town-hall"
id = "entrance-1"
[[readers]]
name = "desk"
[cards]
kinds = ["felica"]
[services.attendance]
[outputs.gpio]
green = { pin = 17 }
red = { pin = 27 }
buzzer = { pin = 22 }
[collector]
present = false
"""
USB = '[keypad]\nkind = "usb"\ndevice = "/dev/input/by-id/none-*"\n'
MATRIX = '[keypad]\nkind = "matrix"\nrows = [12, 16, 20, 21]\ncolumns = [6, 13, 19, 26]\n'


def findings(keypad: str) -> list[Finding]:
    return list(check_keypad(parse((CONFIGURATION + keypad).encode(), Path("kazasu.toml"))))


def test_without_one_there_is_nothing_to_say() -> None:
    assert findings("") == []


def test_one_that_is_not_there_says_what_was_looked_for() -> None:
    with pytest.raises(KeypadUnavailable, match="no keypad is plugged in: nothing fits /dev/input/by-id/none-"):
        findings(USB)


def test_one_that_can_be_read_is_named_and_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[str] = []
    close = usb.UsbKeypad.close

    def noted(keypad: usb.UsbKeypad) -> None:
        closed.append(repr(keypad))
        close(keypad)

    monkeypatch.setattr(usb.UsbKeypad, "open", lambda _: "/dev/input/by-id/usb-keypad-event-kbd")
    monkeypatch.setattr(usb.UsbKeypad, "close", noted)
    assert findings(USB) == [Finding(Grade.OK, "keypad", "/dev/input/by-id/usb-keypad-event-kbd")]
    assert len(closed) == 1


def test_one_that_the_running_terminal_has_is_a_note(monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(_: usb.UsbKeypad) -> str:
        raise KeypadBusy("/dev/input/event0 is in use")

    monkeypatch.setattr(usb.UsbKeypad, "open", busy)
    [finding] = findings(USB)
    assert (finding.grade, finding.found) == (
        Grade.NOTE,
        "/dev/input/event0 is in use, as it is while the terminal runs",
    )


def test_one_on_the_header_of_a_machine_without_gpio_is_a_problem() -> None:
    with pytest.raises(OutputError, match="GPIO"):
        findings(MATRIX)


def test_codes_are_counted_and_missed_where_they_are_entered_or_not(tmp_path: Path) -> None:
    def found(codes: str) -> list[tuple[Grade, str]]:
        terminal = f'[terminal]\nmin_assurance = "code"\nstate_dir = "{tmp_path}"'
        text = CONFIGURATION.replace("[terminal]", terminal) + USB + codes
        return [(each.grade, each.found) for each in check_codes(parse(text.encode(), Path("kazasu.toml")))]

    assert found("") == []
    assert found("[codes]\n") == [(Grade.NOTE, "nobody has one")]
    enroll(tmp_path / "roster.db", person("1001", "a" * 32))
    set_code(tmp_path / "roster.db", "1001", pseudonym("482913"), kept("482913", "5170"))
    assert found("") == [(Grade.NOTE, "1 in the roster, and no [codes]: nobody can enter one here")]
    assert found("[codes]\n") == [(Grade.OK, "1 in the roster")]


def test_check_config_says_where_codes_count_and_where_they_open_nothing() -> None:
    text = CONFIGURATION.replace("[terminal]", '[terminal]\nmin_assurance = "code"') + USB + "[codes]\n"
    door = "[services.door]\n[[doors]]\nname = 'hall'\nreaders = ['desk']\n"
    doors = f"{door}[[levels]]\nname = 'staff'\ndoors = ['hall']\n"

    def said(more: str, changed: str = text) -> list[str]:
        sentences = list(_sentences(parse((changed + more).encode(), Path("kazasu.toml"))))
        first = next(number for number, each in enumerate(sentences) if each.startswith("Codes: "))
        return [sentences[first], *[each for each in sentences[first + 1 :] if each.startswith("  ")]]

    assert said("") == [
        "Codes: code and PIN on the keypad; an entry counts as a tap on reader desk.",
        "  Within 30m at most 5 wrong tries with a code, 20 in all; 15s for the code, and again for the PIN.",
        "  It is a punch.",
    ]
    shut = '  No level opens door hall by code: that takes min_assurance = "code" in [[levels]].'
    assert said(doors)[-1] == shut
    assert said(doors + "min_assurance = 'code'\n")[-1] == "  It is a punch."
    strict = text.replace("[services.attendance]", '[services.attendance]\nmin_assurance = "serial"')
    assert said("", strict)[-1] == "  It is no punch: that asks for serial."

"""What the doctor says of a keypad."""

from __future__ import annotations

from pathlib import Path

import pytest

from kazasu.cli.checks_keypad import check_keypad
from kazasu.cli.finding import Finding, Grade
from kazasu.config import parse
from kazasu.errors import KeypadBusy, KeypadUnavailable, OutputError
from kazasu.keypads import usb

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

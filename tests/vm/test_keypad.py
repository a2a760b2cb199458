"""A PIN on a keypad of the kernel's, under the shipped unit: from the key to the event at the broker."""

from __future__ import annotations

import re
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from kazasu.virtual.jpki import JpkiCard
from vm.keypad_child import DEVICE, TYPED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vm.conftest import Terminal
    from vm.machine import Machine
    from vm.site import Site

CHILD = Path(__file__).with_name("keypad_child.py")
CONFIGURATION = "/etc/kazasu/kazasu.toml"
PIN, WRONG = "8462", "9173"
TRIES_LEFT = bytes.fromhex("00200080")


@pytest.fixture
def keypad(terminal: Terminal) -> Iterator[Terminal]:
    """The terminal asks for `challenge_pin`, and has a keypad."""
    machine, _, _ = terminal
    machine.put(CHILD.read_bytes(), "/root/keypad.py")
    machine.sh("modprobe uinput && systemd-run --unit=keypad python3 /root/keypad.py")
    machine.wait_until(f"test -e {DEVICE} && test -p {TYPED}")
    machine.sh(
        f"cp -p {CONFIGURATION} /root/before.toml"
        rf" && sed -i '/^\[services.attendance\]/a min_assurance = \"challenge_pin\"' {CONFIGURATION}"
        f' && printf \'\\n[keypad]\\nkind = "usb"\\ndevice = "{DEVICE}"\\n\' >>{CONFIGURATION}'
        " && systemctl restart kazasu"
    )
    machine.wait_until("systemctl is-active kazasu")
    yield terminal
    machine.sh(f"mv /root/before.toml {CONFIGURATION}; systemctl restart kazasu; systemctl stop keypad")
    machine.wait_until("systemctl is-active kazasu")


def typed_when_asked(machine: Machine, site: Site, digits: str) -> threading.Thread:
    """Type once the card was asked how many tries are left."""
    before = len(site.slot.log)

    def watch() -> None:
        site.slot.wait_for(lambda: any(exchange.apdu == TRIES_LEFT for exchange in site.slot.log[before:]), 60)
        machine.sh(f"echo {digits}E >{TYPED}")

    thread = threading.Thread(target=watch)
    thread.start()
    return thread


def tap(machine: Machine, site: Site, card: JpkiCard, digits: str) -> dict[str, int | str]:
    """Tap and type; the event, which names no card if there was no identifier."""
    before = len(site.subscriber.events)
    thread = typed_when_asked(machine, site, digits)
    site.slot.insert(card)
    arrived = site.subscriber.wait_for(
        lambda: any("decision" in event.fields for event in site.subscriber.events[before:])
    )
    thread.join()
    site.slot.remove()
    site.slot.wait_for(lambda: site.slot.vacant, 60)
    assert arrived, site.subscriber.problems
    return next(event.fields for event in site.subscriber.events[before:] if "decision" in event.fields)


@pytest.mark.rule(7)
def test_a_pin_goes_from_the_keypad_to_the_card_and_nowhere_else(keypad: Terminal) -> None:
    machine, site, _ = keypad
    card = site.staff[0].card
    assert isinstance(card, JpkiCard)
    card.pin.secret = PIN.encode()

    report = machine.run("kazasu", "doctor").out
    assert re.search(rf"note +keypad +{DEVICE} is in use", report), report

    assert tap(machine, site, card, WRONG)["reason"] == "pin_wrong"
    greens = machine.greens()
    fields = tap(machine, site, card, PIN)
    assert (fields["decision"], fields["assurance"]) == ("granted", "challenge_pin")
    assert machine.wait_for_pins(lambda: machine.greens() > greens)

    log = machine.sh("journalctl -b -o cat")
    assert "tap" in log
    for pin in (PIN, WRONG):
        assert not re.search(rf"\b{pin}\b", log)

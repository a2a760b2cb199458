"""What `kazasu doctor` says of the keypad for PINs and codes, and of who has a code."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from kazasu.cli.finding import Finding, Grade
from kazasu.errors import KeypadBusy, PinBusy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kazasu.model.configuration import Config
    from kazasu.model.configuration_wires import Keypad


def check_keypad(config: Config) -> Iterator[Finding]:
    """Whether it is there and can be read; nothing without one.

    Raises:
        KeypadUnavailable: it is not there, or cannot be read.
        OutputError: a pin of a matrix that cannot be used.
    """
    if config.keypad is not None:
        yield _usb(config.keypad) if config.keypad.kind == "usb" else _matrix(config.keypad)


def check_codes(config: Config) -> Iterator[Finding]:
    """Whether anybody has a code where codes are entered; and codes where nobody can enter them.

    Raises:
        RosterError: the roster cannot be read.
    """
    from kazasu.store.roster import Roster

    with contextlib.closing(Roster(config.terminal.roster_path)) as roster:
        count = len(roster.codes())
    if config.codes is None:
        if count:
            yield Finding(Grade.NOTE, "codes", f"{count} in the roster, and no [codes]: nobody can enter one here")
    elif count:
        yield Finding(Grade.OK, "codes", f"{count} in the roster")
    else:
        yield Finding(Grade.NOTE, "codes", "nobody has one", "kazasu code set NUMBER")


def _usb(keypad: Keypad) -> Finding:
    from kazasu.keypads.usb import UsbKeypad

    with contextlib.closing(UsbKeypad(keypad.device)) as usb:
        try:
            path = usb.open()
        except KeypadBusy as error:
            todo = "does it not run? plug the keypad in anew"
            return Finding(Grade.NOTE, "keypad", f"{error}, as it is while the terminal runs", todo)
    return Finding(Grade.OK, "keypad", path)


def _matrix(keypad: Keypad) -> Finding:
    from kazasu.keypads.wires import GpioMatrix
    from kazasu.outputs.gpio import Header

    with contextlib.ExitStack() as stack:
        header = Header()
        stack.callback(header.close)
        try:
            matrix = GpioMatrix(keypad.rows or (), keypad.columns or (), header)
        except PinBusy:
            todo = "does it not run? `gpioinfo` shows which program has them"
            return Finding(Grade.NOTE, "keypad", "the pins are in use, as they are while the terminal runs", todo)
        stack.callback(matrix.close)
        down = len(matrix.scan())
    if down:
        todo = "let go of the keys; else rows and columns are not wired as configured: docs/wiring.md"
        return Finding(Grade.PROBLEM, "keypad", f"keys are down: {down}", todo)
    return Finding(Grade.OK, "keypad", "its pins can be used, and no key is down")

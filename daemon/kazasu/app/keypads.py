"""The keypad, put together: for the PINs of cards, and for codes. The rest is assemble.py's."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from kazasu.errors import KeypadUnavailable

if TYPE_CHECKING:
    from contextlib import ExitStack

    from kazasu.keypads.simulated import SimulatedKeypad
    from kazasu.keypads.turns import Turns
    from kazasu.model import configuration_wires
    from kazasu.model.configuration import Config
    from kazasu.model.configuration_people import Codes
    from kazasu.outputs.gpio import Header
    from kazasu.ports.clock import Clock
    from kazasu.ports.inbox import Inbox
    from kazasu.ports.keypads import Keypad, WakeableKeypad
    from kazasu.ports.loops import Loop
    from kazasu.ports.readers import PinSource
    from kazasu.publishers.board import HealthBoard


class Keypads(NamedTuple):
    """What the keypad is for.

    Attributes:
        pins: where people enter the PIN of their card; None if nobody is asked for one.
        codes: takes codes; None if nobody enters any.
        simulated: takes keys from orders; None where people press them.
    """

    pins: PinSource | None = None
    codes: Loop | None = None
    simulated: SimulatedKeypad | None = None


class _Terminal(NamedTuple):
    """What of a terminal a keypad needs."""

    config: Config
    inbox: Inbox
    board: HealthBoard
    clock: Clock
    stack: ExitStack


def open_keypads(
    config: Config, inbox: Inbox, board: HealthBoard, clock: Clock, header: Header | None, stack: ExitStack
) -> Keypads:
    """Open the keypad, if there is one.

    Raises:
        OutputError: a pin of the header that cannot be used.
        KeyMaterialError: codes are entered, and there is no pepper.
    """
    terminal, keypad = _Terminal(config, inbox, board, clock, stack), config.keypad
    if keypad is None:
        if config.codes is None:
            return Keypads()
        from kazasu.keypads.simulated import SimulatedKeypad

        simulated = SimulatedKeypad()
        return Keypads(codes=_codes(config.codes, _turns(simulated), terminal), simulated=simulated)
    keys = _opened(keypad, terminal, header)
    if config.codes is None:
        return Keypads(pins=_pins(keys, keypad, terminal))
    turns = _turns(keys)
    return Keypads(pins=_pins(turns.for_cards, keypad, terminal), codes=_codes(config.codes, turns, terminal))


def _opened(keypad: configuration_wires.Keypad, terminal: _Terminal, header: Header | None) -> WakeableKeypad:
    if keypad.kind == "matrix" and header is not None:
        return _matrix(keypad, terminal, header)
    return _usb(keypad.device, terminal)


def _usb(pattern: str, terminal: _Terminal) -> WakeableKeypad:
    from kazasu.keypads.usb import UsbKeypad

    usb = UsbKeypad(pattern)
    terminal.stack.callback(usb.close)
    try:
        usb.open()
    except KeypadUnavailable as error:
        # Who needs no keypad is served all the same; it is looked for again when somebody does.
        terminal.board.alert("keypad", str(error))
    return usb


def _matrix(keypad: configuration_wires.Keypad, terminal: _Terminal, header: Header) -> WakeableKeypad:
    from kazasu.keypads.matrix import MatrixKeypad
    from kazasu.keypads.wires import GpioMatrix

    matrix = GpioMatrix(keypad.rows or (), keypad.columns or (), header)
    terminal.stack.callback(matrix.close)
    return MatrixKeypad(matrix, mono_s=terminal.clock.mono_s)


def _turns(keypad: WakeableKeypad) -> Turns:
    from kazasu.keypads.turns import Turns

    return Turns(keypad)


def _pins(keys: Keypad, keypad: configuration_wires.Keypad, terminal: _Terminal) -> PinSource:
    from kazasu.keypads.entry import PinEntry

    return PinEntry(keys, terminal.inbox, terminal.board, mono_s=terminal.clock.mono_s, timeout_s=keypad.timeout)


def _codes(codes: Codes, turns: Turns, terminal: _Terminal) -> Loop:
    from kazasu.app.cards import pepper_of, pseudonymizer
    from kazasu.keypads.code_check import CodeCheck
    from kazasu.keypads.codes import CodeLoop
    from kazasu.store.roster import Roster

    pepper = pepper_of(terminal.config)
    roster = Roster(terminal.config.terminal.roster_path, pepper)  # this thread's own
    terminal.stack.callback(roster.close)
    reader = codes.at_reader([reader.name for reader in terminal.config.readers])
    check = CodeCheck(reader, roster.code_of, pseudonymizer(pepper), pepper)
    mono_s = terminal.clock.mono_s
    return CodeLoop(turns, terminal.inbox, terminal.board, check, mono_s=mono_s, timeout_s=codes.timeout)

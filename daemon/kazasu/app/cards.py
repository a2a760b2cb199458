"""What reads cards, put together: kinds, keys, policy and the keypad for their PINs. The rest is assemble.py's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kazasu.cards import registry
from kazasu.cards.identify import CardKinds
from kazasu.cards.kind import Tools
from kazasu.cards.pseudonym import Pseudonymizer
from kazasu.config import credential
from kazasu.errors import KeypadUnavailable
from kazasu.model.access import Assurance
from kazasu.model.policy import AssurancePolicy, Stricter
from kazasu.model.schedule import WEEKDAYS, TimeRange, WeeklyHours
from kazasu.readers.demand import EnrolledDemand
from kazasu.store.card_keys import load_card_keys
from kazasu.store.keys import load_pepper
from kazasu.store.roster import Roster

if TYPE_CHECKING:
    from contextlib import ExitStack

    from kazasu.model import configuration
    from kazasu.model.configuration import Config
    from kazasu.outputs.gpio import Header
    from kazasu.ports import Clock, Demand, Inbox, Keypad, PinSource, Service
    from kazasu.publishers.board import HealthBoard


def card_identifier(config: Config, clock: Clock, demand: Demand, pins: PinSource | None = None) -> CardKinds:
    """What reads cards, with the configured kinds. Implements ports.CardIdentifier.

    Args:
        config: checked.
        clock: the terminal's.
        demand: what a card has to prove.
        pins: where people enter their PIN; without it nobody is asked for one.

    Raises:
        KeyMaterialError: no pepper, or a card key that cannot be used.
        ConfigurationError: a file that a kind's settings name cannot be used.
    """
    tools = Tools(
        pseudonymizer=Pseudonymizer(load_pepper(credential(config.keys.pepper))),
        clock=clock,
        keys=load_card_keys(credential(config.keys.cards)),
        demand=demand,
        pins=pins,
    )
    return CardKinds(
        module.build(config.cards.settings.by_kind[kind], tools)
        for kind in config.cards.kinds
        if (module := registry.module_of(kind)) is not None
    )


def pin_source(
    keypad: configuration.Keypad,
    inbox: Inbox,
    board: HealthBoard,
    clock: Clock,
    header: Header | None,
    stack: ExitStack,
) -> PinSource:
    """Where people enter their PIN. Raises OutputError: a pin of the header that cannot be used."""
    from kazasu.keypads.entry import PinEntry

    if keypad.kind == "matrix" and header is not None:
        keys = _matrix(keypad, header, clock, stack)
    else:
        keys = _usb_keypad(keypad.device, board, stack)
    return PinEntry(keys, inbox, board, mono_s=clock.mono_s, timeout_s=keypad.timeout)


def _usb_keypad(pattern: str, board: HealthBoard, stack: ExitStack) -> Keypad:
    from kazasu.keypads.usb import UsbKeypad

    usb = UsbKeypad(pattern)
    stack.callback(usb.close)
    try:
        usb.open()
    except KeypadUnavailable as error:
        # Who needs no PIN is served all the same; it is looked for again at the next one.
        board.alert("keypad", str(error))
    return usb


def _matrix(keypad: configuration.Keypad, header: Header, clock: Clock, stack: ExitStack) -> Keypad:
    from kazasu.keypads.matrix import MatrixKeypad
    from kazasu.outputs.gpio import GpioMatrix

    matrix = GpioMatrix(keypad.rows or (), keypad.columns or (), header)
    stack.callback(matrix.close)
    return MatrixKeypad(matrix, mono_s=clock.mono_s)


def terminal_policy(config: Config) -> AssurancePolicy:
    """What a read has to prove at this terminal, whatever for."""
    return AssurancePolicy(min_assurance=Assurance.from_word(config.terminal.min_assurance))


def attendance_policy(service: configuration.Attendance, terminal: configuration.Terminal) -> AssurancePolicy:
    """What a read has to prove for a punch."""
    return AssurancePolicy(
        min_assurance=Assurance.from_word(service.min_assurance or terminal.min_assurance),
        stricter=tuple(
            Stricter(
                during=WeeklyHours(
                    hours=TimeRange(first=rule.during.first, last=rule.during.last),
                    weekdays=frozenset(WEEKDAYS.index(day) for day in rule.days),
                ),
                min_assurance=Assurance.from_word(rule.min_assurance),
            )
            for rule in service.stricter
        ),
    )


def enrolled_demand(config: Config, service: Service, clock: Clock, stack: ExitStack) -> Demand:
    """What policy, service and enrolment ask of a card, for the reader's thread."""
    roster = Roster(config.terminal.roster_path)  # the reader thread's own
    stack.callback(roster.close)
    return EnrolledDemand(terminal_policy(config), service, roster, clock)

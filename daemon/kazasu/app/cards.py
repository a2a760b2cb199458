"""What reads cards, put together: kinds, keys and policy. The rest is assemble.py's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kazasu.cards import registry
from kazasu.cards.identify import CardKinds
from kazasu.cards.kind import Tools
from kazasu.cards.pseudonym import Pseudonymizer
from kazasu.config import credential
from kazasu.model.access import Assurance
from kazasu.model.policy import AssurancePolicy, Stricter
from kazasu.model.schedule import WEEKDAYS, TimeRange, WeeklyHours
from kazasu.readers.demand import EnrolledDemand
from kazasu.store.card_keys import load_card_keys
from kazasu.store.keys import load_pepper
from kazasu.store.roster import Roster

if TYPE_CHECKING:
    from contextlib import ExitStack

    from kazasu.model import configuration, configuration_attendance
    from kazasu.model.configuration import Config
    from kazasu.model.pepper import Pepper
    from kazasu.ports.clock import Clock
    from kazasu.ports.readers import Demand, PinSource
    from kazasu.ports.services import Service


def card_identifier(config: Config, clock: Clock, demand: Demand, pins: PinSource | None = None) -> CardKinds:
    """What reads cards, with the configured kinds. Implements ports.readers.CardIdentifier.

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
        pseudonymizer=pseudonymizer(pepper_of(config)),
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


def pepper_of(config: Config) -> Pepper:
    """The site's pepper, all layers of it. Raises KeyMaterialError: there is none."""
    return load_pepper(credential(config.keys.pepper))


def pseudonymizer(pepper: Pepper) -> Pseudonymizer:
    """What the pepper's first layer makes of numbers; what later ones make of that, store/roster.py knows."""
    return Pseudonymizer(pepper.layers[0])


def terminal_policy(config: Config) -> AssurancePolicy:
    """What a read has to prove at this terminal, whatever for."""
    return AssurancePolicy(min_assurance=Assurance.from_word(config.terminal.min_assurance))


def attendance_policy(
    service: configuration_attendance.Attendance, terminal: configuration.Terminal
) -> AssurancePolicy:
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
    roster = Roster(config.terminal.roster_path, pepper_of(config))  # the reader thread's own
    stack.callback(roster.close)
    return EnrolledDemand(terminal_policy(config), service, roster, clock)

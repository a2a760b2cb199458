"""The doors of the running terminal.

`state` says how each is. `release` lets one person through. `unlock` keeps a door unlocked until `relock`, or for a
time. `lockdown` keeps everybody out but those whose level says otherwise, until `end-lockdown`; --all means every door
of this terminal. Each order is recorded with who gave it before anything moves. `simulate` changes an input of a door
where [outputs] driver is terminal: nothing is wired there.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from kazasu.cli import EXIT_OK, add_config_argument
from kazasu.cli.operator import calling, operator
from kazasu.config import load
from kazasu.errors import OrderRefused
from kazasu.model.order import EVERY_DOOR, LONGEST_UNLOCK_S, Lockdown, Look, Order, Release, Relock, Simulate, Unlock
from kazasu.model.setting import parse_duration

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_INPUTS = {
    "contact": ("open", "closed"),
    "rex": ("pressed", "released"),
    "motion": ("near", "gone"),
    "fire": ("alarm", "quiet"),
    "tamper": ("open", "closed"),
}


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    state = actions.add_parser("state", help="say how each door is")
    release = actions.add_parser("release", help="let one person through")
    unlock = actions.add_parser("unlock", help="keep a door unlocked")
    unlock.add_argument("--for", dest="for_s", type=_duration, metavar="TIME", help="30m, 2h; at most 7d")
    relock = actions.add_parser("relock", help="end an unlock; a schedule goes on")
    simulate = actions.add_parser("simulate", help="change an input of a door without wires")
    for one_door in (release, unlock, relock, simulate):
        one_door.add_argument("door", metavar="DOOR", help="its name in the configuration")
    simulate.add_argument("input", choices=list(_INPUTS))
    simulate.add_argument(
        "to", metavar="TO", help="; ".join(f"{name}: {' or '.join(to)}" for name, to in _INPUTS.items())
    )
    lockdown = actions.add_parser("lockdown", help="let nobody in who is not named for it")
    end = actions.add_parser("end-lockdown", help="end a lockdown")
    for several in (lockdown, end):
        which = several.add_mutually_exclusive_group(required=True)
        which.add_argument("door", nargs="?", metavar="DOOR", help="its name in the configuration")
        which.add_argument("--all", action="store_true", help="every door here")
    for action in (state, release, unlock, relock, simulate, lockdown, end):
        add_config_argument(action)


def execute(arguments: argparse.Namespace) -> int:
    """Order it, and say what is so now."""
    order = _ORDERS[arguments.action](arguments)
    with calling(load(arguments.config)) as terminal:
        print(terminal.order(order))
    return EXIT_OK


def _lockdown(arguments: argparse.Namespace) -> Order:
    door = EVERY_DOOR if arguments.all else arguments.door
    return Lockdown(by=operator(), door=door, active=arguments.action == "lockdown")


def _simulated(arguments: argparse.Namespace) -> Order:
    active, resting = _INPUTS[arguments.input]
    if arguments.to not in (active, resting):
        raise OrderRefused(f"{arguments.input} is {active} or {resting}, not {arguments.to!r}")
    return Simulate(by=operator(), door=arguments.door, input=arguments.input, active=arguments.to == active)


_ORDERS: Mapping[str, Callable[[argparse.Namespace], Order]] = {
    "state": lambda _: Look(by=operator()),
    "release": lambda arguments: Release(by=operator(), door=arguments.door),
    "unlock": lambda arguments: Unlock(by=operator(), door=arguments.door, for_s=arguments.for_s),
    "relock": lambda arguments: Relock(by=operator(), door=arguments.door),
    "lockdown": _lockdown,
    "end-lockdown": _lockdown,
    "simulate": _simulated,
}


def _duration(text: str) -> float:
    try:
        seconds = parse_duration(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    if not 0 < seconds <= LONGEST_UNLOCK_S:
        raise argparse.ArgumentTypeError(f"{text!r} is not more than nothing and at most 7d")
    return float(seconds)

"""The roll call: who is inside, by area, and, once a muster has begun, who is missing.

Without a word the list is made from this terminal's own knowledge, which needs no network, and from what all others
have put at the broker. What may be lacking stands on top, and the exit code is 1. `begin` begins a muster at this
terminal: from then on a tap at its meeting point says that somebody is safe; `end` ends it. With --desk it is made on
a machine without a terminal; what that file holds, docs/operations.md says.
"""

from __future__ import annotations

import contextlib
import json
import secrets
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from kazasu.app.broker import broker_of
from kazasu.cli import EXIT_OK, EXIT_PROBLEM, add_config_argument
from kazasu.cli.operator import calling, operator
from kazasu.cli.roll_call import as_csv, as_json, as_text
from kazasu.config import load, load_table
from kazasu.errors import BrokerUnsuitable, KeyMaterialError, OrderRefused, RosterError, SignatureInvalid
from kazasu.model.configuration_desk import Desk
from kazasu.model.hearing import Hearing
from kazasu.model.muster import Lack, roll_call
from kazasu.model.muster_document import read
from kazasu.model.order import BeginMuster, EndMuster, TellMuster
from kazasu.publishers.wire import Topics
from kazasu.runtime.control_caller import Caller
from kazasu.store.keys import load_verifier
from kazasu.store.roster import Roster

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterable, Mapping
    from zoneinfo import ZoneInfo

    from kazasu.model.configuration import Config
    from kazasu.model.configuration_broker import Mqtt
    from kazasu.model.configuration_muster import Muster
    from kazasu.model.document import Verifier
    from kazasu.model.muster import RollCall, Statement

_COMPLETE_S = 0.3  # all that was retained comes at once
_LACKING_S = 2.0
_SETTLING_S = 6.0  # a terminal says what is new within two seconds, and its health a second later


class _Sources(NamedTuple):
    """Where the list comes from.

    Attributes:
        site: its name.
        terminal: this machine's own, empty if there is none.
        control: the socket of a terminal that sees people; None if this machine's does not.
        mqtt: the broker; None for a stand-alone terminal.
        muster: other terminals and their keys; None if nobody named any.
        zone: in which times are said.
        roster: who people are; None if that is not known here.
    """

    site: str
    terminal: str
    control: Path | None
    mqtt: Mqtt | None
    muster: Muster | None
    zone: ZoneInfo
    roster: Path | None


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("action", nargs="?", choices=["begin", "end"], help="begin or end a muster at this terminal")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", dest="form", action="store_const", const=as_json, help="for programs")
    form.add_argument("--csv", dest="form", action="store_const", const=as_csv, help="for spreadsheets")
    where = parser.add_mutually_exclusive_group()
    add_config_argument(where)
    where.add_argument("--desk", type=Path, metavar="FILE", help="the file of a machine without a terminal")


def execute(arguments: argparse.Namespace) -> int:
    """Order it, or print the list."""
    if arguments.action is not None:
        if arguments.desk is not None:
            raise OrderRefused("a muster is begun and ended at a terminal with a meeting point, not at a desk")
        order = BeginMuster(by=operator()) if arguments.action == "begin" else EndMuster(by=operator())
        with calling(load(arguments.config)) as terminal:
            print(terminal.order(order))
        return EXIT_OK
    if arguments.desk is None:
        sources = _at_a_terminal(load(arguments.config))
    else:
        sources = _at_a_desk(load_table(arguments.desk, Desk, lambda _: ()))
    now_ms = time.time_ns() // 1_000_000
    statements, lacks = _gathered(sources, now_ms)
    listed = roll_call(statements, lacks, now_ms)
    form: Callable[[RollCall, Mapping[str, str], int, ZoneInfo], str] = arguments.form or as_text
    print(form(listed, _names(listed, sources.roster), now_ms, sources.zone), end="")
    if form is as_csv:
        for lack in listed.incomplete:
            print(f"INCOMPLETE: {lack.terminal} {lack.why}", file=sys.stderr)
    return EXIT_PROBLEM if listed.incomplete else EXIT_OK


def _at_a_terminal(config: Config) -> _Sources:
    terminal = config.terminal
    return _Sources(
        site=terminal.site,
        terminal=terminal.id,
        control=terminal.control_path if config.sees_people else None,
        mqtt=config.mqtt,
        muster=config.muster,
        zone=terminal.timezone,
        roster=terminal.roster_path,
    )


def _at_a_desk(desk: Desk) -> _Sources:
    return _Sources(
        site=desk.site,
        terminal="",
        control=None,
        mqtt=desk.mqtt,
        muster=desk.muster,
        zone=desk.timezone,
        roster=desk.roster,
    )


def _gathered(sources: _Sources, now_ms: int) -> tuple[list[Statement], list[Lack]]:
    """What is known, and what is lacking; no trouble keeps the rest of the list back."""
    statements: list[Statement] = []
    lacks: list[Lack] = []
    if sources.control is not None:
        try:
            statements.append(_own(sources, sources.control))
        except (OrderRefused, SignatureInvalid, ValueError) as error:
            lacks.append(Lack(terminal=sources.terminal, why=f"cannot be asked: {error}"))
    named = {} if sources.muster is None else sources.muster.terminals
    others = {name: path for name, path in named.items() if not (statements and name == sources.terminal)}
    keys, unusable = _keys(others)
    lacks += unusable
    hearing = Hearing(sources.site, keys)
    own = sources.terminal if statements else ""
    if sources.mqtt is None:
        lacks += [Lack(terminal=name, why="cannot be heard: there is no [mqtt] here") for name in others]
        return statements, lacks
    try:
        _hear(sources.mqtt, sources.site, hearing, lambda: hearing.judged(now_ms, own)[1])
    except (OSError, ValueError, BrokerUnsuitable, KeyMaterialError) as error:
        from kazasu.publishers.visit import words_of

        where = f"{sources.mqtt.host}:{sources.mqtt.port}"
        lacks.append(Lack(terminal="", why=f"the broker {where} cannot be asked: {words_of(error)}"))
        return statements, lacks + [Lack(terminal=name, why="could not be heard") for name in keys]
    heard, lacking = hearing.judged(now_ms, own)
    return statements + heard, lacks + lacking


def _own(sources: _Sources, control: Path) -> Statement:
    """What this machine's terminal says: the socket is its own, so nothing has to be proved."""
    with contextlib.closing(Caller(control)) as terminal:
        said = terminal.order(TellMuster(by=operator()))
    return read([json.loads(line) for line in said.split("\n")], sources.site, sources.terminal)


def _keys(terminals: Mapping[str, Path]) -> tuple[dict[str, Verifier], list[Lack]]:
    keys: dict[str, Verifier] = {}
    lacks: list[Lack] = []
    for name, path in terminals.items():
        try:
            keys[name] = load_verifier(path)
        except KeyMaterialError as error:
            lacks.append(Lack(terminal=name, why=f"cannot be believed: {error}"))
    return keys, lacks


def _hear(mqtt: Mqtt, site: str, hearing: Hearing, lacking: Callable[[], list[Lack]]) -> None:
    from kazasu.publishers.visit import hear  # paho: only where there is a broker

    every = Topics(site, "+")

    def quiet_s() -> float:
        lacks = lacking()
        return _SETTLING_S if any(lack.passing for lack in lacks) else _LACKING_S if lacks else _COMPLETE_S

    topics = (every.state, every.health, every.muster(), f"{every.muster()}/+")
    client_id = f"muster-{secrets.token_hex(4)}"  # the terminal's own would throw its daemon out
    hear(broker_of(mqtt), client_id, topics, hearer(site, hearing), quiet_s=quiet_s, most_s=_SETTLING_S)


def hearer(site: str, hearing: Hearing) -> Callable[[str, bytes], None]:
    """Hands over what terminals of the site say; what came on other topics nobody asked for."""
    up = Topics(site, "+").up.removesuffix("+")

    def take(topic: str, payload: bytes) -> None:
        terminal, _, what = topic.removeprefix(up).partition("/")
        if topic.startswith(up):
            hearing.take(terminal, what, payload)

    return take


def _names(listed: RollCall, path: Path | None) -> dict[str, str]:
    """Names by number, of those that the local roster knows."""
    if path is None:
        return {}
    names: dict[str, str] = {}
    numbers: Iterable[str] = (*(each.number for each in listed.inside), *listed.arrived)
    try:
        with contextlib.closing(Roster(path)) as roster:
            for number in numbers:
                person = roster.find(number)
                if person is not None:
                    names[number] = person.name
    except RosterError as error:
        print(f"kazasu muster: no names: {error}", file=sys.stderr)
    return names

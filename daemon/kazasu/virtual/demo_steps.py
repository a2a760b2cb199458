"""The steps of a scene: something is done, what has to come of it is waited for, and what came is one line.

What a step expects is a cue, moves of a lock and events, exactly these; whatever else comes is wrong. So a scene tells
only its story.
"""

from __future__ import annotations

import contextlib
import json
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from kazasu.outputs import cues
from kazasu.runtime.control_caller import Caller
from kazasu.virtual.demo import in_words
from kazasu.virtual.tapping import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from kazasu.model.configuration import Config
    from kazasu.model.cue import Cue, CueName
    from kazasu.model.order import Order
    from kazasu.store.backlog import Backlog
    from kazasu.virtual.card import VirtualCard
    from kazasu.virtual.daemon import DaemonProcess


class Played(Protocol):
    """A terminal that a scene plays at: a Stage, or one of a small site's."""

    @property
    def daemon(self) -> DaemonProcess:
        """Its daemon."""
        ...

    @property
    def backlog(self) -> Backlog:
        """Its journal, to read."""
        ...

    @property
    def config(self) -> Config:
        """As its daemon reads it."""
        ...

    def tap(self, card: VirtualCard) -> float:
        """Hold a card over its reader; see `tapping.tap`."""
        ...


class Expected(NamedTuple):
    """An event that has to come, and what it has to say."""

    event_type: str
    says: Mapping[str, object] = MappingProxyType({})


class Steps:
    """Takes a scene's steps, and keeps what went wrong.

    Args:
        terminal: where; whoever takes a step has started its daemon.
        say: prints a line.
    """

    def __init__(self, terminal: Played, say: Callable[[str], None]) -> None:
        self._terminal = terminal
        self._say = say
        self._cues: Mapping[CueName, Cue] = cues.load()
        self._wrong: list[str] = []

    def at(self, terminal: Played) -> Steps:
        """The same scene's steps at another terminal."""
        steps = Steps(terminal, self._say)
        steps._wrong = self._wrong
        return steps

    def tap(self, card: VirtualCard) -> Callable[[], object]:
        """What holds a card over the reader, for a step to do."""
        return lambda: self._terminal.tap(card)

    def order(self, order: Order) -> Callable[[], object]:
        """What orders something at the terminal, for a step to do."""

        def give() -> None:
            with contextlib.closing(Caller(self._terminal.config.terminal.control_path)) as terminal:
                terminal.order(order)

        return give

    def take(
        self,
        what: str,
        act: Callable[[], object],
        *expected: Expected,
        cue: CueName | None = None,
        moves: Sequence[str] = (),
    ) -> None:
        """Do something, wait for what has to come of it, and show what came."""
        daemon, backlog = self._terminal.daemon, self._terminal.backlog
        seq, shown, moved = backlog.last_seq(), len(daemon.shown), len(daemon.moved)
        act()
        if cue is not None and not daemon.wait_for(lambda: daemon.played(self._cues[cue], shown)):
            self.went_wrong(f"{what}: the cue {cue.value} was not played")
        daemon.wait_for(lambda: len(daemon.moved) >= moved + len(moves))
        wait_for(lambda: backlog.last_seq() >= seq + len(expected))
        recorded = [json.loads(body) for _, body in backlog.after(seq, 100)]
        lock = [state for _, state in daemon.moved[moved:]]
        if lock != list(moves):
            self.went_wrong(f"{what}: the lock was {lock or 'not moved'}")
        if not as_expected(recorded, expected):
            self.went_wrong(f"{what}: expected {[(each.event_type, dict(each.says)) for each in expected]}")
        seen = "" if cue is None else in_words(self._cues[cue])
        came = ", ".join(event_in_words(fields) for fields in recorded)
        self._say(f"  {what:<46} {seen:<31} {'→'.join(lock):<16} {came}".rstrip())

    def answered(self, order: Order, answer: str) -> bool:
        """Give an order until its answer is this one; returns whether it came."""
        with contextlib.closing(Caller(self._terminal.config.terminal.control_path)) as terminal:
            return wait_for(lambda: terminal.order(order) == answer)

    def went_wrong(self, what: str) -> None:
        """Keep it for the report."""
        self._wrong.append(what)

    def report(self, problems: Iterable[str], all_well: str) -> bool:
        """Say what went wrong, or that all is well; returns whether it is.

        Args:
            problems: what else went wrong.
            all_well: is said if nothing did.
        """
        self._wrong += problems
        for wrong in self._wrong:
            self._say(f"WRONG: {wrong}")
        if not self._wrong:
            self._say(f"\n{all_well}")
        return not self._wrong


def as_expected(recorded: Sequence[Mapping[str, Any]], expected: Sequence[Expected]) -> bool:
    """Whether exactly these events came, in this order, and say what they should."""
    return len(recorded) == len(expected) and all(
        fields["event_type"] == each.event_type and each.says.items() <= fields.items()
        for fields, each in zip(recorded, expected, strict=True)
    )


def event_in_words(fields: Mapping[str, Any]) -> str:
    """`attendance.in (door denied out_of_hours)`: what an event says in a line."""
    words = [fields["event_type"], fields.get("command", ""), fields.get("reason", "")]
    if fields["event_type"] == "roster.applied":
        words.append(f"version {fields['roster_version']}")
    if "door_decision" in fields:
        words += ["(door", fields["door_decision"], fields.get("door_reason", "") + ")"]
    return " ".join(word for word in words if word).replace(" )", ")")

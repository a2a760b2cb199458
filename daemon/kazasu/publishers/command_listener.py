"""The site's commands on their way to the terminal, and its signed answers on their way back.

Which are believed is command_trust.py's; whether one is fresh and new is found where it goes, kazasu/commands.py.

A command waits for the terminal's thread like everything else that it takes. So that no flood of them holds up a tap
(rule 4), few are let through at once and few a second; of the rest only their number is told.
"""

from __future__ import annotations

import collections
import logging
import queue
from typing import TYPE_CHECKING, NamedTuple

from kazasu.errors import CommandRefused
from kazasu.model.command import (
    Command,
    PublishAgain,
    Refusal,
    Reload,
    Restart,
    SetLogLevel,
    TurnedAway,
    Upkeep,
    Verdict,
)
from kazasu.model.document import signed
from kazasu.model.event import WIRE_VERSION
from kazasu.model.input import CommandArrived, CommandFailed
from kazasu.model.rate_limit import RateLimit
from kazasu.publishers.command_trust import CommandReader
from kazasu.publishers.wire import answer_properties

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kazasu.model.access import EventFields
    from kazasu.model.document import Verifier
    from kazasu.ports.clock import Clock
    from kazasu.ports.health import Health
    from kazasu.ports.inbox import Inbox
    from kazasu.publishers.news import Received
    from kazasu.publishers.settings import Commanding, Settings
    from kazasu.publishers.waker import Waker
    from kazasu.publishers.wire import Topics

_log = logging.getLogger(__name__)

_AT_ONCE = 10
_EVERY_S = 1.0
_WAITING = 4  # with the terminal's thread: a tap waits for so many commands at the most; others wait here
_TOLD_EVERY_S = 60.0
_CORRELATION_BYTES = 64
_ALERT = "commands"
_SAID = 1000  # letters of an answer


class Answer(NamedTuple):
    """What is published as it is."""

    topic: str
    payload: bytes
    properties: bytes


class _Sender(NamedTuple):
    """Who waits for an answer: the transaction, and what the answer carries along."""

    transaction: str
    correlation: bytes


class _Judged(NamedTuple):
    command: Command | TurnedAway
    sender: _Sender | None
    verdict: Verdict


class CommandListener:
    """Implements downlink.Listener, and answers. The publisher's thread.

    Args:
        settings: whose terminal this is.
        topics: its topics.
        commanding: who may command it.
        collector: its key signs what is the collector's alone; None if there is none.
        inbox: where commands go.
        clock: the terminal's.
        health: hears how many were refused, and of a flood.
        waker: woken when there is a verdict.
        publish_again: does that command; returns what is wrong, empty if nothing is, and what is so now.

    Attributes:
        subscriptions: the topic of commands.
    """

    def __init__(  # noqa: PLR0913  (each is a seam)
        self,
        settings: Settings,
        topics: Topics,
        commanding: Commanding,
        collector: Verifier | None,
        *,
        inbox: Inbox,
        clock: Clock,
        health: Health,
        waker: Waker,
        publish_again: Callable[[PublishAgain], tuple[str, str]],
    ) -> None:
        self.subscriptions: Sequence[str] = (topics.command,)
        self._head: EventFields = {"v": WIRE_VERSION, "type": "answer"}
        self._head |= {"site": settings.site, "terminal": settings.terminal}
        self._topics = topics
        self._reader = CommandReader(settings.site, settings.terminal, commanding.keys, collector)
        self._signer = commanding.signer
        self._powers = commanding.powers
        self._inbox = inbox
        self._clock = clock
        self._health = health
        self._waker = waker
        self._publish_again = publish_again
        self._limit = RateLimit(_AT_ONCE, _EVERY_S)
        self._ready: collections.deque[tuple[Command | TurnedAway, _Sender | None]] = collections.deque()
        self._waiting = 0
        self._judged: queue.SimpleQueue[_Judged] = queue.SimpleQueue()
        self._answers: collections.deque[Answer] = collections.deque()
        self._refused = 0
        self._dropped = 0
        self._told_s: float | None = None  # when a flood was told of; None while there is none

    def take(self, message: Received) -> bool:
        """See downlink.Listener."""
        if message.topic != self._topics.command:
            return False
        if len(self._ready) >= _AT_ONCE or not self._limit.allows(self._clock.mono_s()):
            self._dropped += 1
            return True
        try:
            self._reader.check_outside(message)
            command = self._reader.read(message.payload)
        except CommandRefused as error:
            self._ready.append((error.refused, self._sender(message, error.transaction)))
        else:
            self._ready.append((command, self._sender(message, command.transaction)))
        self._hand_over()
        return True

    def turn(self, now_s: float) -> None:
        """Do what the terminal has accepted, answer, and tell of what was dropped."""
        while not self._judged.empty():
            judged = self._judged.get()
            self._waiting -= 1
            self._finish(judged)
        self._hand_over()
        if self._told_s is not None and now_s - self._told_s < _TOLD_EVERY_S:
            return
        if self._dropped:
            self._told_s = now_s
            detail = f"{self._dropped} commands were not looked at: more than {_AT_ONCE} at once, or one a second"
            self._health.alert(_ALERT, f"{detail}; who may publish to {self._topics.command}?")
            self._note_refused(self._dropped)
            self._ready.append((TurnedAway(reason=Refusal.FLOOD, detail=detail, count=self._dropped), None))
            self._dropped = 0
            self._hand_over()
        elif self._told_s is not None:
            self._told_s = None
            self._health.clear(_ALERT)

    def next_answer(self) -> Answer | None:
        """The next answer to publish; None if there is none."""
        return self._answers.popleft() if self._answers else None

    def _sender(self, message: Received, transaction: str) -> _Sender | None:
        """Who is answered: only at this terminal's own topic, whatever the message asks for."""
        if message.response_topic != self._topics.answer or not transaction:
            return None
        if len(message.correlation) > _CORRELATION_BYTES:
            return None
        return _Sender(transaction, message.correlation)

    def _hand_over(self) -> None:
        while self._ready and self._waiting < _WAITING:
            command, sender = self._ready.popleft()
            self._inbox.put(CommandArrived(command=command, answer=self._waiting_for(command, sender)))

    def _waiting_for(self, command: Command | TurnedAway, sender: _Sender | None) -> Callable[[Verdict], None]:
        self._waiting += 1

        def judged(verdict: Verdict) -> None:  # in the terminal's thread
            self._judged.put(_Judged(command, sender, verdict))
            self._waker.wake()

        return judged

    def _finish(self, judged: _Judged) -> None:
        command, verdict = judged.command, judged.verdict
        if isinstance(command, TurnedAway) or not verdict.ok:
            if not isinstance(command, TurnedAway) or command.reason is not Refusal.FLOOD:
                self._note_refused(1)
        elif isinstance(command.asked, Upkeep):
            problem, said = self._done(command.asked)
            if problem:
                answer = self._waiting_for(command, judged.sender)
                self._inbox.put(CommandFailed(command=command, said=problem, answer=answer))
                return
            verdict = Verdict(ok=True, said=said, seq=verdict.seq)
        if judged.sender is not None:
            self._answers.append(self._answer(judged.sender, verdict))
        if verdict.ok and isinstance(command, Command) and isinstance(command.asked, Reload | Restart):
            self._powers.restart()  # the publisher is the last to stop: the answer goes out

    def _done(self, asked: Upkeep) -> tuple[str, str]:
        """Do it; returns what is wrong, empty if nothing is, and what is so now."""
        match asked:
            case Reload():
                return self._powers.reload(), "the configuration can be used; the terminal starts again with it"
            case Restart():
                return "", "the terminal starts again"
            case SetLogLevel(level=level):
                logging.getLogger().setLevel(level.upper())
                return "", f"logs {level} and worse, until the next start"
            case PublishAgain():
                return self._publish_again(asked)

    def _answer(self, sender: _Sender, verdict: Verdict) -> Answer:
        fields = self._head | {
            "transaction": sender.transaction,
            "ok": int(verdict.ok),
            "said": verdict.said[:_SAID],
            "seq": verdict.seq,
        }
        payload = signed(fields, self._signer).body
        return Answer(self._topics.answer, payload, answer_properties(sender.correlation))

    def _note_refused(self, count: int) -> None:
        self._refused += count
        self._health.note(commands_refused=self._refused)

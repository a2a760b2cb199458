"""A listener to commands between a broker and a terminal that are both a test's."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from fakes.clock import FakeClock
from fakes.commands import COLLECTOR_KEY, KEYS, SITE, TERMINAL
from fakes.health import FakeHealth
from fakes.inbox import ListInbox
from fakes.journal import SIGNER
from kazasu.model.command import PublishAgain, Verdict
from kazasu.model.input import CommandArrived
from kazasu.model.signature import Ed25519Verifier
from kazasu.publishers.command_listener import CommandListener
from kazasu.publishers.news import Received
from kazasu.publishers.settings import Broker, Commanding, Settings
from kazasu.publishers.waker import Waker
from kazasu.publishers.wire import Topics, answer_properties
from kazasu.site.commands import read_answer

if TYPE_CHECKING:
    from collections.abc import Iterator

FILE = Path("/file")
TOPICS = Topics(SITE, TERMINAL)
DONE = Verdict(ok=True, said="done", seq=7)


class Post:
    """A broker on one side of it, a terminal on the other. Implements settings.Powers, too."""

    def __init__(self) -> None:
        self.clock, self.health, self.inbox = FakeClock(), FakeHealth(), ListInbox()
        self.restarts = 0
        self.problem = ""
        self.asked_again: list[PublishAgain] = []
        self.listener = CommandListener(
            Settings(
                site=SITE,
                terminal=TERMINAL,
                broker=Broker(host="h", port=1, ca_file=FILE, certificate_file=FILE, key_file=FILE),
            ),
            TOPICS,
            Commanding(KEYS, SIGNER, self),
            COLLECTOR_KEY,
            inbox=self.inbox,
            clock=self.clock,
            health=self.health,
            waker=Waker(),
            publish_again=self._publish_again,
        )

    def reload(self) -> str:
        return self.problem

    def restart(self) -> None:
        self.restarts += 1

    def _publish_again(self, asked: PublishAgain) -> tuple[str, str]:
        self.asked_again.append(asked)
        return self.problem, "events are sent again"

    def send(
        self, body: bytes, *, to: str = TOPICS.answer, correlation: bytes = b"\x05" * 16, retain: bool = False
    ) -> None:
        message = Received(
            topic=TOPICS.command, payload=body, retain=retain, response_topic=to, correlation=correlation
        )
        assert self.listener.take(message)

    def arrived(self) -> list[CommandArrived]:
        items = self.inbox.drained()
        assert all(isinstance(item, CommandArrived) for item in items)
        return [item for item in items if isinstance(item, CommandArrived)]

    def turn(self, seconds: float = 0.0) -> None:
        self.clock.advance(seconds)
        self.listener.turn(self.clock.mono_s())

    def judge(self, verdict: Verdict = DONE) -> None:
        """The terminal gives its verdict on everything."""
        for item in self.arrived():
            item.answer(verdict)
        self.turn()

    def answers(self) -> Iterator[tuple[str, Verdict]]:
        while (answer := self.listener.next_answer()) is not None:
            assert answer.topic == TOPICS.answer
            assert answer.properties == answer_properties(b"\x05" * 16)
            yield read_answer(answer.payload, SITE, TERMINAL, [Ed25519Verifier(SIGNER.public)])

"""A publisher in a thread, with everything around it."""

from __future__ import annotations

import threading
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from fakes.backlog import FakeBacklog, FakeCursor
from fakes.clock import START, FakeClock
from fakes.inbox import ListInbox
from kazasu.model.signature import Ed25519Signer, Ed25519Verifier
from kazasu.publishers.board import HealthBoard
from kazasu.publishers.publisher import MqttPublisher
from kazasu.publishers.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from kazasu.ports.store import Backlog, SendCursor
    from kazasu.publishers.settings import Broker, Commanding

SITE = "city-hall"
TERMINAL = "entrance-1"


class RunningClock(FakeClock):
    """Its monotonic time goes on by itself: sockets do not wait for a fake."""

    def __init__(self, at: datetime = START) -> None:
        super().__init__(at)
        self._leapt_s = 0.0

    def mono_s(self) -> float:
        return time.monotonic() + self._leapt_s

    def leap(self, seconds: float) -> None:
        """So long has passed, all at once."""
        self.at += timedelta(seconds=seconds)
        self._leapt_s += seconds


class Rig:
    """Starts and stops publishers one after another on the same journal and cursor.

    Args:
        broker: where they publish.
        ack_timeout_s: as in `Settings`.
        commanding: who may command.
        clock: whose wall time stands still.
    """

    def __init__(
        self,
        broker: Broker,
        *,
        ack_timeout_s: float = 10.0,
        commanding: Commanding | None = None,
        clock: RunningClock | None = None,
    ) -> None:
        self.commanding = commanding
        self.signer = Ed25519Signer(Ed25519PrivateKey.generate())
        self.verifiers = {TERMINAL: Ed25519Verifier(self.signer.public)}
        self.collector_private = Ed25519PrivateKey.generate()
        self.collector = Ed25519Signer(self.collector_private)
        self.fake_backlog = FakeBacklog(self.signer, SITE, TERMINAL)
        self.fake_cursor = FakeCursor()
        self.backlog: Backlog = self.fake_backlog
        self.cursor: SendCursor = self.fake_cursor
        self.board = HealthBoard()
        self.inbox = ListInbox()
        self.settings = Settings(
            site=SITE, terminal=TERMINAL, broker=broker, ack_timeout_s=ack_timeout_s, info={"version": "1.2.3"}
        )
        self._clock = clock or RunningClock()
        self.publisher: MqttPublisher | None = None
        self.beats = 0
        self._thread: threading.Thread | None = None
        self._error: BaseException | None = None

    def grow(self, count: int) -> None:
        """So many events happen."""
        self.fake_backlog.grow(count)
        if self.publisher is not None:
            self.publisher.wake()

    def start(self) -> MqttPublisher:
        self.publisher = MqttPublisher(
            self.settings,
            backlog=self.backlog,
            cursor=self.cursor,
            board=self.board,
            inbox=self.inbox,
            clock=self._clock,
            collector=Ed25519Verifier(self.collector.public),
            random=lambda: 0.999,  # the shortest waits
            commanding=self.commanding,
        )
        self._thread = threading.Thread(target=self._run, args=(self.publisher,))
        self._thread.start()
        return self.publisher

    def stop(self) -> None:
        """Stop it; what it died of is raised here."""
        if self._thread is None or self.publisher is None:
            return
        self.publisher.stop()
        self._thread.join(30.0)
        assert not self._thread.is_alive()
        self._thread = self.publisher = None
        if self._error is not None:
            raise self._error

    def wait_for(self, condition: Callable[[], bool], timeout_s: float = 60.0) -> bool:
        """Wait until the condition holds, looking at each turn of the publisher's and every now and then."""
        deadline = time.monotonic() + timeout_s
        tick = threading.Event()
        while not condition():
            if time.monotonic() > deadline or self._error is not None:
                return False
            tick.wait(0.01)
        return True

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _beat(self) -> None:
        self.beats += 1

    def _run(self, publisher: MqttPublisher) -> None:
        try:
            publisher.run(self._beat)
        except BaseException as error:  # noqa: BLE001  (raised again by `stop`)
            self._error = error

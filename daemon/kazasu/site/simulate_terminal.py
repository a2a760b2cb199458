"""One simulated terminal: the product's own session, delivery and receipts, over a journal that is in memory.

What it says on the wire, a terminal at a door says. What it has not: a reader, a disk and threads; somebody else polls
its connection and calls `turn` (simulate.py).
"""

from __future__ import annotations

import collections
import secrets
from typing import TYPE_CHECKING, NamedTuple

from kazasu.errors import BrokerUnsuitable
from kazasu.model.command import Command, Verdict
from kazasu.model.event import GENESIS, Draft, Place, sealed
from kazasu.model.input import CommandArrived, ReceiptArrived
from kazasu.publishers.backoff import Backoff
from kazasu.publishers.board import HealthBoard
from kazasu.publishers.command_listener import CommandListener
from kazasu.publishers.delivery import Delivery
from kazasu.publishers.downlink import Downlink
from kazasu.publishers.sessions import Sessions
from kazasu.publishers.settings import Commanding, Settings
from kazasu.publishers.wire import Topics

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kazasu.model.access import EventFields
    from kazasu.model.command import TurnedAway
    from kazasu.model.document import Verifier
    from kazasu.model.input import Input
    from kazasu.ports.clock import Clock
    from kazasu.publishers.mqtt import Connection
    from kazasu.publishers.session import Session
    from kazasu.site.simulate_figures import Figures
    from kazasu.site.simulate_site import Identity


class _Kept(NamedTuple):
    seq: int
    body: bytes
    digest: str
    tapped_s: float
    live: bool


class MemoryJournal:
    """Implements ports.store.Backlog and ports.store.SendCursor: what is not vouched for yet, in memory.

    Attributes:
        epoch: new with each run, as with a new SD card.
        seq: the last event that the broker took over.
        receipted: the last one that the collector vouched for.
    """

    def __init__(self, site: str, identity: Identity) -> None:
        self.epoch = secrets.token_hex(8)
        self.seq = 0
        self.receipted = 0
        self._site = site
        self._identity = identity
        self._last = 0
        self._digest = GENESIS
        self._kept: collections.deque[_Kept] = collections.deque()
        self._connections = 0

    def append(self, draft: Draft, tapped_s: float, *, live: bool) -> None:
        """Record an event; `live` if it can leave at once."""
        place = Place(
            site=self._site,
            terminal=self._identity.terminal,
            epoch=self.epoch,
            seq=self._last + 1,
            prev=self._digest,
        )
        event = sealed(draft, place, self._identity.signer)
        self._kept.append(_Kept(event.seq, event.body, event.digest, tapped_s, live))
        self._last, self._digest = event.seq, event.digest

    def last_seq(self) -> int:
        """See ports.store.Backlog."""
        return self._last

    def after(self, seq: int, limit: int) -> Sequence[tuple[int, bytes]]:
        """See ports.store.Backlog."""
        return [(kept.seq, kept.body) for kept in self.between(seq, seq + limit)]

    def between(self, after: int, last: int) -> Sequence[_Kept]:
        """What is kept of the events behind `after`, up to `last`."""
        if not self._kept:
            return ()
        begin = max(0, after + 1 - self._kept[0].seq)
        end = min(len(self._kept), last + 1 - self._kept[0].seq)
        return [self._kept[index] for index in range(begin, end)]

    def prune(self, seq: int, digest: str) -> Sequence[_Kept]:
        """Take a receipt: let go of what it vouches for, and return it.

        Raises:
            ValueError: it does not match the chain.
        """
        vouched = self.between(self.receipted, seq)
        if not vouched or vouched[-1].seq != seq or vouched[-1].digest != digest:
            raise ValueError(f"{self._identity.terminal}: the receipt for event {seq} does not match the chain")
        for _ in vouched:
            self._kept.popleft()
        self.receipted = seq
        return vouched

    def advance(self, seq: int) -> None:
        """See ports.store.SendCursor."""
        self.seq = seq

    def flush(self) -> None:
        """See ports.store.SendCursor: nothing outlives this process."""

    def next_connection(self) -> int:
        """See ports.store.SendCursor."""
        self._connections += 1
        return self._connections


class _NoPowers:
    """Implements publishers.settings.Powers: of a simulated terminal's process there is nothing to command."""

    def reload(self) -> str:
        return "this terminal is simulated: it has no configuration"

    def restart(self) -> None:
        """Only the site's key could ask for it, and no simulated terminal takes that."""


class SimulatedTerminal:
    """Taps, publishes, takes receipts, and sends again what the collector misses. One thread's.

    Args:
        site: the site's name.
        identity: who it is.
        collector: checks receipts.
        clock: times events.
        random: a number from 0 to below 1, new at each call.
        figures: told what happens.

    Attributes:
        name: the terminal's.
        journal: what it recorded.
        session: the open connection; None without.
    """

    def __init__(
        self,
        site: str,
        identity: Identity,
        collector: Verifier,
        *,
        clock: Clock,
        random: Callable[[], float],
        figures: Figures,
    ) -> None:
        self.name = identity.terminal
        self.journal = MemoryJournal(site, identity)
        self.session: Session | None = None
        self.backoff = Backoff(random)
        self._clock = clock
        self._figures = figures
        self._board = HealthBoard()
        settings = Settings(site=site, terminal=identity.terminal, broker=identity.broker)
        topics = Topics(site, identity.terminal)
        self._delivery = Delivery(
            topics,
            backlog=self.journal,
            cursor=self.journal,
            clock=clock,
            health=self._board,
            backoff=Backoff(random),
        )
        commands = CommandListener(
            settings,
            topics,
            Commanding(keys=(), signer=identity.signer, powers=_NoPowers()),
            collector,
            inbox=self,
            clock=clock,
            health=self._board,
            waker=self._board.waker,
            publish_again=self._delivery.publish_again,
        )
        downlink = Downlink(
            settings, topics, collector, backlog=self.journal, inbox=self, health=self._board, commands=commands
        )
        self._sessions = Sessions(
            settings,
            cursor=self.journal,
            board=self._board,
            delivery=self._delivery,
            downlink=lambda: downlink,
            clock=clock,
        )
        self._credential = secrets.token_hex(16)

    def tap(self, now_s: float) -> None:
        """Somebody punches in: recorded whether there is a broker or not."""
        moment = self._clock.now()
        fields: EventFields = {
            "reader": "simulated",
            "card": "simulated",
            "assurance": "signed_data",
            "credential": self._credential,
            "cardholder": "sim-1",
            "decision": "granted",
            "roster_version": 1,
            "day": moment.at.date().isoformat(),
        }
        live = self.session is not None and self.session.proved
        self.journal.append(Draft(event_type="attendance.in", moment=moment, fields=fields), now_s, live=live)
        self._figures.tapped()

    def new_connection(self) -> Connection:
        """What to open next."""
        return self._sessions.connect()

    def begin(self, connection: Connection, now_s: float) -> None:
        """The connection is open."""
        self.backoff.reset()
        self.session = self._sessions.begin(connection, now_s)

    def turn(self, now_s: float) -> None:
        """Read, send, write; see `Session.turn`.

        Raises:
            ConnectionError: the connection is over.
            BrokerUnsuitable: so it is, and will be the next time.
        """
        if self.session is None:
            return
        acked, sent = self._delivery.window.acked, self._delivery.window.sent
        self.session.turn(now_s)
        window = self._delivery.window
        if window.sent > sent:
            self._figures.sent(window.sent - sent)
        if window.acked > acked:
            fresh = self.journal.between(acked, window.acked)
            self._figures.acknowledged(window.acked - acked, [now_s - kept.tapped_s for kept in fresh if kept.live])

    def cut(self) -> None:
        """The line is cut: the broker hears no word of it."""
        if self.session is not None:
            self.session.connection.close()
            self.session = None

    def leave(self, now_s: float) -> bool:
        """Say goodbye and wait for the answer, as often as it is called; returns whether it is gone."""
        if self.session is None:
            return True
        try:
            if self.session.leave(now_s):
                self.session.connection.disconnect()
                self.session = None
        except (OSError, BrokerUnsuitable):
            self.cut()
        return self.session is None

    @property
    def collector(self) -> str:
        """Whether a collector is there, as far as this terminal heard: `online`, `offline` or `unknown`."""
        return str(self._board.fields()["collector"])

    @property
    def trouble(self) -> str:
        """Why events do not get through; empty if they do."""
        return self._board.alerts().get("delivery", "")

    @property
    def receipts_refused(self) -> int:
        """How many receipts did not hold."""
        return int(self._board.fields().get("receipts_refused", 0))

    def put(self, item: Input) -> None:
        """See ports.inbox.Inbox: a receipt that holds, or a command of the collector's."""
        if isinstance(item, ReceiptArrived):
            vouched = self.journal.prune(item.receipt.seq, item.receipt.digest)
            now_s = self._clock.mono_s()
            self._figures.receipted(len(vouched), [now_s - kept.tapped_s for kept in vouched if kept.live])
        elif isinstance(item, CommandArrived):
            item.answer(self._accepted(item.command))

    def _accepted(self, command: Command | TurnedAway) -> Verdict:
        if not isinstance(command, Command):
            return Verdict(ok=False, said=command.detail, seq=0)
        draft = Draft(event_type="command.accepted", moment=self._clock.now(), fields=command.fields)
        self.journal.append(draft, self._clock.mono_s(), live=False)  # latencies are those of taps
        self._figures.commanded()
        return Verdict(ok=True, said="", seq=self.journal.last_seq())

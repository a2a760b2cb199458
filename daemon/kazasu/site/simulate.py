"""A fleet of simulated terminals in one process and one thread, but for the handshakes.

Taps and outages follow a plan that the seed decides alone, so that two runs differ in nothing but what the network and
the broker do. An outage cuts the line without a word, as a switch without power does; taps go on meanwhile.
"""

from __future__ import annotations

import heapq
import itertools
import random
import resource
import select
import time
from typing import TYPE_CHECKING

import msgspec

from kazasu.errors import BrokerUnsuitable, KazasuError, KeyMaterialError
from kazasu.publishers.attempt import Attempt
from kazasu.publishers.waker import Waker
from kazasu.site.simulate_figures import Figures
from kazasu.site.simulate_terminal import SimulatedTerminal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from kazasu.model.document import Verifier
    from kazasu.ports.clock import Clock
    from kazasu.publishers.mqtt import Connection
    from kazasu.site.simulate_site import Identity

_HANDSHAKES = 64  # mosquitto's listen backlog is 100: what is more waits for the kernel to try again
_LEAVE_S = 5.0
_FILES_EACH = 3  # its socket, its waker, and one that opens while another closes
_FILES_MORE = 256


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What a fleet does.

    Attributes:
        minutes: how long people tap.
        taps_per_minute: at each terminal, on average.
        away_share: of the terminals, how many are away at any time: from 0 to 1.
        away_s: how long each is.
        seed: decides who taps and who is away when.
    """

    minutes: float
    taps_per_minute: float
    away_share: float = 0.0
    away_s: float = 30.0
    seed: int = 1
    settle_s: float = 60.0


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """How it ended.

    Attributes:
        well: every event arrived where there is somebody to take it.
        words: what became of them.
    """

    well: bool
    words: str


class Fleet:
    """Runs simulated terminals.

    Args:
        site: the site's name.
        identities: who they are.
        collector: checks receipts.
        clock: times events.
        plan: what they do.
        show: is given a line each second.

    Attributes:
        figures: what they did.
    """

    def __init__(
        self,
        site: str,
        identities: Sequence[Identity],
        collector: Verifier,
        *,
        clock: Clock,
        plan: Plan,
        show: Callable[[str], None],
    ) -> None:
        self.figures = Figures()
        self._plan = plan
        self._tapping = random.Random(f"{plan.seed} taps")  # noqa: S311  (a plan, no secret)
        self._leaving = random.Random(f"{plan.seed} outages")  # noqa: S311
        self._clock = clock
        self._show = show
        self._terminals = [
            SimulatedTerminal(site, identity, collector, clock=clock, random=random.random, figures=self.figures)
            for identity in identities
        ]
        self._waker = Waker()
        self._poll = select.epoll()
        self._attempts: dict[int, Attempt[Connection]] = {}
        self._by_descriptor: dict[int, int] = {}
        self._waiting = [(0.0, index) for index in range(len(self._terminals))]  # who connects when
        self._away: frozenset[int] = frozenset()
        self._trouble = ""

    def run(self) -> Outcome:
        """Tap, then wait until all of it has arrived, and leave.

        Raises:
            KazasuError: the system lets this process have too few open files.
        """
        _raise_limit(_FILES_EACH * len(self._terminals) + _FILES_MORE)
        self._poll.register(self._waker, select.EPOLLIN)
        try:
            began_s = self._clock.mono_s()
            self._tap(began_s)
            self._settle(began_s)
            outcome = self._outcome()
            self._leave()
        finally:
            for terminal in self._terminals:
                terminal.cut()
            self._poll.close()
        return outcome

    def _tap(self, began_s: float) -> None:
        end_s = began_s + self._plan.minutes * 60
        taps = [(began_s + self._wait_s(), index) for index in range(len(self._terminals))]
        heapq.heapify(taps)
        outages = self.outages(began_s)
        change_s, away = began_s, self._away
        for now_s in self._turns(began_s, lambda: taps[0][0], end_s):
            if now_s >= change_s:
                self._send_away(away, now_s)
                change_s, away = next(outages)
            while taps[0][0] <= now_s:
                due_s, index = taps[0]
                self._terminals[index].tap(now_s)
                heapq.heapreplace(taps, (due_s + self._wait_s(), index))
                self._turn(index, now_s)
        self._send_away(frozenset(), end_s)

    def _settle(self, began_s: float) -> None:
        end_s = self._clock.mono_s() + self._plan.settle_s
        for _ in self._turns(began_s, lambda: end_s, end_s):
            if self._arrived():
                return

    def _arrived(self) -> bool:
        goal = self.figures.receipts if self._collector else self.figures.acks
        return goal == self.figures.events

    @property
    def _collector(self) -> bool:
        """Whether there is somebody who vouches for events."""
        return self.figures.receipts > 0 or any(terminal.collector == "online" for terminal in self._terminals)

    def _outcome(self) -> Outcome:
        whose = "the collector vouched for" if self._collector else "there is no collector, and the broker took over"
        refused = sum(terminal.receipts_refused for terminal in self._terminals)
        if self._arrived() and not refused:
            return Outcome(well=True, words=f"{whose} every event, once")
        behind = [terminal for terminal in self._terminals if self._behind(terminal)]
        words = [f"{whose} not every event within {self._plan.settle_s:g} s: {len(behind)} terminals are behind"]
        words += [f"{terminal.name}: {terminal.trouble}" for terminal in behind if terminal.trouble][:1]
        words += [f"{refused} receipts did not hold"] if refused else []
        words += [self._trouble] if self._trouble else []
        return Outcome(well=False, words="; ".join(words))

    def _behind(self, terminal: SimulatedTerminal) -> bool:
        journal = terminal.journal
        return (journal.receipted if self._collector else journal.seq) < journal.last_seq()

    def _leave(self) -> None:
        began_s = self._clock.mono_s()
        self._waiting.clear()
        while (now_s := self._clock.mono_s()) < began_s + _LEAVE_S:
            if all([terminal.leave(now_s) for terminal in self._terminals]):  # noqa: C419  (each of them, each time)
                return
            time.sleep(0.05)

    def _turns(self, began_s: float, due_s: Callable[[], float], end_s: float) -> Iterator[float]:
        """Keep all connections going until the end; yields the time after each turn, and shows a line each second."""
        second = 0
        while (now_s := self._clock.mono_s()) < end_s:
            if now_s >= began_s + second:
                for index in range(len(self._terminals)):  # keeps them alive, and sends the health that is due
                    self._turn(index, now_s)
                if second:
                    self._show(self.figures.line(second, sum(each.session is not None for each in self._terminals)))
                second = int(now_s - began_s) + 1
            self._connect(now_s)
            yield now_s
            wait_s = max(0.0, min(due_s(), began_s + second, end_s) - self._clock.mono_s())
            for descriptor, _ in self._poll.poll(wait_s):
                if descriptor == self._waker.fileno():
                    self._waker.clear()
                    self._begin()
                elif (ready := self._by_descriptor.get(descriptor)) is not None:
                    self._turn(ready, self._clock.mono_s())

    def _turn(self, index: int, now_s: float) -> None:
        terminal = self._terminals[index]
        if terminal.session is None:
            return
        connection = terminal.session.connection
        descriptor = connection.fileno()
        try:
            terminal.turn(now_s)
            if connection.fileno() < 0:
                terminal.turn(now_s)  # writing found it broken; this says so
        except (OSError, BrokerUnsuitable) as error:
            self._forget(descriptor)
            terminal.cut()
            self._again(index, now_s, error)
            return
        self._poll.modify(descriptor, select.EPOLLIN | (select.EPOLLOUT if connection.wants_write else 0))

    def _connect(self, now_s: float) -> None:
        while self._waiting and self._waiting[0][0] <= now_s and len(self._attempts) < _HANDSHAKES:
            _, index = heapq.heappop(self._waiting)
            if index not in self._away:
                self._attempts[index] = Attempt(self._terminals[index].new_connection(), self._waker)

    def _begin(self) -> None:
        """Take over what was opened since."""
        now_s = self._clock.mono_s()
        for index, attempt in [each for each in self._attempts.items() if each[1].ended]:
            del self._attempts[index]
            try:
                connection = attempt.result()
            except (OSError, KeyMaterialError) as error:
                self._again(index, now_s, error)
                continue
            if index in self._away:
                connection.close()
                continue
            self._terminals[index].begin(connection, now_s)
            self._by_descriptor[connection.fileno()] = index
            self._poll.register(connection, select.EPOLLIN)
            self._turn(index, now_s)

    def _again(self, index: int, now_s: float, error: Exception) -> None:
        terminal = self._terminals[index]
        self._trouble = f"the last connection that was lost: {terminal.name}: {error}"
        heapq.heappush(self._waiting, (now_s + terminal.backoff.next_s(), index))

    def _send_away(self, away: frozenset[int], now_s: float) -> None:
        for index in away - self._away:
            terminal = self._terminals[index]
            if terminal.session is not None:
                self._forget(terminal.session.connection.fileno())
                terminal.cut()
        back = self._away - away
        self._away = away
        for index in back:
            heapq.heappush(self._waiting, (now_s, index))

    def _forget(self, descriptor: int) -> None:
        self._by_descriptor.pop(descriptor, None)
        if descriptor >= 0:
            try:
                self._poll.unregister(descriptor)
            except OSError:  # closed already, and so forgotten
                return

    def outages(self, began_s: float) -> Iterator[tuple[float, frozenset[int]]]:
        """Who is away from when on: nobody at first, so that the fleet comes together."""
        count = round(len(self._terminals) * self._plan.away_share)
        for span in itertools.count(1):
            away = self._leaving.sample(range(len(self._terminals)), count)
            yield began_s + span * self._plan.away_s, frozenset(away)

    def _wait_s(self) -> float:
        return self._tapping.expovariate(self._plan.taps_per_minute / 60)


def _raise_limit(files: int) -> None:
    """Let this process have so many open files.

    Raises:
        KazasuError: it may not.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft >= files:
        return
    if hard != resource.RLIM_INFINITY and hard < files:
        raise KazasuError(f"this process may have {hard} open files and needs {files}: raise it with `ulimit -Hn`")
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, hard))

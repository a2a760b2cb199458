"""Threads with one job each, and the main thread that watches over them.

One thread's failure ends the process with its cause, and systemd starts it again: nothing in memory is worth nursing.
The watchdog is fed only while every loop has beaten, so that a thread that hangs ends the process as well.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import queue
import select
import signal
import socket
import sys
import threading
from typing import TYPE_CHECKING, TypeAlias

import msgspec

from kazasu.errors import KazasuError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from types import FrameType

    from kazasu.ports.loops import Loop
    from kazasu.runtime.systemd import Notifier

_log = logging.getLogger(__name__)

SILENT_S = 25.0
"""A loop that has not beaten for so long hangs: it should every 10 s (ports.loops.Beat)."""

STOP_S = 6.0
"""All loops together have so long to end: an SD card can hold a flush up for seconds, and the unit kills after ten."""

SWITCH_S = 0.001
"""A thread that computes lets one that waits for the interpreter have it after so long. A tap waits for that several
times, and meets one that takes over a million people; Python's own 5 ms would let it wait three times as long."""

_LEAST_STOP_S = 0.1
"""What a loop has at least, when one before it used all of that up."""


class LoopFailed(KazasuError):
    """A thread ended that should have gone on; its cause is the cause of this."""


class _Began(msgspec.Struct, frozen=True):
    name: str


class _Ended(msgspec.Struct, frozen=True):
    name: str
    cause: BaseException | None


class _Signalled(msgspec.Struct, frozen=True):
    number: int


_News: TypeAlias = _Began | _Ended | _Signalled


class Supervisor:
    """Runs loops until a signal or a failure. The main thread only: signals come there.

    Args:
        notifier: how systemd is told.
        mono_s: monotonic seconds.
        status: one line for `systemctl status`.
    """

    def __init__(self, notifier: Notifier, mono_s: Callable[[], float], status: Callable[[], str]) -> None:
        self._notifier = notifier
        self._mono_s = mono_s
        self._status = status
        # SimpleQueue.put may be called from a signal handler that interrupts get: it is reentrant.
        self._news: queue.SimpleQueue[_News] = queue.SimpleQueue()
        # A signal that comes just before a wait for the queue does not end that wait, and one that another thread gets
        # never does; but the interpreter writes to this socket at once (signal.set_wakeup_fd), and that is waited for.
        self._wake, self._woken = socket.socketpair()
        self._wake.setblocking(False)
        self._woken.setblocking(False)
        self._beats: dict[str, float] = {}
        self._silent: set[str] = set()

    def run(self, loops: Sequence[tuple[str, Loop]]) -> None:
        """Start in order, wait, stop in reverse.

        Args:
            loops: name and loop; READY is said when each has begun to go round.

        Raises:
            LoopFailed: one ended by itself, or failed at its stop.
        """
        sys.setswitchinterval(SWITCH_S)
        threads: list[tuple[str, Loop, threading.Thread]] = []
        with contextlib.closing(self._wake), contextlib.closing(self._woken):
            with self._signals():
                try:
                    for name, loop in loops:
                        follow = functools.partial(self._follow, name, loop)
                        thread = threading.Thread(target=follow, name=f"kazasu-{name}", daemon=True)
                        thread.start()
                        threads.append((name, loop, thread))
                    self._watch({name for name, _ in loops})
                finally:
                    self._notifier.stopping()
                    self._stop(threads)
            self._check_ends()

    def _follow(self, name: str, loop: Loop) -> None:
        cause: BaseException | None = None
        try:
            loop.run(functools.partial(self._beat, name))
        except BaseException as error:  # noqa: BLE001  (whatever it is, it ends the process, in the main thread)
            cause = error
        self._tell(_Ended(name, cause))

    def _beat(self, name: str) -> None:
        first = name not in self._beats
        self._beats[name] = self._mono_s()
        if first:
            self._tell(_Began(name))

    def _watch(self, awaited: set[str]) -> None:
        period_s = None if self._notifier.watchdog_s is None else self._notifier.watchdog_s / 2
        while True:
            match self._next(period_s):
                case None:
                    self._feed()
                case _Began(name):
                    awaited.discard(name)
                    if not awaited:
                        self._notifier.ready()
                        self._feed()
                        _log.info("ready")
                case _Signalled(number):
                    _log.info("stopping", extra={"fields": {"reason": signal.Signals(number).name}})
                    return
                case _Ended(name, cause):
                    raise LoopFailed(f"the thread {name} ended: {cause or 'without a cause'}") from cause

    def _next(self, within_s: float | None) -> _News | None:
        """Wait for news; None if there was none in time."""
        poll = select.poll()
        poll.register(self._woken, select.POLLIN)
        while True:
            with contextlib.suppress(BlockingIOError):
                self._woken.recv(4096)  # before looking: whatever comes after it wakes again
            with contextlib.suppress(queue.Empty):
                return self._news.get(block=False)
            if not poll.poll(None if within_s is None else within_s * 1000):
                return None

    def _tell(self, news: _News) -> None:
        """Any thread, and a signal's handler."""
        self._news.put(news)
        with contextlib.suppress(OSError):  # full: it wakes all the same; closed: nobody waits any more
            self._wake.send(b"\0")

    def _feed(self) -> None:
        now_s = self._mono_s()
        # A copy, because a thread's first beat would change the dictionary under the iteration.
        silent = {name for name, beat_s in self._beats.copy().items() if now_s - beat_s > SILENT_S}
        for name in silent - self._silent:
            _log.critical("thread_hangs", extra={"fields": {"thread": name}})
        self._silent = silent
        if not silent:
            self._notifier.alive(self._status())

    def _stop(self, threads: Sequence[tuple[str, Loop, threading.Thread]]) -> None:
        deadline_s = self._mono_s() + STOP_S
        for name, loop, thread in reversed(threads):
            try:
                if thread.is_alive():
                    loop.stop()
            except Exception:  # noqa: BLE001  (whatever it is, the others have to be stopped)
                # A terminal that hangs behind a full queue cannot be told.
                _log.exception("stop_failed", extra={"fields": {"thread": name}})
            thread.join(max(_LEAST_STOP_S, deadline_s - self._mono_s()))
            if thread.is_alive():
                # Daemon threads do not keep the process; what it had to finish is lost, and that is said.
                _log.error("thread_not_stopped", extra={"fields": {"thread": name}})

    def _check_ends(self) -> None:
        """Raise what a loop failed with after it was asked to stop: the drained queue, a last message."""
        while not self._news.empty():
            news = self._news.get()
            if isinstance(news, _Ended) and news.cause is not None:
                raise LoopFailed(f"the thread {news.name} failed at its stop: {news.cause}") from news.cause

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        def signalled(number: int, _frame: FrameType | None) -> None:
            self._tell(_Signalled(number))

        def failed(arguments: threading.ExceptHookArgs) -> None:
            # A thread that is not ours: lgpio's callbacks. Unseen, the buttons would be dead and everything look well.
            name = arguments.thread.name if arguments.thread is not None else "unknown"
            self._tell(_Ended(name, arguments.exc_value))

        woken_before = signal.set_wakeup_fd(self._wake.fileno(), warn_on_full_buffer=False)
        before = {number: signal.signal(number, signalled) for number in (signal.SIGTERM, signal.SIGINT)}
        hook, threading.excepthook = threading.excepthook, failed
        try:
            yield
        finally:
            threading.excepthook = hook
            signal.set_wakeup_fd(woken_before)
            for number, handler in before.items():
                signal.signal(number, handler)

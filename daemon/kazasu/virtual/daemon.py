"""The real daemon as a process of one's own, with what it shows and says; for the demo and the tests."""

from __future__ import annotations

import contextlib
import itertools
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Self

import msgspec

from kazasu.model.cue import Channel

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import TracebackType

    from kazasu.model.cue import Cue

_START_S = 60.0
_STOP_S = 30.0


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """What the outputs changed to, and when it was seen (`time.monotonic_ns`)."""

    on: frozenset[Channel]
    mono_ns: int


class DaemonProcess:
    """`kazasu run` with the terminal output, read from its pipe, and a notify socket, as systemd has.

    As a context manager it is started, and leaves no process behind.

    Args:
        config_file: its configuration.
        directory: where the notify socket and the log go.
        python: the interpreter whose `kazasu` it is; this one by default.
        environment: set on top of this process's.

    Attributes:
        shown: every change of the outputs, over all starts.
        moved: every move of a door's lock, over all starts: the door, and `released` or `locked`.
        log_file: what it logged, over all starts.
        on_change: called with each change of the outputs, in a thread of this object's.
    """

    def __init__(self, config_file: Path, directory: Path, python: str = sys.executable, **environment: str) -> None:
        self.shown: list[Shown] = []
        self.moved: list[tuple[str, str]] = []
        self.on_change: Callable[[Shown], None] = lambda _: None
        self.log_file = directory / "kazasu.log"
        self._command = [python, "-m", "kazasu", "run", "--config", str(config_file)]
        self._notify_path = directory / "notify"
        self._environment = environment
        self._news = threading.Condition()
        self._process: subprocess.Popen[str] | None = None
        self._notify: socket.socket | None = None
        self._reader: threading.Thread | None = None

    def start(self) -> None:
        """Start, and return once it says READY.

        Raises:
            RuntimeError: it ended, or was not ready in time; its log is in the message.
        """
        self._notify_path.unlink(missing_ok=True)
        # Open for as long as the daemon lives: it says STOPPING, too.
        self._notify = notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        notify.bind(str(self._notify_path))
        notify.settimeout(0.2)
        with self.log_file.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603  (our own arguments)
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                env=os.environ | {"NOTIFY_SOCKET": str(self._notify_path)} | self._environment,
                text=True,
            )
            self._reader = threading.Thread(target=self._follow, args=(self._process,), daemon=True)
            self._reader.start()
            deadline = time.monotonic() + _START_S
            ready = False
            while not ready:
                with contextlib.suppress(TimeoutError):
                    ready = b"READY=1" in notify.recv(4096)
                if not ready and (self._process.poll() is not None or time.monotonic() > deadline):
                    self.kill()
                    raise RuntimeError(f"the daemon did not start: {self.log_file.read_text(errors='replace')[-4000:]}")

    def terminate(self) -> int:
        """End it as systemd does; returns its exit code, 0 if it did not run."""
        return self._end(signal.SIGTERM)

    def kill(self) -> int:
        """End it at once; returns its exit code, below zero."""
        return self._end(signal.SIGKILL)

    @property
    def pid(self) -> int:
        """The process id, 0 if it does not run."""
        return 0 if self._process is None else self._process.pid

    def wait(self, timeout_s: float) -> int:
        """Wait until it ends by itself; returns its exit code."""
        if self._process is None:
            return 0
        return self._process.wait(timeout_s)

    def wait_for(self, condition: Callable[[], bool], timeout_s: float = 30.0) -> bool:
        """Wait until the condition holds, looking at each change of the outputs; returns whether it does."""
        with self._news:
            return self._news.wait_for(condition, timeout_s)

    def played(self, cue: Cue, since: int) -> bool:
        """Whether all frames of a cue were shown, in order, after the first `since` changes of the outputs."""
        frames = [on for on, _ in itertools.groupby(frame.on for frame in cue.frames)]
        shown = [change.on for change in self.shown[since:]]
        return any(shown[start : start + len(frames)] == frames for start in range(len(shown)))

    def greens(self) -> int:
        """How often the green light went on."""
        with self._news:
            lit = [Channel.GREEN in shown.on for shown in self.shown]
        return sum(now and not before for before, now in zip([False, *lit], lit, strict=False))

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.terminate()

    def _follow(self, process: subprocess.Popen[str]) -> None:
        if process.stdout is None:
            raise AssertionError("opened with a pipe")
        for line in process.stdout:
            word, _, channels = line.strip().partition(": ")
            if word == "outputs":
                on = frozenset(Channel(channel) for channel in channels.split() if channel != "off")
                change = Shown(on=on, mono_ns=time.monotonic_ns())
                with self._news:
                    self.shown.append(change)
                    self._news.notify_all()
                self.on_change(change)
            elif word.startswith("door "):
                with self._news:
                    self.moved.append((word.removeprefix("door "), channels))
                    self._news.notify_all()

    def _end(self, number: signal.Signals) -> int:
        process, self._process = self._process, None
        if process is None:
            return 0
        process.send_signal(number)
        try:
            code = process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            code = process.wait()
        if self._reader is not None:
            self._reader.join()
        if process.stdout is not None:
            process.stdout.close()
        if self._notify is not None:
            self._notify.close()
        return code

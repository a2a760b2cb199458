"""A program as a process of one's own: started until it is ready, ended by its id, never left behind."""

from __future__ import annotations

import abc
import ctypes
import os
import shutil
import signal
import subprocess
import time
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path
    from types import TracebackType

_START_S = 30.0
_LOOK_S = 0.01
_STOP_S = 10.0
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None)


class Program:
    """One program, started as often as it is wished, once at a time.

    Args:
        name: of the program, found on PATH or among the administrator's.
        package: the Debian packages that bring it.
        log_file: what it prints is appended there.
    """

    def __init__(self, name: str, package: str, log_file: Path) -> None:
        self._name = name
        self._package = package
        self._log_file = log_file
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def path(self) -> str:
        """Where it is.

        Raises:
            RuntimeError: it is not installed.
        """
        path = shutil.which(self._name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
        if path is None:
            raise RuntimeError(f"{self._name} is not installed: apt install {self._package}")
        return path

    @property
    def pid(self) -> int:
        """The process id, 0 if it does not run."""
        return 0 if self._process is None else self._process.pid

    def start(self, arguments: Sequence[str | Path], ready: Callable[[], bool]) -> None:
        """Start, and return once it is ready.

        Raises:
            RuntimeError: it is not installed, ended at once, or is not ready in time; its log is in the message.
        """
        command = [self.path, *arguments]
        with self._log_file.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603  (our own arguments)
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # The belt to the context manager's braces: a pytest that was killed leaves nothing behind.
                preexec_fn=_die_with_parent,  # noqa: PLW1509  (only a system call, and nothing that takes a lock)
            )
        deadline = time.monotonic() + _START_S
        while not ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.end(signal.SIGKILL)
                raise RuntimeError(f"{self._name} did not start: {self._log_file.read_text(errors='replace')[-2000:]}")
            time.sleep(_LOOK_S)

    def send(self, number: signal.Signals) -> None:
        """Send a signal. Does nothing if it does not run."""
        if self._process is not None:
            self._process.send_signal(number)

    def end(self, number: signal.Signals) -> None:
        """End it with this signal, and with SIGKILL if that does not help. Does nothing if it does not run."""
        if self._process is None:
            return
        self._process.send_signal(number)
        self._process.send_signal(signal.SIGCONT)  # a frozen process hears nothing but SIGKILL
        try:
            self._process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None


class OwnProgram(abc.ABC):
    """Something of one's own that one program does: it runs while its context is entered, and leaves no process behind.

    Args:
        program: not started.
    """

    def __init__(self, program: Program) -> None:
        self._program = program

    @abc.abstractmethod
    def start(self) -> None:
        """Start, and return once it is ready; see `Program.start`."""

    def stop(self) -> None:
        """End it in order. Does nothing if it does not run."""
        self._program.end(signal.SIGTERM)

    def kill(self) -> None:
        """End it at once, as a crash does. Does nothing if it does not run."""
        self._program.end(signal.SIGKILL)

    def close(self) -> None:
        """End it for good."""
        self.stop()

    @property
    def pid(self) -> int:
        """The process id, 0 if it does not run."""
        return self._program.pid

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def _die_with_parent() -> None:
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)

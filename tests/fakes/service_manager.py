"""A service manager's end of sd_notify(3)."""

from __future__ import annotations

import queue
import socket
import threading
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from pathlib import Path

PATIENCE_S = 30.0

_MARK = b"X_MARK=1"


class ServiceManager:
    """Listens where `NOTIFY_SOCKET` says; waits at most `PATIENCE_S` for what has to come.

    A thread takes messages off the socket, as systemd does: it holds ten, and then whoever tells more waits.
    """

    def __init__(self, path: Path) -> None:
        self.environment = {"NOTIFY_SOCKET": str(path)}
        self._path = str(path)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(self._path)
        self._messages: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._listen)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._send(b"")
        self._thread.join()
        self._socket.close()

    def next(self) -> dict[str, str]:
        """The next message, by variable."""
        return self._parse(self._messages.get(timeout=PATIENCE_S))

    def wait_for(self, variable: str) -> dict[str, str]:
        """The next message that sets a variable; those before it are dropped."""
        while variable not in (message := self.next()):
            pass
        return message

    def waiting(self) -> list[dict[str, str]]:
        """Everything that was sent before this call and was not asked for."""
        self._send(_MARK)
        return [self._parse(message) for message in iter(lambda: self._messages.get(timeout=PATIENCE_S), _MARK)]

    def _listen(self) -> None:
        while message := self._socket.recv(65536):
            self._messages.put(message)

    def _send(self, message: bytes) -> None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ours:
            ours.sendto(message, self._path)

    @staticmethod
    def _parse(message: bytes) -> dict[str, str]:
        pairs = [line.partition("=") for line in message.decode().split("\n")]
        assert all(equals for _, equals, _ in pairs), message
        assert len({name for name, _, _ in pairs}) == len(pairs), message
        return {name: value for name, _, value in pairs}

"""A service manager's end of sd_notify(3)."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from pathlib import Path

PATIENCE_S = 30.0


class ServiceManager:
    """Listens where `NOTIFY_SOCKET` says; waits at most `PATIENCE_S` for what has to come."""

    def __init__(self, path: Path) -> None:
        self.environment = {"NOTIFY_SOCKET": str(path)}
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def next(self) -> dict[str, str]:
        """The next message, by variable."""
        self._socket.settimeout(PATIENCE_S)
        return self._parse(self._socket.recv(65536))

    def wait_for(self, variable: str) -> dict[str, str]:
        """The next message that sets a variable; those before it are dropped."""
        while variable not in (message := self.next()):
            pass
        return message

    def waiting(self) -> list[dict[str, str]]:
        """Everything that has come and was not asked for."""
        self._socket.setblocking(False)
        messages = []
        try:
            while True:
                messages.append(self._parse(self._socket.recv(65536)))
        except BlockingIOError:
            return messages

    @staticmethod
    def _parse(message: bytes) -> dict[str, str]:
        pairs = [line.partition("=") for line in message.decode().split("\n")]
        assert all(equals for _, equals, _ in pairs), message
        assert len({name for name, _, _ in pairs}) == len(pairs), message
        return {name: value for name, _, value in pairs}

"""What the daemon tells systemd: sd_notify(3), in the few lines that it takes."""

from __future__ import annotations

import logging
import os
import socket
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_log = logging.getLogger(__name__)

_MAX_STATUS_CHARACTERS = 200
"""systemd ignores a whole message above 4096 bytes (NOTIFY_BUFFER_MAX in its src/core), and the feeding with it."""


class Notifier:
    """Sends to the service manager's socket; without one (started by hand) it does nothing.

    Args:
        environment: `NOTIFY_SOCKET`, `WATCHDOG_USEC` and `WATCHDOG_PID` are read.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        path = environment.get("NOTIFY_SOCKET", "")
        self._address = f"\0{path[1:]}" if path.startswith("@") else path
        self.watchdog_s: float | None = None
        if environment.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid()):
            microseconds = environment.get("WATCHDOG_USEC", "")
            self.watchdog_s = int(microseconds) / 1e6 if microseconds.isdecimal() else None

    def ready(self) -> None:
        """Everything runs."""
        self._send("READY=1")

    def alive(self, status: str) -> None:
        """Every loop goes round.

        Args:
            status: one line for `systemctl status`.
        """
        # One line: what follows a line end would be a variable of its own.
        line = " ".join(status.splitlines())[:_MAX_STATUS_CHARACTERS]
        self._send(f"WATCHDOG=1\nSTATUS={line}")

    def stopping(self) -> None:
        """The end has begun."""
        self._send("STOPPING=1")

    def _send(self, message: str) -> None:
        if not self._address:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as notify:
                notify.sendto(message.encode(errors="replace"), self._address)
        except OSError as error:
            # Taps go on: if systemd is really gone, its watchdog decides, and not this line.
            _log.warning("notify_failed", extra={"fields": {"detail": str(error)}})

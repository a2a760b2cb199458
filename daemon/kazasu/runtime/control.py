"""Where commands at this machine reach the running terminal: a socket for root and the terminal's own user.

One JSON object a line in, an order (model/order.py); one out, its answer. It lies in the state directory, which nobody
else may enter; who connects is asked of the kernel all the same (SO_PEERCRED, unix(7)).

What is said with whoever connects is control_guests.py, imported for the first of them: most days have none.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import socket
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from kazasu.ports.health import Health
    from kazasu.ports.inbox import Inbox
    from kazasu.ports.loops import Beat
    from kazasu.runtime.control_guests import Guests

_IDLE_S = 10.0  # the longest a loop may be silent: see ports.loops.Beat
_ANSWER_S = 8.0  # the terminal's thread takes milliseconds
_AGAIN_S = 5.0  # a disk that takes no socket, a read-only one above all, is tried again after this time


class ControlSocket:
    """Implements ports.loops.Loop.

    A disk that takes no socket keeps nobody from tapping: it is an alert, and tried again until it does.

    Args:
        path: of the socket; one that an ended terminal left behind is replaced.
        inbox: the terminal's.
        health: hears of a socket that cannot be made.
        allowed: user ids who may connect; root and this process's own by default.
        answer_s: how long the terminal may take, in seconds.
        again_s: after how many seconds a socket that could not be made is tried again.
    """

    def __init__(
        self,
        path: Path,
        inbox: Inbox,
        health: Health,
        *,
        allowed: frozenset[int] | None = None,
        answer_s: float = _ANSWER_S,
        again_s: float = _AGAIN_S,
    ) -> None:
        self._path = path
        self._inbox = inbox
        self._health = health
        self._allowed = frozenset({0, os.geteuid()}) if allowed is None else allowed
        self._answer_s = answer_s
        self._again_s = again_s
        self._waker, self._woken = socket.socketpair()
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._woken, selectors.EVENT_READ)
        self._guests: Guests | None = None
        self._listener: socket.socket | None = None
        self._listen()

    def run(self, beat: Beat) -> None:
        """Take orders until `stop`; see ports.loops.Loop."""
        while True:
            beat()
            for key, _ in self._selector.select(self._again_s if self._listener is None else _IDLE_S):
                if key.fileobj is self._woken:
                    return
                if key.fileobj is self._listener:
                    self._known().welcome(self._listener)
                elif isinstance(key.fileobj, socket.socket):
                    beat()
                    self._known().hear(key.fileobj)
            if self._listener is None:
                self._listen()

    def stop(self) -> None:
        """Make `run` return."""
        with contextlib.suppress(OSError):
            self._waker.send(b"\0")

    def close(self) -> None:
        """Leave nothing behind."""
        if self._guests is not None:
            self._guests.close()
        self._selector.close()
        self._waker.close()
        self._woken.close()
        if self._listener is not None:
            self._listener.close()
            with contextlib.suppress(OSError):
                self._path.unlink()  # where that cannot be done now, the next start replaces it

    def _known(self) -> Guests:
        """Those who have come."""
        if self._guests is None:
            from kazasu.runtime.control_guests import Guests

            self._guests = Guests(self._selector, self._inbox, self._allowed, self._answer_s)
        return self._guests

    def _listen(self) -> None:
        """Make the socket, or say why it cannot be made."""
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._path.unlink(missing_ok=True)
            listener.bind(str(self._path))
            self._path.chmod(0o600)
            listener.listen()
        except OSError as error:
            listener.close()
            self._health.alert("control", f"no command reaches this terminal: {self._path}: {error.strerror}")
            return
        listener.setblocking(False)
        self._selector.register(listener, selectors.EVENT_READ)
        self._listener = listener
        self._health.clear("control")

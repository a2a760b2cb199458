"""Where commands at this machine reach the running terminal: a socket for root and the terminal's own user.

One JSON object a line in, an order (model/order.py); one out, its answer. It lies in the state directory, which nobody
else may enter; who connects is asked of the kernel all the same (SO_PEERCRED, unix(7)).
"""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import selectors
import socket
import struct
from typing import TYPE_CHECKING

import msgspec

from kazasu.errors import OrderRefused
from kazasu.model.input import Ordered
from kazasu.model.order import Answer, Order

if TYPE_CHECKING:
    from pathlib import Path

    from kazasu.ports import Beat, Health, Inbox

_log = logging.getLogger(__name__)

_IDLE_S = 10.0  # the longest a loop may be silent: see ports.Beat
_ANSWER_S = 8.0  # the terminal's thread takes milliseconds
_AGAIN_S = 5.0  # a disk that takes no socket, a read-only one above all, is tried again after this time
_LINE_BYTES = 16_384
_GUESTS = 8
_CREDENTIALS = struct.Struct("3i")  # struct ucred: pid, uid, gid
_ORDER = msgspec.json.Decoder(Order)
_ANSWER = msgspec.json.Decoder(Answer)
_ENCODER = msgspec.json.Encoder()


class ControlSocket:
    """Implements ports.Loop.

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
        self._guests: dict[socket.socket, bytearray] = {}
        self._listener: socket.socket | None = None
        self._listen()

    def run(self, beat: Beat) -> None:
        """Take orders until `stop`; see ports.Loop."""
        while True:
            beat()
            for key, _ in self._selector.select(self._again_s if self._listener is None else _IDLE_S):
                if key.fileobj is self._woken:
                    return
                if key.fileobj is self._listener:
                    self._welcome(self._listener)
                elif isinstance(key.fileobj, socket.socket):
                    beat()
                    self._hear(key.fileobj)
            if self._listener is None:
                self._listen()

    def stop(self) -> None:
        """Make `run` return."""
        with contextlib.suppress(OSError):
            self._waker.send(b"\0")

    def close(self) -> None:
        """Leave nothing behind."""
        for guest in list(self._guests):
            self._part(guest)
        self._selector.close()
        self._waker.close()
        self._woken.close()
        if self._listener is not None:
            self._listener.close()
            with contextlib.suppress(OSError):
                self._path.unlink()  # where that cannot be done now, the next start replaces it

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

    def _welcome(self, listener: socket.socket) -> None:
        try:
            guest, _ = listener.accept()
        except OSError:
            return  # it went while it waited
        guest.settimeout(1.0)  # for what is sent; it is read only when there is something
        _, user, _ = _CREDENTIALS.unpack(guest.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size))
        self._guests[guest] = bytearray()
        if user not in self._allowed:
            _log.warning("control_refused", extra={"fields": {"detail": f"user {user}"}})
            self._say(guest, Answer(ok=False, said="only root and the terminal's own user may order anything"))
            self._part(guest)
        elif len(self._guests) > _GUESTS:
            self._say(guest, Answer(ok=False, said=f"{_GUESTS} commands are at it already"))
            self._part(guest)
        else:
            self._selector.register(guest, selectors.EVENT_READ)

    def _hear(self, guest: socket.socket) -> None:
        heard = self._guests[guest]
        try:
            received = guest.recv(_LINE_BYTES)
        except OSError:
            received = b""
        if not received:
            self._part(guest)
            return
        heard += received
        while b"\n" in heard and guest in self._guests:
            line, _, rest = heard.partition(b"\n")
            heard[:] = rest
            self._say(guest, self._answered(bytes(line)))
        if len(heard) > _LINE_BYTES:
            self._say(guest, Answer(ok=False, said=f"an order is at most {_LINE_BYTES} bytes"))
            self._part(guest)

    def _answered(self, line: bytes) -> Answer:
        try:
            order = _ORDER.decode(line)
        except msgspec.DecodeError as error:
            return Answer(ok=False, said=f"no order: {error}")
        answers: queue.SimpleQueue[Answer] = queue.SimpleQueue()
        self._inbox.put(Ordered(order=order, answer=answers.put))
        try:
            return answers.get(timeout=self._answer_s)
        except queue.Empty:
            return Answer(ok=False, said="the terminal does not answer; whether it was done, its journal tells")

    def _say(self, guest: socket.socket, answer: Answer) -> None:
        try:
            guest.sendall(_ENCODER.encode(answer) + b"\n")
        except OSError:
            self._part(guest)  # it did not wait for the answer

    def _part(self, guest: socket.socket) -> None:
        if self._guests.pop(guest, None) is None:
            return
        with contextlib.suppress(KeyError):
            self._selector.unregister(guest)
        guest.close()


class Caller:
    """A command's end of the socket.

    Args:
        path: of the socket.

    Raises:
        OrderRefused: the terminal does not run.
        PermissionError: this user may not ask it.
    """

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(2 * _ANSWER_S)
        try:
            self._socket.connect(str(path))
        except (FileNotFoundError, ConnectionRefusedError):
            self._socket.close()
            raise OrderRefused(f"the terminal does not run: nobody listens at {path}") from None
        except OSError:
            self._socket.close()
            raise
        self._answers = self._socket.makefile("rb")

    def order(self, order: Order) -> str:
        """Give an order; returns what is so now.

        Raises:
            OrderRefused: it was not done; its words say why.
        """
        try:
            self._socket.sendall(_ENCODER.encode(order) + b"\n")
            answer = _ANSWER.decode(self._answers.readline())
        except (OSError, msgspec.DecodeError) as error:
            raise OrderRefused(f"the terminal ended before it answered ({error}): look into its journal") from error
        if not answer.ok:
            raise OrderRefused(answer.said)
        return answer.said

    def close(self) -> None:
        """Hang up."""
        self._answers.close()
        self._socket.close()

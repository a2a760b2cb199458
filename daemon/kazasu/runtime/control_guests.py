"""Who has come to the terminal's socket with orders, and what they are answered: see control.py."""

from __future__ import annotations

import contextlib
import logging
import queue
import selectors
import socket
import struct
from typing import TYPE_CHECKING

import msgspec

from kazasu.model.input import Ordered
from kazasu.model.order import Answer, Order

if TYPE_CHECKING:
    from kazasu.ports.inbox import Inbox

_log = logging.getLogger(__name__)

_LINE_BYTES = 16_384
_GUESTS = 8
_CREDENTIALS = struct.Struct("3i")  # struct ucred: pid, uid, gid
_ORDER = msgspec.json.Decoder(Order)
_ENCODER = msgspec.json.Encoder()


class Guests:
    """All of them. The control thread.

    Args:
        selector: tells when a guest has said something.
        inbox: the terminal's.
        allowed: user ids who may order anything.
        answer_s: how long the terminal may take, in seconds.
    """

    def __init__(
        self, selector: selectors.BaseSelector, inbox: Inbox, allowed: frozenset[int], answer_s: float
    ) -> None:
        self._selector = selector
        self._inbox = inbox
        self._allowed = allowed
        self._answer_s = answer_s
        self._guests: dict[socket.socket, bytearray] = {}

    def close(self) -> None:
        """Part from all."""
        for guest in list(self._guests):
            self._part(guest)

    def welcome(self, listener: socket.socket) -> None:
        """Let somebody in who has come, or say why not."""
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

    def hear(self, guest: socket.socket) -> None:
        """Take what a guest orders, and answer."""
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

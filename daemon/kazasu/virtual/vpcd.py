"""A slot of vpcd's virtual reader, seen from the card's side.

Protocol (vsmartcard, "Creating a virtual smart card"): TCP; each message is a 2-byte big-endian length and a payload.
A payload of one byte controls the card, anything longer is a command APDU.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import socket
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Self

import msgspec

from kazasu.virtual.vpcd_wire import receive, send

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from kazasu.virtual.card import VirtualCard

_HOST = "127.0.0.1"
_CONNECT_S = 1.0
_LOOK_S = 1.0
_AGAIN_S = 0.02  # pcscd is away: how long until the next try to connect
_POWER_ON, _RESET, _ATR = b"\x01", b"\x02", b"\x04"


class Exchange(msgspec.Struct, frozen=True, kw_only=True):
    """One command APDU and what the card said; times are of `time.monotonic_ns`."""

    apdu: bytes
    answer: bytes  # data and status word; empty if the card was torn away before it could answer
    received_mono_ns: int
    answered_mono_ns: int


class Slot:
    """One place for a card. Any thread may move cards; one thread of its own speaks with pcscd.

    While a card is in, the slot connects again whenever pcscd comes back. Each exchange is also appended to the file
    that the environment variable KAZASU_APDU_LOG names: one JSON object a line, with `application` (the selected AID),
    `apdu` and `sw` in hexadecimal digits.

    Args:
        port: where vpcd listens for this slot's card.
    """

    def __init__(self, port: int) -> None:
        self.port = port
        self.log: list[Exchange] = []
        path = os.environ.get("KAZASU_APDU_LOG")
        self._file = Path(path).open("ab", buffering=0) if path else None  # noqa: SIM115  (closed in close)
        self._changed = threading.Condition(threading.RLock())
        self._card: VirtualCard | None = None
        self._insertion = 0  # rises with each way in and out: a card put back is not one that stayed
        self._apdus = 0  # of this insertion
        self._tear_at = 0
        self._connection: socket.socket | None = None
        self._powered = False
        self._looks = 0  # how often pcscd has asked for the ATR
        self._unnoticed = False  # a card left in the middle of something, and pcscd has not looked since
        self._closed = False
        self._thread = threading.Thread(target=self._run, name=f"slot-{port}", daemon=True)
        self._thread.start()

    @property
    def card(self) -> VirtualCard | None:
        """The card that is in the field."""
        return self._card

    @property
    def powered(self) -> bool:
        """Whether pcscd has seen the card and powers it."""
        return self._powered

    @property
    def vacant(self) -> bool:
        """Whether no card is in the field, and pcscd knows."""
        return self._card is None and self._connection is None and not self._unnoticed

    def insert(self, card: VirtualCard) -> None:
        """Bring a card into the field.

        Raises:
            ValueError: another one is in.
        """
        with self._changed:
            if self._card is not None:
                raise ValueError(f"the slot at port {self.port} holds a card: remove it first, or swap")
            self._card = card
            self._insertion += 1
            self._apdus = 0
            self._changed.notify_all()

    def remove(self) -> None:
        """Take the card out of the field; after the return it answers nothing more. Does nothing if none is in."""
        with self._changed:
            self._take_out()

    def remove_when_seen(self) -> None:
        """Take the card out once pcscd has looked at it again.

        After a PIN a program leaves it without power, and pcscd sometimes loses the next card if this one goes at once.

        Raises:
            TimeoutError: pcscd does not look.
        """
        looks = self._looks
        self.wait_for(lambda: self._looks > looks)
        self.remove()

    def swap(self, card: VirtualCard) -> None:
        """Take out the card, if one is in, and bring in another one at once; pcscd sees one leave and one come."""
        with self._changed:
            self._take_out()
            self.insert(card)

    def remove_at_apdu(self, n: int) -> None:
        """Tear the card out of the field at the `n`-th APDU (from 1) of this insertion, before it answers.

        Without a card in the field it is the next insertion's. Counted in what the card hears: what pcscd does by
        itself (power, ATR) does not count.
        """
        with self._changed:
            self._tear_at = n

    def wait_for(self, predicate: Callable[[], bool], timeout_s: float = 10.0) -> None:
        """Wait until the predicate holds; it is asked again after each exchange, power change and connection.

        Raises:
            TimeoutError: it did not hold in time.
        """
        with self._changed:
            if not self._changed.wait_for(predicate, timeout_s):
                raise TimeoutError(
                    f"slot at port {self.port}: not within {timeout_s} s; powered: {self._powered}, "
                    f"exchanges: {len(self.log)}, last: {self.log[-1:]}"
                )

    def close(self) -> None:
        """Take the card out and end the thread."""
        with self._changed:
            self._take_out()
            self._closed = True
            if self._connection is not None:
                with contextlib.suppress(OSError):
                    self._connection.shutdown(socket.SHUT_RDWR)
            self._changed.notify_all()
        self._thread.join()
        if self._file is not None:
            self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _take_out(self) -> None:
        """Hang up our half of the connection: pcscd's next word finds nobody, and it closes the other half."""
        if self._card is None:
            return
        self._card.power_off()
        self._card = None
        self._insertion += 1
        self._powered = False
        self._tear_at = 0
        if self._connection is not None:
            with contextlib.suppress(OSError):
                self._connection.shutdown(socket.SHUT_WR)
        self._changed.notify_all()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closed or self._unnoticed or self._card is not None)
                if self._closed:
                    return
            try:
                connection = socket.create_connection((_HOST, self.port), _CONNECT_S)
            except OSError:
                with self._changed:
                    self._unnoticed = False  # pcscd is away, and knows of no card when it comes back
                    self._changed.notify_all()
                    self._changed.wait_for(lambda: self._closed, _AGAIN_S)
                continue
            with contextlib.suppress(OSError), connection:
                connection.settimeout(None)
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                (self._be_nobody if self._unnoticed else self._serve)(connection)
            with self._changed:
                self._changed.wait_for(lambda: self._closed, _AGAIN_S)

    def _next(self, connection: socket.socket) -> bytes | None:
        """The next message; None once pcscd has hung up, or this slot is closed."""
        while not select.select([connection], [], [], _LOOK_S)[0]:
            if self._closed:
                return None
        return receive(connection)

    def _be_nobody(self, connection: socket.socket) -> None:
        """Hang up when pcscd looks whether a card is there: it sees an empty field.

        Without it, a card that comes within pcscd's 400 ms after another one was torn away would be taken for that one,
        and never be powered.
        """
        with self._changed:
            if self._closed:
                return
            self._connection = connection
        message: bytes | None = None
        try:
            message = self._next(connection)
        finally:
            with self._changed:
                self._unnoticed = message not in {_ATR, None}
                self._connection = None
                self._changed.notify_all()

    def _serve(self, connection: socket.socket) -> None:
        """Be the card on this connection until pcscd hangs up."""
        with self._changed:
            card = self._card
            if card is None or self._closed:
                return
            insertion = self._insertion
            self._connection = connection
            self._changed.notify_all()
        before, noticed = b"", False
        try:
            while (message := self._next(connection)) is not None:
                with self._changed:
                    # A card that was taken out says nothing, even if the next one is in already.
                    if insertion == self._insertion:
                        self._answer(connection, card, message)
                        self._changed.notify_all()
                    elif message == _ATR and before not in {_POWER_ON, _RESET}:
                        noticed = True  # so asks pcscd when it looks; a part of powering up fails without that
                    before = message
        finally:
            with self._changed:
                if insertion == self._insertion:
                    card.power_off()
                else:
                    self._unnoticed = not noticed
                self._connection = None
                self._powered = False
                self._changed.notify_all()

    def _answer(self, connection: socket.socket, card: VirtualCard, message: bytes) -> None:
        match message:
            case b"\x00":
                card.power_off()
                self._powered = False
            case b"\x01":
                card.power_on()
                self._powered = True
            case b"\x02":
                card.reset()
            case b"\x04":
                self._looks += 1
                send(connection, card.atr)
            case apdu:
                self._exchange(connection, card, apdu)

    def _exchange(self, connection: socket.socket, card: VirtualCard, apdu: bytes) -> None:
        received_mono_ns = time.monotonic_ns()
        self._apdus += 1
        torn = self._apdus == self._tear_at
        answer = b"" if torn else card.transmit(apdu)
        application = card.application
        if torn:
            self._take_out()
        else:
            send(connection, answer)
        self.log.append(
            Exchange(apdu=apdu, answer=answer, received_mono_ns=received_mono_ns, answered_mono_ns=time.monotonic_ns())
        )
        if self._file is not None:
            line = {"application": application.hex(), "apdu": apdu.hex(), "sw": answer[-2:].hex()}
            self._file.write(json.dumps(line).encode() + b"\n")

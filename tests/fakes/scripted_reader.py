"""A card for a virtual reader that does what a test tells it, faults included."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from typing import TYPE_CHECKING

from smartcard import scard

if TYPE_CHECKING:
    from collections.abc import Callable

MY_NUMBER_ATR = bytes.fromhex("3B888001000005E0B381A1007F")
FELICA_ATR = bytes.fromhex("3B8F8001804F0CA00000030611003B0000000042")

_LIMIT_S = 30.0


def wait_for_card(pcsc_name: str, *, there: bool) -> None:
    """Wait until pcscd itself sees a card in a reader, or none."""
    flag = scard.SCARD_STATE_PRESENT if there else scard.SCARD_STATE_EMPTY
    _until(lambda: bool(_state(pcsc_name) & flag))


def _state(pcsc_name: str) -> int:
    _, context = scard.SCardEstablishContext(scard.SCARD_SCOPE_SYSTEM)
    _, states = scard.SCardGetStatusChange(context, 0, [(pcsc_name, scard.SCARD_STATE_UNAWARE)])
    scard.SCardReleaseContext(context)
    return int(states[0][1])


class ScriptedCard:
    """A card for one slot of vpcd; every answer is the test's.

    Args:
        port: of the slot.
        atr: what it answers a reset with; nonsense if the test wants it.
        answer: response with status word to an APDU; None means that the card is pulled away instead of answering.
    """

    def __init__(
        self, port: int, *, atr: bytes = MY_NUMBER_ATR, answer: Callable[[bytes], bytes | None] = lambda _: b"\x90\x00"
    ) -> None:
        self._port = port
        self._atr = atr
        self._answer = answer
        self._socket: socket.socket | None = None
        self._thread: threading.Thread | None = None
        self.apdus: list[bytes] = []
        self.controls: list[int] = []
        self.atr_s = 0.0
        self.first_apdu_s = 0.0
        self.answered = threading.Event()

    def insert(self) -> None:
        """Hold the card over the reader; pcscd notices within 400 ms."""
        _until(self._connect)
        self._thread = threading.Thread(target=self._serve, args=(self._socket,), daemon=True)
        self._thread.start()

    def pull(self) -> None:
        """Take the card away."""
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)
            self._socket.close()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()

    def _connect(self) -> bool:
        try:
            self._socket = socket.create_connection(("127.0.0.1", self._port))
        except ConnectionError:
            return False
        return True

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError, EOFError):
            while True:
                (length,) = struct.unpack(">H", self._receive(connection, 2))
                message = self._receive(connection, length)
                reply = self._reply(message)
                if reply:
                    connection.sendall(struct.pack(">H", len(reply)) + reply)
                if len(message) > 1:
                    self.answered.set()
                if reply is None:
                    self.pull()
                    return

    def _reply(self, message: bytes) -> bytes | None:
        """What goes back; empty if this message has no answer (vpcd's power and reset)."""
        if len(message) > 1:
            if not self.answered.is_set():
                self.first_apdu_s = time.perf_counter()
            self.apdus.append(message)
            return self._answer(message)
        self.controls.append(message[0])
        if message[0] != 4:
            return b""
        if not self.answered.is_set():
            self.atr_s = time.perf_counter()
        return self._atr

    def _receive(self, connection: socket.socket, length: int) -> bytes:
        data = b""
        while len(data) < length:
            part = connection.recv(length - len(data))
            if not part:
                raise EOFError
            data += part
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        return data


def _until(condition: Callable[[], bool]) -> None:
    """Wait for what can only be asked again and again."""
    end_s = time.monotonic() + _LIMIT_S
    pause = threading.Event()
    while not condition():
        if time.monotonic() > end_s:
            raise TimeoutError(f"not so within {_LIMIT_S} s")
        pause.wait(0.005)


def free_pair_of_ports() -> int:
    """The first of two neighbouring free ports below the ephemeral range (vpcd takes one for each slot)."""
    for port in range(20000, 32000, 2):
        with contextlib.suppress(OSError), socket.socket() as first, socket.socket() as second:
            first.bind(("0.0.0.0", port))  # noqa: S104  (where vpcd listens; it is only tried)
            second.bind(("0.0.0.0", port + 1))  # noqa: S104
            return port
    raise OSError("no two neighbouring free ports")

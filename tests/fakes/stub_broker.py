"""A broker that misbehaves on purpose: just enough MQTT 5 over TLS for what mosquitto cannot be brought to do."""

from __future__ import annotations

import contextlib
import queue
import socket
import ssl
import struct
import threading
from typing import TYPE_CHECKING, Self

from kazasu.publishers.settings import Broker
from kazasu.virtual.certificates import ThrowawayCa

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CONNECT, PUBLISH, SUBSCRIBE, PINGREQ, DISCONNECT = 1, 3, 8, 12, 14  # MQTT 5.0, table 2-1

PLAIN_CONNACK = b"\x20\x03\x00\x00\x00"


class StubBroker:
    """Accepts one connection after another and answers as it is told.

    Args:
        directory: for its certificates.
        connack: the bytes that answer CONNECT; empty hangs up instead.
        puback: the reason code for the n-th PUBLISH of all (from 0) on a topic; None does not answer.

    Attributes:
        published: topic and payload of every PUBLISH, in the order of arrival, over all connections.
        connects: the body of every CONNECT.
        most_in_flight: the most PUBLISHes that were unanswered at once.
    """

    def __init__(
        self,
        directory: Path,
        *,
        connack: bytes = PLAIN_CONNACK,
        puback: Callable[[int, str], int | None] = lambda _n, _topic: 0,
    ) -> None:
        ca = ThrowawayCa(directory)
        server, client = ca.server(), ca.client("entrance-1")
        self.published: list[tuple[str, bytes]] = []
        self.connects: queue.Queue[bytes] = queue.Queue()
        self.most_in_flight = 0
        self._connack = connack
        self._puback = puback
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(server.certificate_file, server.key_file)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._connection: ssl.SSLSocket | None = None
        self._stopping = False
        self._thread = threading.Thread(target=self._serve)
        self.broker = Broker(
            host="localhost",
            port=self._listener.getsockname()[1],
            ca_file=ca.ca_file,
            certificate_file=client.certificate_file,
            key_file=client.key_file,
        )

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping = True
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        while self._thread.is_alive():  # it may be between two connections
            if self._connection is not None:
                with contextlib.suppress(OSError):
                    self._connection.shutdown(socket.SHUT_RDWR)
            self._thread.join(0.05)
        self._listener.close()

    def _serve(self) -> None:
        while not self._stopping:
            with contextlib.suppress(OSError, EOFError):
                tcp, _ = self._listener.accept()
                with tcp, self._context.wrap_socket(tcp, server_side=True) as connection:
                    self._connection = connection
                    self._talk(connection)

    def _talk(self, connection: ssl.SSLSocket) -> None:
        in_flight = 0
        while True:
            kind, body = _read_packet(connection)
            if kind == CONNECT:
                self.connects.put(body)
                if not self._connack:
                    return
                connection.sendall(self._connack)
            elif kind == SUBSCRIBE:
                connection.sendall(b"\x90\x06" + body[:2] + b"\x00\x01\x01\x01")
            elif kind == PINGREQ:
                connection.sendall(b"\xd0\x00")
            elif kind == DISCONNECT:
                return
            elif kind == PUBLISH:
                topic_length = struct.unpack("!H", body[:2])[0]
                topic = body[2 : 2 + topic_length].decode()
                mid = body[2 + topic_length : 4 + topic_length]
                length, start = _variable(body, 4 + topic_length)
                code = self._puback(len(self.published), topic)
                self.published.append((topic, body[start + length :]))
                in_flight += 1
                self.most_in_flight = max(self.most_in_flight, in_flight)
                if code is not None:
                    in_flight -= 1
                    connection.sendall(b"\x40\x04" + mid + bytes([code, 0]))


def _read_packet(connection: ssl.SSLSocket) -> tuple[int, bytes]:
    first = _read(connection, 1)[0]
    length = shift = 0
    while True:
        digit = _read(connection, 1)[0]
        length |= (digit & 0x7F) << shift
        shift += 7
        if not digit & 0x80:
            return first >> 4, _read(connection, length)


def _read(connection: ssl.SSLSocket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        more = connection.recv(count - len(data))
        if not more:
            raise EOFError
        data += more
    return data


def _variable(body: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        digit = body[position]
        position += 1
        value |= (digit & 0x7F) << shift
        shift += 7
        if not digit & 0x80:
            return value, position

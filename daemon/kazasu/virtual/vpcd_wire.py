"""vpcd's messages over TCP: a payload, and its length in two bytes before it."""

from __future__ import annotations

import socket


def receive(connection: socket.socket) -> bytes | None:
    """The next message; None once pcscd has hung up."""
    head = _receive_bytes(connection, 2)
    return head and _receive_bytes(connection, int.from_bytes(head))


def _receive_bytes(connection: socket.socket, count: int) -> bytes | None:
    data = connection.recv(count, socket.MSG_WAITALL)
    # Without it Linux delays the acknowledgement, and vpcd's Nagle waits for that: 44 ms for each APDU.
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
    return data if len(data) == count and data else None


def send(connection: socket.socket, payload: bytes) -> None:
    """Send one message."""
    connection.sendall(len(payload).to_bytes(2) + payload)

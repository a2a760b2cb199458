"""A command's end of the terminal's socket: see control.py."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import msgspec

from kazasu.errors import OrderRefused
from kazasu.model.order import Answer

if TYPE_CHECKING:
    from pathlib import Path

    from kazasu.model.order import Order

_PATIENCE_S = 16.0  # twice as long as the socket gives the terminal: see control.py
_ANSWER = msgspec.json.Decoder(Answer)
_ENCODER = msgspec.json.Encoder()


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
        self._socket.settimeout(_PATIENCE_S)
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

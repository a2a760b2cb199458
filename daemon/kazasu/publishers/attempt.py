"""Opening a connection, in a thread of its own, so that a name server that is silent holds up no loop's beat."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from kazasu.publishers.mqtt import Connection
    from kazasu.publishers.waker import Waker

_Connection = TypeVar("_Connection", bound="Connection")


class Attempt(Generic[_Connection]):
    """One try to open a connection; it begins at once. The thread of whoever wants it open.

    The thread is a daemon: a process that ends does not wait for a name server either.

    Args:
        connection: what to open.
        waker: woken when the try has ended.
    """

    def __init__(self, connection: _Connection, waker: Waker) -> None:
        self.connection = connection
        self._waker = waker
        self._error: Exception | None = None
        self._ended = threading.Event()
        threading.Thread(target=self._open, name="kazasu-connect", daemon=True).start()

    @property
    def ended(self) -> bool:
        """Whether there is a result."""
        return self._ended.is_set()

    def result(self) -> _Connection:
        """The open connection; only once `ended`.

        Raises:
            Exception: whatever `Connection.open` raised.
        """
        if self._error is not None:
            raise self._error
        return self.connection

    def _open(self) -> None:
        try:
            self.connection.open()
        except Exception as error:  # noqa: BLE001  (handed to the thread that asked, which decides)
            self._error = error
        self._ended.set()
        self._waker.wake()

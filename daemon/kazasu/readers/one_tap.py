"""One card, once: for the commands that ask a person to tap."""

from __future__ import annotations

import queue
import threading
from typing import TYPE_CHECKING, Final

from kazasu.errors import ReaderUnavailable
from kazasu.model.input import CardPresented, CardRead
from kazasu.readers.pcsc import PcscReaders, list_readers
from kazasu.readers.presence import ReaderPattern

if TYPE_CHECKING:
    from kazasu.model.input import Input
    from kazasu.ports.clock import Clock
    from kazasu.ports.readers import CardIdentifier

_LEAVE_S: Final = 5.0


def one_tap(match: str, identifier: CardIdentifier, clock: Clock, timeout_s: float) -> CardRead | None:
    """Wait for one card, read it as the daemon would, and let go of the reader.

    A card that lies there already is read at once.

    Args:
        match: which reader, as in the configuration.
        identifier: reads the card.
        clock: the daemon's.
        timeout_s: how long to wait for a card.

    Returns:
        The read, good or refused; None if no card came.

    Raises:
        ReaderUnavailable: pcscd does not answer, or no reader fits `match`.
        Exception: whatever ended the read that is no error of the card.
    """
    wanted = ReaderPattern(name="tap", match=match)
    names = list_readers()
    if not any(wanted.fits(name) for name in names):
        raise ReaderUnavailable(f"no reader fits {match!r}; pcscd sees {', '.join(names) or 'no reader'}")
    outcome = _Outcome()
    readers = PcscReaders([wanted], identifier, outcome, clock, outcome)
    thread = threading.Thread(target=outcome.follow, args=(readers,), name="one-tap", daemon=True)
    thread.start()
    try:
        read = outcome.wait(timeout_s)
    finally:
        readers.stop()
        thread.join(_LEAVE_S)
    if outcome.failure is not None:
        raise outcome.failure
    return read


class _Outcome:
    """The first read, or what ended the loop. Implements ports.inbox.Inbox and ports.health.Health for one loop."""

    def __init__(self) -> None:
        self._came: queue.Queue[CardPresented | CardRead | None] = queue.Queue()
        self.failure: Exception | None = None

    def follow(self, readers: PcscReaders) -> None:
        try:
            readers.run(lambda: None)
        except Exception as error:  # noqa: BLE001  (raised again in the thread that waits)
            self.failure = error
            self._came.put(None)

    def wait(self, timeout_s: float) -> CardRead | None:
        try:
            came = self._came.get(timeout=timeout_s)
        except queue.Empty:
            return None
        while isinstance(came, CardPresented):
            came = self._came.get()  # a read has an end of its own, even while somebody enters a PIN
        return came

    def put(self, item: Input) -> None:
        if isinstance(item, CardPresented | CardRead):
            self._came.put(item)

    def note(self, **fields: int | str) -> None:
        """Nobody watches this loop's health."""

    def alert(self, alert_id: str, message: str) -> None:
        """Nobody watches this loop's health."""

    def clear(self, alert_id: str) -> None:
        """Nobody watches this loop's health."""

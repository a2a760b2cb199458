"""The board that every thread writes its health on, and that the publisher reads off."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from kazasu.model.document import canonical
from kazasu.publishers.waker import Waker

if TYPE_CHECKING:
    from kazasu.model.access import EventFields


class HealthBoard:
    """Implements ports.health.Health.

    Attributes:
        waker: woken at each change.
    """

    def __init__(self) -> None:
        self.waker = Waker()
        self._lock = threading.Lock()
        self._version = 0
        self._fields: EventFields = {}
        self._alerts: dict[str, str] = {}

    def note(self, **fields: int | str) -> None:
        """Set fields of `up/…/health`.

        Raises:
            ValueError: a field that cannot be on the wire: a defect, to be seen where it was made.
        """
        canonical(fields)
        with self._lock:
            before = dict(self._fields)
            self._fields |= fields
            if self._fields == before:
                return
            self._version += 1
        self.waker.wake()

    def alert(self, alert_id: str, message: str) -> None:
        """Raise `up/…/alert/<alert_id>`; raising it again with the same words does nothing.

        Raises:
            ValueError: an id that is no field name, and so might be no topic.
        """
        canonical({alert_id: message})
        with self._lock:
            if self._alerts.get(alert_id) == message:
                return
            self._alerts[alert_id] = message
        self.waker.wake()

    def clear(self, alert_id: str) -> None:
        """End an alert; ending one that does not stand does nothing."""
        with self._lock:
            if self._alerts.pop(alert_id, None) is None:
                return
        self.waker.wake()

    @property
    def version(self) -> int:
        """Rises whenever a field changes."""
        return self._version

    def fields(self) -> EventFields:
        """The fields as they are now."""
        with self._lock:
            return dict(self._fields)

    def alerts(self) -> dict[str, str]:
        """The standing alerts: id and message."""
        with self._lock:
            return dict(self._alerts)

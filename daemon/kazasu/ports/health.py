"""What operations see of a terminal."""

from __future__ import annotations

from typing import Protocol


class Health(Protocol):
    """What operations see of this terminal: flat fields and standing alerts. Any thread; wakes the publisher."""

    def note(self, **fields: int | str) -> None:
        """Set fields of `up/…/health`."""
        ...

    def alert(self, alert_id: str, message: str) -> None:
        """Raise `up/…/alert/<alert_id>`; raising it again with the same words does nothing."""
        ...

    def clear(self, alert_id: str) -> None:
        """End an alert; ending one that does not stand does nothing."""
        ...

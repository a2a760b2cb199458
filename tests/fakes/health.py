"""Health that only remembers."""

from __future__ import annotations


class FakeHealth:
    """Implements the Health seam."""

    def __init__(self) -> None:
        self.fields: dict[str, int | str] = {}
        self.alerts: dict[str, str] = {}

    def note(self, **fields: int | str) -> None:
        self.fields.update(fields)

    def alert(self, alert_id: str, message: str) -> None:
        self.alerts[alert_id] = message

    def clear(self, alert_id: str) -> None:
        self.alerts.pop(alert_id, None)

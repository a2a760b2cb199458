"""What the display shows a person of their own: the last two punches, from events that are durable anyway."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kazasu.model.access import Direction
    from kazasu.model.event import Event

_SHOWN = 2
_KEPT = timedelta(days=2)


class OwnPunches:
    """Fed with recorded events, as attendance is; writes nothing. The terminal thread.

    Memory follows the people who came within two days, not those who are enrolled.
    """

    def __init__(self) -> None:
        self._of: dict[str, list[tuple[Direction, datetime]]] = {}
        self._day = date.min

    def recorded(self, event: Event) -> None:
        """Remember a granted punch; every other event is passed over."""
        directions: dict[str, Direction] = {"attendance.in": "in", "attendance.out": "out"}
        direction = directions.get(str(event.fields["event_type"]))
        if direction is None:
            return
        at = event.moment.at
        if at.date() != self._day:
            self._day = at.date()
            self._of = {number: kept for number, kept in self._of.items() if abs(at - kept[0][1]) <= _KEPT}
        number = str(event.fields["cardholder"])
        self._of[number] = [(direction, at), *self._of.get(number, [])][:_SHOWN]

    def of(self, cardholder: str) -> tuple[tuple[Direction, str], ...]:
        """A person's last punches, newest first, as `screen_text.Answer` takes them.

        Args:
            cardholder: the site's own number.

        Returns:
            Up to two of direction (`in`, `out`) and local time (`08:31`).
        """
        return tuple((direction, at.strftime("%H:%M")) for direction, at in self._of.get(cardholder, []))

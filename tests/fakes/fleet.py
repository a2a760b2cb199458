"""A site whose terminals say what a test wants them to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from kazasu.model.document import canonical
from kazasu.publishers.wire import Payloads, Topics
from kazasu.site.fleet import MAX_TERMINALS, Fleet

if TYPE_CHECKING:
    from kazasu.site.terminal import Terminal

SITE = "city-hall"
START = datetime(2026, 4, 1, 8, 30, tzinfo=UTC)

HEALTH: dict[str, int | str] = {
    "epoch": "ab" * 8,
    "last_seq": 40,
    "acked_seq": 40,
    "receipt_seq": 40,
    "unsent": 0,
    "oldest_unacked_age_s": 0,
    "reader_desk": "present",
    "collector": "online",
    "roster_version": 12,
    "roster_made_s": int(START.timestamp()) - 3 * 86_400,
    "time_source": "ntp",
    "time_error_ms": 5,
    "disk_free_mb": 11_000,
    "temperature_c": 45,
    "certificate_days": 210,
    "journal_percent": 3,
}
"""Of a terminal that is in order."""


class SimulatedSite:
    """Says things to a fleet, as its terminals would.

    Args:
        most: so many terminals are known to it at the most.

    Attributes:
        fleet: what hears them.
        at: now.
    """

    def __init__(self, most: int = MAX_TERMINALS) -> None:
        self.fleet = Fleet(SITE, most=most)
        self.at = START

    def pass_time(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)
        self.fleet.pass_time(self.at)

    def send(self, terminal: str, kind: str, payload: bytes) -> None:
        """Publish anything below a terminal's topic."""
        self.fleet.take(f"{Topics(SITE, terminal).up}/{kind}", payload, self.at)

    def online(self, terminal: str, conn: int) -> None:
        self.send(terminal, "state", Payloads(SITE, terminal).online(conn))

    def offline(self, terminal: str, conn: int, cause: str = "connection_lost") -> None:
        self.send(terminal, "state", Payloads(SITE, terminal).offline(conn, cause))

    def health(self, terminal: str, conn: int, said_after_s: float = 0, /, **fields: int | str) -> None:
        time = (self.at + timedelta(seconds=said_after_s)).isoformat(timespec="milliseconds")
        whole = HEALTH | {"conn": conn} | fields
        self.send(terminal, "health", Payloads(SITE, terminal).fields(whole, time))

    def alert(self, terminal: str, alert_id: str, message: str) -> None:
        time = self.at.isoformat(timespec="milliseconds")
        self.send(terminal, f"alert/{alert_id}", Payloads(SITE, terminal).alert(alert_id, message, time))

    def collector(self, topic: str, **fields: int | str) -> None:
        """A collector says something; nothing removes what it said."""
        payload = canonical(fields) if fields else b""
        self.fleet.take(f"kazasu/v1/{SITE}/collector/{topic}", payload, self.at)

    def in_order(self, terminal: str, conn: int = 1, /, **fields: int | str) -> Terminal:
        """A terminal that is there, and well but for what is said."""
        self.online(terminal, conn)
        self.health(terminal, conn, **fields)
        return self.fleet.terminals[terminal]

    def say(self, terminal: str, kind: str, conn: int) -> None:
        """`online`, `offline` or `health`."""
        if kind == "online":
            self.online(terminal, conn)
        elif kind == "offline":
            self.offline(terminal, conn)
        else:
            self.health(terminal, conn)

    def __getitem__(self, terminal: str) -> Terminal:
        return self.fleet.terminals[terminal]

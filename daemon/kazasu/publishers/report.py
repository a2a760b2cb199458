"""What a terminal says of itself on one connection: state, info, health, alerts and muster, all retained."""

from __future__ import annotations

import collections
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from kazasu.model.access import EventFields
    from kazasu.ports.clock import Clock
    from kazasu.ports.muster import MusterBoard
    from kazasu.publishers.board import HealthBoard
    from kazasu.publishers.delivery import Delivery
    from kazasu.publishers.muster import MusterReport
    from kazasu.publishers.settings import Settings
    from kazasu.publishers.wire import Payloads, Topics

HEALTH_EVERY_S = 60.0
HEALTH_APART_S = 1.0


class Report:
    """Decides what is due. The publisher's thread.

    Args:
        settings: for `up/…/info`.
        topics: the terminal's.
        payloads: the terminal's.
        conn: the connection's number.
        board: health and alerts of everybody else.
        delivery: health of the delivery.
        clock: times the messages.
        vitals: health of the machine, looked up each time.
        muster: who is where; None where nobody is seen to enter anything.
    """

    def __init__(  # noqa: PLR0913  (what it reads from is all that a terminal says)
        self,
        settings: Settings,
        topics: Topics,
        payloads: Payloads,
        conn: int,
        *,
        board: HealthBoard,
        delivery: Delivery,
        clock: Clock,
        vitals: Callable[[], EventFields],
        muster: MusterBoard | None = None,
    ) -> None:
        self._topics = topics
        self._payloads = payloads
        self._conn = conn
        self._board = board
        self._delivery = delivery
        self._clock = clock
        self._vitals = vitals
        self._muster = None if muster is None else _muster_report(muster, topics)
        self._first = collections.deque(
            [
                (topics.state, payloads.online(conn)),
                (topics.info, payloads.fields(settings.info, clock.now().time)),
            ]
        )
        self._alerts: dict[str, str] = {}  # what stands at the broker
        self._health_of: tuple[int, int, int, int] | None = None
        self._health_at_s = 0.0

    def next(self, now_s: float) -> tuple[str, bytes] | None:
        """Topic and payload of the next message that is due; None if none is."""
        if self._first:
            return self._first.popleft()
        alert = self._next_alert()
        if alert is not None:
            return alert
        # Before health, whose `last_seq` tells who reads it whether this is all.
        if self._muster is not None and (page := self._muster.next(now_s)) is not None:
            return page
        if self._health_wait_s(now_s) > 0:
            return None
        self._health_of, self._health_at_s = self._now(), now_s
        own: EventFields = {"conn": self._conn, "alerts": len(self._alerts)}
        fields = {**self._board.fields(), **self._delivery.fields(), **self._vitals(), **own}
        return self._topics.health, self._payloads.fields(fields, self._clock.now().time)

    def wait_s(self, now_s: float) -> float:
        """How long until something is due, if nothing changes; 0 if it is."""
        wait_s = self._health_wait_s(now_s)
        muster_s = None if self._muster is None else self._muster.wait_s(now_s)
        return wait_s if muster_s is None else min(wait_s, muster_s)

    def _health_wait_s(self, now_s: float) -> float:
        if self._health_of is None:
            return 0.0
        apart_s = HEALTH_EVERY_S if self._health_of == self._now() else HEALTH_APART_S
        return max(0.0, self._health_at_s + apart_s - now_s)

    def seen_at_broker(self, alert_id: str) -> None:
        """An alert is retained at the broker, perhaps from before a crash: it is cleared if it does not stand."""
        self._alerts.setdefault(alert_id, "")

    def farewell(self) -> tuple[str, bytes]:
        """The last message of a connection that ends well."""
        return self._topics.state, self._payloads.offline(self._conn, "stopped")

    def _now(self) -> tuple[int, int, int, int]:
        window = self._delivery.window
        return self._board.version, window.acked, window.refusal, len(self._alerts)

    def _next_alert(self) -> tuple[str, bytes] | None:
        standing = self._board.alerts()
        if standing == self._alerts:
            return None
        for alert_id in self._alerts.keys() - standing.keys():
            del self._alerts[alert_id]
            return self._topics.alert(alert_id), b""
        alert_id = next(alert_id for alert_id, message in standing.items() if self._alerts.get(alert_id) != message)
        self._alerts[alert_id] = standing[alert_id]
        return self._topics.alert(alert_id), self._payloads.alert(alert_id, standing[alert_id], self._clock.now().time)


def _muster_report(board: MusterBoard, topics: Topics) -> MusterReport:
    from kazasu.publishers.muster import MusterReport

    return MusterReport(board, topics)

"""What a collector does with what arrives: check, keep, acknowledge, vouch, look for what is missing.

Read this first. A message goes one way: intake → batch → store, durable → acknowledgement → receipt. Nothing is
acknowledged before the store has committed it (design, rule 5), and while the store takes nothing the batch waits,
the broker keeps what follows, and terminals keep everything.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from kazasu.collector.intake import terminal_of
from kazasu.collector.records import Checked, Finding, Kind, Refused
from kazasu.collector.wire import announced
from kazasu.errors import ConfigurationError, KeyMaterialError, StoreUnavailable
from kazasu.publishers.backoff import Backoff
from kazasu.publishers.wire import presence

if TYPE_CHECKING:
    from collections.abc import Callable

    from kazasu.collector.alerts import Alerts
    from kazasu.collector.intake import Intake
    from kazasu.collector.mqtt import Arrived
    from kazasu.collector.outbox import Outbox
    from kazasu.collector.ports import EventStore
    from kazasu.collector.receipts import Receipts
    from kazasu.collector.repair import Repair
    from kazasu.collector.terminals import TerminalDirectory
    from kazasu.collector.wire import CollectorPayloads, CollectorTopics
    from kazasu.ports.clock import Clock

_log = logging.getLogger(__name__)

BATCH = 200
"""So many messages share one commit at most; fewer when no more have come yet."""

LOOK_S = 2.0
_MOST_WAITING = 1000  # what has to be acknowledged the broker bounds itself (mqtt.RECEIVE_MAXIMUM)
_HEALTH_S = 60.0


class Collecting:
    """The work, apart from the connection. The collector's thread.

    Args:
        topics: where what is.
        payloads: in which form.
        directory: who may say what.
        intake: checks messages.
        store: keeps events.
        receipts: vouches.
        repair: asks again.
        alerts: tells operations.
        clock: wall time.
        random: a number from 0 to below 1, new at each call.
    """

    def __init__(  # noqa: PLR0913  (each is a part with one job: this is where they meet)
        self,
        topics: CollectorTopics,
        payloads: CollectorPayloads,
        *,
        directory: TerminalDirectory,
        intake: Intake,
        store: EventStore,
        receipts: Receipts,
        repair: Repair,
        alerts: Alerts,
        clock: Clock,
        random: Callable[[], float],
    ) -> None:
        self.trouble = ""
        self._topics = topics
        self._payloads = payloads
        self._directory = directory
        self._intake = intake
        self._store = store
        self._receipts = receipts
        self._repair = repair
        self._alerts = alerts
        self._clock = clock
        self._backoff = Backoff(random)
        self._retry_at_s = 0.0
        self._look_at_s = 0.0
        self._alerts_from_s = 0.0
        self._health_at_s = 0.0
        self._batch: list[tuple[int, Checked | Refused]] = []
        self._receipts_to_renew = False
        self._counts = {"stored": 0, "duplicates": 0, "refused": 0, "receipts": 0, "asked_again": 0}

    def connected(self, now_s: float, outbox: Outbox) -> None:
        """A connection is open: say that somebody is here; the receipts that the broker may have lost follow."""
        self._batch.clear()
        self._alerts.connected()
        self._receipts_to_renew = True
        self._look_at_s = self._alerts_from_s = now_s + LOOK_S  # by then the broker has sent what it retains
        self._health_at_s = now_s
        outbox.put(self._topics.presence, self._payloads.presence("online"))

    def take(self, message: Arrived, outbox: Outbox) -> bool:
        """Take one message; returns whether it may be acknowledged at once, because nothing of it is kept."""
        topic, payload = message.topic, message.payload
        if terminal_of(topic):
            if not message.mid and len(self._batch) >= _MOST_WAITING:
                return True  # QoS 0, which promises nothing, while the store is away: no terminal publishes so
            self._batch.append((message.mid, self._intake.check(topic, payload)))
            return False
        if topic == self._topics.presence:
            if presence(payload) == "offline":  # another collector's will, and this one is still here
                outbox.put(topic, self._payloads.presence("online"))
        elif self._topics.is_alert(topic):
            self._alerts.seen(topic, payload)
        elif (terminal := self._topics.terminal_of_health(topic)) in self._directory.terminals:
            health = announced(payload)
            if health is not None:
                self._repair.heard(terminal, health)
        return True

    def work(self, now_s: float, outbox: Outbox) -> list[int]:
        """Keep the batch, vouch, look around; returns what may be acknowledged now."""
        if now_s < self._retry_at_s:
            return []
        acknowledged: list[int] = []
        try:
            acknowledged = self._keep()
            self._vouch(now_s, outbox)
            if self._look_at_s <= now_s:
                self._look(now_s, outbox)
        except StoreUnavailable as error:
            self._retry_at_s = now_s + self._backoff.next_s()
            self._say_trouble(str(error))
        else:
            self._backoff.reset()
            self._say_trouble("")
        if self._health_at_s <= now_s:
            self._health_at_s = now_s + _HEALTH_S
            outbox.put(self._topics.health, self._payloads.health(self._fields()))
        if now_s >= self._alerts_from_s and not outbox.full:
            for topic, payload in self._alerts.changes():
                outbox.put(topic, payload)
        return acknowledged

    def wait_s(self, now_s: float) -> float:
        """How long until there is something to do if nothing comes, seconds."""
        if now_s < self._retry_at_s:
            return self._retry_at_s - now_s
        if self._batch:
            return 0.0
        waits_s = [self._look_at_s - now_s, self._health_at_s - now_s]
        receipt_s = self._receipts.wait_s(now_s)
        return max(0.0, min(waits_s if receipt_s is None else [*waits_s, receipt_s]))

    def _keep(self) -> list[int]:
        if not self._batch:
            return []
        events = [item for _, item in self._batch if isinstance(item, Checked)]
        refused = [item for _, item in self._batch if isinstance(item, Refused)]
        kept = self._store.keep(events, refused, self._now_s())
        acknowledged = [mid for mid, _ in self._batch]
        self._batch.clear()
        self._receipts.owe(kept.chains)
        self._counts["stored"] += kept.stored
        self._counts["duplicates"] += kept.duplicates
        self._counts["refused"] += kept.refused
        for item in refused:
            _log.warning("event_refused", extra={"fields": {"reason": item.reason.value, "detail": item.detail}})
        return acknowledged

    def _vouch(self, now_s: float, outbox: Outbox) -> None:
        if self._receipts_to_renew:
            for receipt in self._store.newest_receipts():
                outbox.put(self._topics.receipt(receipt.terminal), receipt.body)
            self._receipts_to_renew = False
        for receipt in self._receipts.due(self._store, now_s):
            outbox.put(self._topics.receipt(receipt.terminal), receipt.body)
            self._counts["receipts"] += 1

    def _look(self, now_s: float, outbox: Outbox) -> None:
        """Every now and then: who is registered, what is missing, what stands open."""
        self._look_at_s = now_s + LOOK_S
        self.read_directory()
        for terminal, command in self._repair.look(self._store):
            outbox.put(self._topics.command(terminal), command, retain=False)
            self._counts["asked_again"] += 1
        self._alerts.stand(self._store.alerts())

    def read_directory(self) -> None:
        """Take over what has changed among the terminals.

        Raises:
            StoreUnavailable: how far revoked keys count is not known yet, so nothing was taken over.
        """
        before = self._directory.terminals
        try:
            self._directory.read()
        except (ConfigurationError, KeyMaterialError) as error:
            self._alerts.own("terminals", str(error))
        else:
            self._alerts.own("terminals", "")
        terminals = self._directory.terminals
        if terminals is self._intake.terminals:
            return
        for name, registered in terminals.items():
            for keyid in sorted(registered.revoked):
                self._store.revoke(name, keyid)
        self._intake.revocations = self._store.revocations()
        shared = {name: keyid for keyid, names in self._directory.shared_keys().items() for name in names}
        findings = [
            Finding(terminal=name, kind=Kind.SHARED_KEY, detail=f"another terminal is registered with its key {keyid}")
            for name, keyid in shared.items()
        ]
        self._store.find(findings, self._now_s())
        for name in before.keys() | terminals.keys():
            if name not in shared:
                self._store.settle(name, Kind.SHARED_KEY, "registered anew", self._now_s())
        self._intake.terminals = terminals

    def _now_s(self) -> int:
        return int(self._clock.now().at.timestamp())

    def _fields(self) -> dict[str, int | str]:
        return {**self._counts, "terminals": len(self._directory.terminals), "time": self._clock.now().time}

    def _say_trouble(self, trouble: str) -> None:
        if trouble == self.trouble:
            return
        self.trouble = trouble
        self._alerts.own("store", trouble)
        if trouble:
            _log.warning("store_unavailable", extra={"fields": {"detail": trouble}})
        else:
            _log.info("store_resumed")

"""What came of the site's rosters, for the journal and for operations."""

from __future__ import annotations

import collections
import hashlib
import logging
from typing import TYPE_CHECKING

from kazasu.model.input import RosterApplied, RosterRejected

if TYPE_CHECKING:
    from kazasu.errors import RosterRefused
    from kazasu.model.door_rules import DoorPolicy
    from kazasu.model.roster_manifest import Manifest
    from kazasu.ports.clock import Clock
    from kazasu.ports.health import Health
    from kazasu.ports.inbox import Inbox

_log = logging.getLogger(__name__)

_REFUSALS_TOLD = 20  # events an hour, so that nobody fills the journal with them
_HOUR_S = 3600.0
_ALERT = "roster_update"
_ALERT_EXPIRED = "roster_expired"


class RosterOutcomes:
    """The roster thread only.

    Args:
        inbox: where events come from.
        health: where alerts stand.
        clock: monotonic time.
    """

    def __init__(self, inbox: Inbox, health: Health, clock: Clock) -> None:
        self._inbox = inbox
        self._health = health
        self._clock = clock
        self._refused: set[bytes] = set()
        self._told: collections.deque[float] = collections.deque(maxlen=_REFUSALS_TOLD)

    def applied(self, manifest: Manifest, took_s: float, rules: DoorPolicy | None) -> None:
        """A roster is in place, after so many seconds; with what it says of doors, if that is new."""
        detail = f"version {manifest.version}, {manifest.people} people"
        _log.info("roster_applied", extra={"fields": {"detail": detail}})
        fields = {
            "roster_version": manifest.version,
            "people": manifest.people,
            "credentials": manifest.credentials,
            "revoked": len(manifest.revoked),
            "took_s": round(took_s),
        }
        self._inbox.put(RosterApplied(fields={**fields}, rules=rules))

    def refused(self, error: RosterRefused, payload: bytes) -> None:
        """Something was refused: the same bytes are told once, since what is retained comes at each connection."""
        digest = hashlib.sha256(payload or str(error).encode()).digest()
        if digest in self._refused:
            return
        if len(self._refused) >= _REFUSALS_TOLD:
            self._refused.clear()
        self._refused.add(digest)
        _log.warning("roster_refused", extra={"fields": {"detail": str(error), "reason": error.reason.value}})
        self._health.alert(_ALERT, f"a roster was refused ({error.reason.value}): {error}")
        now_s = self._clock.mono_s()
        if len(self._told) < _REFUSALS_TOLD or now_s - self._told[0] >= _HOUR_S:
            self._told.append(now_s)
            self._inbox.put(RosterRejected(fields={"reason": error.reason.value}))

    def trouble(self, words: str) -> None:
        """Something went wrong here, and will be tried again."""
        _log.warning("roster_update_failed", extra={"fields": {"detail": words}})
        self._health.alert(_ALERT, words)

    def missing(self, manifest: Manifest, name: str, silent_s: float) -> None:
        """A part does not come."""
        words = (
            f"version {manifest.version} of the roster is not here whole: {name} has not come for {silent_s:.0f} s; is"
            " the broker there, and does it hold it? `kazasu site publish` sends it again"
        )
        self._health.alert(_ALERT, words)

    def well(self) -> None:
        """It goes on."""
        self._health.clear(_ALERT)

    def expired(self, manifest: Manifest | None) -> None:
        """Whether the newest roster counts as fresh no longer: which, or None."""
        if manifest is None:
            self._health.clear(_ALERT_EXPIRED)
            return
        words = f"version {manifest.version} of the site's roster has expired: `kazasu site publish` publishes it anew"
        self._health.alert(_ALERT_EXPIRED, words)

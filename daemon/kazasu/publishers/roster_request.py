"""Which parts of a roster are asked for at the broker, and which of them have not come yet."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from kazasu.errors import RosterRefused
from kazasu.model.roster_manifest import Refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kazasu.model.roster_manifest import Offer
    from kazasu.ports.clock import Clock
    from kazasu.publishers.roster_mail import RosterMail
    from kazasu.publishers.wire import Topics

SILENT_S = 60.0
"""A part that has not come for so long is missing at the broker."""

_ASKED_AT_ONCE = 32  # parts: 1.5 MiB are the most that wait in memory; a broker notes each change of subscriptions


class RosterRequest:
    """The one request that is open, if any. The roster's thread.

    Args:
        mail: lets the publisher know what to subscribe to.
        topics: the terminal's.
        clock: monotonic time.
    """

    def __init__(self, mail: RosterMail, topics: Topics, clock: Clock) -> None:
        self._mail = mail
        self._topics = topics
        self._clock = clock
        self._awaited: set[str] = set()  # of the topics that are wanted, those that have not come
        self._progress_s = 0.0

    @property
    def open(self) -> bool:
        """Whether something of it has not come."""
        return bool(self._awaited)

    def ask(self, offer: Offer, missing: Mapping[str, str]) -> None:
        """Ask for parts, by name and hash: for so many of them as may come at once, and for nothing else any more."""
        self._progress_s = self._clock.mono_s()
        some = list(missing.items())[:_ASKED_AT_ONCE]
        wanted = {self._topics.roster_part(offer.version, name): digest for name, digest in some}
        self._awaited = set(wanted)
        self._mail.want(wanted)

    def take(self, topic: str, payload: bytes) -> str | None:
        """Check what came; returns its hash, None if nobody asked for it.

        Raises:
            RosterRefused: it is not what was asked for.
        """
        digest = self._mail.wanted().get(topic)
        if digest is None or not payload:
            return None  # asked for no longer, or removed at the broker
        if hashlib.sha256(payload).hexdigest() != digest:
            raise RosterRefused(Refusal.PART, f"{topic.rpartition('/')[2]} of the roster is not what its index names")
        self._progress_s = self._clock.mono_s()
        self._awaited.discard(topic)
        return digest

    def unanswered(self) -> str | None:
        """The name of a part that has not come, if nothing has for too long."""
        if not self._awaited or self._clock.mono_s() - self._progress_s < SILENT_S:
            return None
        return min(self._awaited).rpartition("/")[2]

    def drop(self) -> None:
        """Ask for nothing any more."""
        self._awaited.clear()
        self._mail.want({})

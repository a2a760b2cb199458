"""A terminal's roster thread without its thread: what comes is handed in, each step is a call."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fakes.clock import FakeClock
from fakes.health import FakeHealth
from fakes.inbox import ListInbox
from fakes.roster_desk import PEPPER, RetainedPost, TestDesk
from kazasu.errors import ConfigurationError
from kazasu.model.input import RosterApplied, RosterRejected
from kazasu.publishers.news import Received
from kazasu.publishers.roster_trust import TrustedRoster
from kazasu.publishers.roster_updates import RosterUpdates
from kazasu.publishers.wire import Topics
from kazasu.store.roster import Roster
from kazasu.store.roster_lines import lines_of
from kazasu.store.site_roster import SiteRoster

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from kazasu.model.door_rules import DoorPolicy
    from kazasu.model.signature import Ed25519Signer

SITE = "city-hall"
TERMINAL = "entrance-1"
MANIFEST = Topics(SITE, TERMINAL).roster_of_all


class RosterRig:
    """A desk, what it published, and a terminal's roster thread.

    Args:
        directory: for both.
        alter: what the broker makes of a part's bytes on their way; given its topic, too.
        pool: the numbers of the desk's day cards.
        signer: the site's key; without it one of its own.
    """

    def __init__(
        self,
        directory: Path,
        alter: Callable[[str, bytes], bytes] = lambda _, part: part,
        pool: str | None = None,
        signer: Ed25519Signer | None = None,
    ) -> None:
        self.post = RetainedPost()
        self.desk = TestDesk(directory / "desk", SITE, self.post, signer)
        self.desk.pool = pool
        self.clock = FakeClock()
        self.desk.now = self.clock.now().at
        self.health = FakeHealth()
        self.inbox = ListInbox()
        self.pepper = PEPPER
        self.alter = alter
        self.asked: list[str] = []
        self.roster_path = directory / "roster.db"
        self._folder = directory / "site-roster"
        self.rules_refused = ""
        self.updates = self._start()

    def restart(self) -> None:
        """The daemon is killed and starts again."""
        self.updates = self._start()

    def hear(self, topic: str, payload: bytes) -> None:
        """One message comes, and is looked at."""
        self.updates.mail.take(Received(topic=topic, payload=payload))
        self.updates.turn(0.0)

    def manifest(self) -> tuple[str, bytes]:
        """The manifest at the broker, with its topic."""
        return MANIFEST, self.post.retained[MANIFEST]

    def settle(self, retained: Mapping[str, bytes] | None = None) -> None:
        """Connect to a broker that holds these; go on until nothing more comes of it."""
        held = self.post.retained if retained is None else retained
        if MANIFEST in held:
            self.hear(MANIFEST, held[MANIFEST])
        given: set[str] = set()
        while topics := [topic for topic in self.updates.mail.wanted() if topic in held and topic not in given]:
            for topic in topics:
                given.add(topic)
                self.asked.append(topic.rpartition("/")[2])
                self.hear(topic, self.alter(topic, held[topic]))
        self.work()

    def work(self) -> None:
        """Go on with what is being made, to its end."""
        while self.updates.working:
            self.updates.turn(0.0)

    def text(self) -> bytes:
        """The roster that is looked up, as text."""
        return b"".join(lines_of(self.roster_path)) if self.roster_path.exists() else b""

    def knows(self, pseudonym: str) -> bool:
        """Whether a card is somebody's, by what the pepper's first layer makes of it."""
        roster = Roster(self.roster_path, self.pepper)
        try:
            return roster.look_up(pseudonym) is not None
        finally:
            roster.close()

    def asked_for(self, kind: str) -> bool:
        """Whether any part of `full` or of a `delta` was asked for."""
        return any(name.startswith(kind) for name in self.asked)

    def applied(self) -> list[int]:
        """Versions that were told to be in place, since the last look; refusals are let fall."""
        return [int(item.fields["roster_version"]) for item in self.inbox.drained() if isinstance(item, RosterApplied)]

    def refused(self) -> list[str]:
        """Reasons that were told, since the last look; the rest is let fall."""
        return [str(item.fields["reason"]) for item in self.inbox.drained() if isinstance(item, RosterRejected)]

    def _start(self) -> RosterUpdates:
        updates = RosterUpdates(
            TrustedRoster(SITE, TERMINAL, (self.desk.verifier,), self.pepper.ids, self.clock),
            SiteRoster(self.roster_path, self._folder, self.pepper),
            Topics(SITE, TERMINAL),
            rules=self._rules,
            inbox=self.inbox,
            health=self.health,
            clock=self.clock,
            wake=lambda: None,
        )
        updates.resume()
        return updates

    def _rules(self, text: str) -> DoorPolicy | None:
        if self.rules_refused and self.rules_refused in text:
            raise ConfigurationError(f"{self.rules_refused} does not go with the doors here")
        return None

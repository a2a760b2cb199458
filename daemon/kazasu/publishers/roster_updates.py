"""The site's roster, from its manifest to the people who are let in by it: a thread of its own, which no tap waits for.

What happens, in this order:

1. A manifest is judged (roster_trust.py), and kept, durable.
2. What it revokes is worth nothing from the next look-up on, durable, before anything else is asked of the broker.
3. What is missing is asked for, some parts at a time, each by its own topic, and subscribed to no longer than that.
   Each part is checked as it arrives and kept under its hash: what is here is never asked for again.
4. The new roster is made beside the old one, a step at a time, from the whole or from the roster that is here and a
   delta; each part is opened for that, and a delta that does not lead to what the manifest says is left for the whole.
5. It is checked against the manifest, and its rules against this terminal's doors; then it takes the old one's place.

What always holds, whatever arrives or breaks off in between: look-ups have the old roster or the new one, whole; the
journal's share of the disk is left alone; and a newer manifest is heard within one step, so that a stolen card is
revoked while a million people are being taken over.

A power cut right behind 5 may leave `roster.applied` out of the journal; every tap names its roster all the same.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from kazasu.errors import ConfigurationError, RosterError, RosterRefused
from kazasu.model.roster_manifest import EVERY_TERMINAL, Refusal, digests_in
from kazasu.publishers.roster_mail import RosterMail
from kazasu.publishers.roster_outcomes import RosterOutcomes
from kazasu.publishers.roster_request import SILENT_S, RosterRequest
from kazasu.store.roster_parts import PartSpoilt

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kazasu.model.door_rules import DoorPolicy
    from kazasu.model.roster_manifest import Manifest, Offer
    from kazasu.ports.clock import Clock
    from kazasu.ports.health import Health
    from kazasu.ports.inbox import Inbox
    from kazasu.ports.loops import Beat
    from kazasu.publishers.roster_trust import TrustedRoster
    from kazasu.publishers.wire import Topics
    from kazasu.store.site_roster import SiteRoster

_log = logging.getLogger(__name__)

_IDLE_S = 5.0  # ports.loops.Beat asks for one at least every 10 s
_RETRY_S = 60.0  # after an error of the disk


class RosterUpdates:
    """Implements ports.loops.Loop.

    Args:
        trust: which manifests are believed.
        store: what is on the disk.
        topics: the terminal's.
        rules: what a roster's levels.toml means at this terminal's doors; empty text: the configuration's own rules.
            Raises ConfigurationError.
        inbox: where what came of it goes, to be recorded.
        health: hears of trouble.
        clock: monotonic and wall time.
        wake: tells the publisher that there are other topics to ask for.

    Attributes:
        mail: where the publisher puts what came, and learns what to subscribe to.
    """

    def __init__(  # noqa: PLR0913  (each is a seam)
        self,
        trust: TrustedRoster,
        store: SiteRoster,
        topics: Topics,
        *,
        rules: Callable[[str], DoorPolicy | None],
        inbox: Inbox,
        health: Health,
        clock: Clock,
        wake: Callable[[], None],
    ) -> None:
        self.mail = RosterMail((topics.roster_of_all, topics.roster), topics.roster_parts, wake)
        self._audiences = {topics.roster_of_all: EVERY_TERMINAL, topics.roster: topics.terminal}
        self._trust = trust
        self._store = store
        self._request = RosterRequest(self.mail, topics, clock)
        self._rules = rules
        self._outcomes = RosterOutcomes(inbox, health, clock)
        self._clock = clock
        self._work: Iterator[None] | None = None
        self._policy: DoorPolicy | None = None  # of the roster that is being made, once it is known
        self._working_on = ""  # the text's hash
        self._began_s = 0.0
        self._retry_at_s = 0.0
        self._unheard: tuple[str, bytes] | None = None  # a manifest that the disk kept from being heard
        self._unusable: set[str] = set()  # hashes of texts, and of offers' first index, that led nowhere

    def run(self, beat: Beat) -> None:
        """Take rosters over until `stop`; see ports.loops.Loop."""
        try:
            self.resume()
            while not self.mail.closed:
                beat()
                self.turn(0.0 if self.working else _IDLE_S)
        finally:
            self._drop_work()
            self._store.close()

    def stop(self) -> None:
        """See ports.loops.Loop."""
        self.mail.close()

    def turn(self, wait_s: float) -> None:
        """Take one message, or go one step on."""
        letter = self.mail.next(wait_s)
        try:
            if letter is not None:
                self._take(*letter)
            elif self._work is not None:
                self._step(self._work)
            else:
                self._look_after()
        except RosterRefused as error:
            self._outcomes.refused(error, b"" if letter is None else letter[1])
        except (RosterError, OSError) as error:
            if letter is not None and letter[0] in self._audiences:
                self._unheard = letter
            self._trouble(error)

    @property
    def working(self) -> bool:
        """Whether a roster is being made: the next turn is a step of it."""
        return self._work is not None

    def resume(self) -> None:
        """Go on where a stop, a crash or a power cut broke it off."""
        try:
            in_place = self._store.in_place()
            if in_place is not None:
                self._trust.remember(in_place.version, in_place.manifest)
            kept = self._store.parts.manifest()
            if kept is not None:
                self._trust.recall(kept)
                self._revoke_and_plan()
        except RosterRefused as error:
            _log.warning("roster_manifest_forgotten", extra={"fields": {"detail": str(error)}})
        except (RosterError, OSError) as error:
            self._trouble(error)

    def _take(self, topic: str, payload: bytes) -> None:
        audience = self._audiences.get(topic)
        if audience is None:
            self._take_part(topic, payload)
        elif payload:  # an empty one is a retained manifest that was removed
            manifest = self._trust.judge(audience, payload)
            if manifest is not None:
                self._store.parts.keep_manifest(payload)
                self._trust.accept(manifest)
                self._unheard = None  # whatever it was, it is older
                self._revoke_and_plan()

    def _revoke_and_plan(self) -> None:
        manifest = self._trust.manifest
        if manifest is not None:
            self._store.revoke(manifest.revoked)
            self._began_s = self._clock.mono_s()
            self._plan(manifest)

    def _plan(self, manifest: Manifest) -> None:
        """See what is missing, and ask for it; or begin to make the roster."""
        self._retry_at_s = 0.0
        if self._work is not None and self._working_on != manifest.sha256:
            self._drop_work()
        if self._work is not None or not self._unusable.isdisjoint((manifest.sha256, *manifest.full.index[:1])):
            return
        in_place = self._store.in_place()
        if in_place is not None and in_place.sha256 == manifest.sha256:
            if in_place.version < manifest.version:
                self._store.vouch(manifest)
                self._outcomes.applied(manifest, self._clock.mono_s() - self._began_s, None)
            self._done()
            return
        delta = None if in_place is None or in_place.sha256 != manifest.base_sha256 else manifest.delta
        if delta is not None and delta.index and delta.index[0] not in self._unusable:
            self._fetch(manifest, delta)
        else:
            self._fetch(manifest, manifest.full)

    def _fetch(self, manifest: Manifest, offer: Offer) -> None:
        parts = self._store.parts
        if not parts.room_for(offer.size_bytes + 2 * manifest.size_bytes):
            raise RosterError(f"there is no room on the disk for version {manifest.version} of the roster: free some")
        wanted = {offer.index_name(number): digest for number, digest in enumerate(offer.index)}
        missing = {name: digest for name, digest in wanted.items() if not parts.has(digest)}
        digests: list[str] = []
        if not missing:
            indexes = [parts.get(digest) for digest in offer.index]
            if None in indexes:  # spoilt on the disk, and gone
                self._fetch(manifest, offer)
                return
            digests = digests_in([index for index in indexes if index is not None])
            if len(digests) != offer.parts:
                self._unusable.add(manifest.sha256)
                self._request.drop()
                raise RosterRefused(Refusal.CONTENT, "the index of the roster names other parts than its manifest")
            parts.keep_only({*offer.index, *digests})  # what an older version left half done is in nobody's way
            named = {offer.part_name(number): digest for number, digest in enumerate(digests)}
            missing = {name: digest for name, digest in named.items() if not parts.has(digest)}
        if missing:
            self._request.ask(offer, missing)
            return
        self._request.drop()
        self._working_on = manifest.sha256
        self._work = self._store.make(self._newest, offer, digests, self._check_rules)

    def _take_part(self, topic: str, payload: bytes) -> None:
        digest = self._request.take(topic, payload)
        if digest is None:
            return
        self._store.parts.put(digest, payload)
        self._outcomes.well()
        if not self._request.open and self._trust.manifest is not None:
            self._plan(self._trust.manifest)

    def _step(self, work: Iterator[None]) -> None:
        manifest = self._newest()
        try:
            next(work)
        except StopIteration:
            self._work = None
            self._outcomes.applied(manifest, self._clock.mono_s() - self._began_s, self._policy)
            self._done()
        except PartSpoilt:
            self._drop_work()
            self._plan(manifest)
        except RosterRefused as error:
            self._drop_work()
            self._give_up(manifest, error)
        except BaseException:
            self._drop_work()
            raise

    def _give_up(self, manifest: Manifest, error: RosterRefused) -> None:
        """A delta that led nowhere is left for the whole; a whole one that is not usable is refused."""
        in_place = self._store.in_place()
        by_delta = in_place is not None and in_place.sha256 == manifest.base_sha256
        tried = {*manifest.delta.index[:1]} - self._unusable if by_delta and manifest.delta is not None else set()
        if tried and error.reason is Refusal.CONTENT:
            _log.warning("roster_delta_left", extra={"fields": {"detail": str(error)}})
            self._unusable |= tried
            self._plan(manifest)
            return
        # The same text may come again and open: it is these parts that are worth nothing.
        sealed = manifest.full.index[:1] if error.reason is Refusal.SEALED else ()
        self._unusable.update(sealed or (manifest.sha256,))
        raise RosterRefused(error.reason, f"version {manifest.version} of the roster: {error}") from error

    def _done(self) -> None:
        self._request.drop()
        self._store.parts.keep_only(())
        self._outcomes.well()

    def _look_after(self) -> None:
        """Nothing has come for a while."""
        manifest, now_s = self._trust.manifest, self._clock.mono_s()
        if self._retry_at_s and now_s >= self._retry_at_s:
            self._try_again()
            return
        if manifest is None:
            return
        self._outcomes.expired(manifest if self._trust.expired(manifest) else None)
        missing = self._request.unanswered()
        if missing is not None:
            self._outcomes.missing(manifest, missing, SILENT_S)
            self._request.drop()
            self._retry_at_s = now_s  # at the next look all over again

    def _try_again(self) -> None:
        self._retry_at_s = 0.0
        if self._unheard is not None:
            topic, payload = self._unheard
            try:
                self._take(topic, payload)
            except RosterRefused as error:  # it was welcome, and has expired meanwhile
                self._outcomes.refused(error, payload)
            self._unheard = None
        self._revoke_and_plan()

    def _trouble(self, error: Exception) -> None:
        self._request.drop()
        self._retry_at_s = self._clock.mono_s() + _RETRY_S
        self._outcomes.trouble(str(error))

    def _newest(self) -> Manifest:
        if self._trust.manifest is None:
            raise ValueError("nothing is made before a manifest is believed")
        return self._trust.manifest

    def _check_rules(self, text: str) -> None:
        try:
            self._policy = self._rules(text)
        except ConfigurationError as error:
            raise RosterRefused(Refusal.RULES, str(error)) from error

    def _drop_work(self) -> None:
        work, self._work = self._work, None
        if work is not None:
            work.close()  # type: ignore[attr-defined]  # it is a generator: what it had made is removed

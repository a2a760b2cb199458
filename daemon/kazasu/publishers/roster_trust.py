"""Which rosters a terminal believes: the checks that stand between the broker and the people who are let in (rule 8).

A manifest is believed when it passes each check, in this order; the first that fails is the reason of the refusal:

1. It is no larger than a manifest may be: nothing larger is even parsed.
2. The site's key has signed it.
3. It has exactly the fields of a manifest, and asks for no more than a terminal can hold.
4. It is of this site.
5. It is for this terminal or for all, as the topic is that it came on.
6. Its version is above the newest that was ever believed here. An older one is a roll-back; the same once more is
   nothing new; another one of the same version is a fork, since the site signs each version once.
7. The terminal holds the layer of the pepper that the roster is under: without it everybody would be a stranger. What
   was refused for that is welcome once the layer has come (`kazasu renew`).
8. It has not expired, if the clock is to be believed. With an untrusted clock the version alone counts.

What always holds:

- The newest believed manifest is durable before anything is done about it, so that no power cut makes an older one
  welcome again; it is looked at as if it came from the broker when it is read back.
- Nothing is taken over that a believed manifest does not name by its hash: see roster_updates.py.

What this does not do: one key signs everything; how it is replaced is the site's business (`site.pub` with both keys
on each terminal). A terminal that hears nothing at all does not know what it missed: the roster's age tells, which
doors may limit (`roster_max_age`), and `expires`, after which an alert stands. Who has root has the roster.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kazasu.errors import RosterRefused, SignatureInvalid
from kazasu.model.document import verified
from kazasu.model.moment import TimeSource
from kazasu.model.roster_manifest import EVERY_TERMINAL, MANIFEST_BYTES, Refusal, manifest_in

if TYPE_CHECKING:
    from kazasu.model.document import Verifier
    from kazasu.model.roster_manifest import Manifest
    from kazasu.ports.clock import Clock


class TrustedRoster:
    """What this terminal believes of the site's roster. The roster thread only.

    Args:
        site: this terminal's.
        terminal: its name.
        keys: the site's; two while one takes over from the other.
        layers: of the pepper, that are held here, by their names.
        clock: tells whether a manifest has expired.

    Attributes:
        manifest: the newest that was believed; None before the first.
    """

    def __init__(
        self, site: str, terminal: str, keys: tuple[Verifier, ...], layers: tuple[str, ...], clock: Clock
    ) -> None:
        self.manifest: Manifest | None = None
        self._site = site
        self._audiences = (EVERY_TERMINAL, terminal)
        self._keys = keys
        self._layers = layers
        self._clock = clock
        self._version = 0
        self._digest = ""

    def remember(self, version: int, digest: str) -> None:
        """Take over what was believed before, by what it has left behind; see 6."""
        if version > self._version:
            self._version, self._digest = version, digest

    def recall(self, payload: bytes) -> None:
        """Take over the manifest that was kept; one that does not hold any more is none.

        Raises:
            RosterRefused: it does not: the key is another one now, or the file was changed.
        """
        manifest = self._checked(payload)
        self._expect_layer(manifest)
        if manifest.version < self._version:
            raise RosterRefused(Refusal.ROLLED_BACK, "a newer roster is in place than the manifest that was kept")
        self._believe(manifest)

    def judge(self, audience: str, payload: bytes) -> Manifest | None:
        """Check a manifest that came; believing it is `accept`'s.

        Args:
            audience: whom the topic is for that it came on.
            payload: untrusted.

        Returns:
            None if it is the one that is believed already.

        Raises:
            RosterRefused: it is not to be believed.
        """
        manifest = self._checked(payload)
        if manifest.aud != audience:
            raise RosterRefused(Refusal.OTHER_TERMINAL, f"a roster for {manifest.aud} came on the topic of {audience}")
        if manifest.version < self._version:
            detail = f"version {manifest.version} of the roster, and version {self._version} was here already"
            raise RosterRefused(Refusal.ROLLED_BACK, detail)
        if manifest.version == self._version:
            if manifest.digest != self._digest:
                detail = f"two rosters of version {manifest.version}, both signed: the site's key signs in two places"
                raise RosterRefused(Refusal.FORKED, detail)
            if self.manifest is not None:
                return None
        self._expect_layer(manifest)
        if manifest.version > self._version and self.expired(manifest) and self._clock.now().source is TimeSource.NTP:
            raise RosterRefused(Refusal.EXPIRED, f"version {manifest.version} of the roster had expired when it came")
        return manifest

    def accept(self, manifest: Manifest) -> None:
        """Believe a manifest that was judged, and is durable."""
        self._believe(manifest)

    def expired(self, manifest: Manifest) -> bool:
        """Whether the site says that a newer one should be there by now; unknown while the clock is unset: no."""
        now = self._clock.now()
        return now.source is not TimeSource.NONE and now.at.timestamp() >= manifest.expires_s

    def _checked(self, payload: bytes) -> Manifest:
        """Checks 1 to 5, but for the topic."""
        if len(payload) > MANIFEST_BYTES:
            raise RosterRefused(Refusal.TOO_LARGE, f"a manifest of {len(payload)} bytes")
        try:
            document = verified(payload, *self._keys)
        except SignatureInvalid as error:
            raise RosterRefused(Refusal.SIGNATURE, str(error)) from error
        manifest = manifest_in(document)
        if manifest.site != self._site:
            raise RosterRefused(Refusal.OTHER_SITE, f"a roster of the site {manifest.site!r:.40}")
        if manifest.aud not in self._audiences:
            raise RosterRefused(Refusal.OTHER_TERMINAL, f"a roster for {manifest.aud!r:.40}")
        return manifest

    def _expect_layer(self, manifest: Manifest) -> None:
        if manifest.pepper not in self._layers:
            detail = (
                f"version {manifest.version} of the roster is under the layer {manifest.pepper} of the pepper, and here"
                f" are {' and '.join(self._layers)}: `kazasu renew` asks the site for it"
            )
            raise RosterRefused(Refusal.PEPPER, detail)

    def _believe(self, manifest: Manifest) -> None:
        self.manifest = manifest
        self._version, self._digest = manifest.version, manifest.digest

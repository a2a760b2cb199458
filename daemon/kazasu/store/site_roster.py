"""The site's roster on this terminal's disk: what is in place, and what has come of the next one.

How that one is made, and what changes the one in place, is imported when a roster has come: days go by without any.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kazasu.errors import RosterError
from kazasu.store.roster import Roster
from kazasu.store.roster_parts import PartStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from kazasu.model.pepper import Pepper
    from kazasu.model.roster_manifest import Manifest, Offer
    from kazasu.store.roster import FromSite


class SiteRoster:
    """Both places at once. The roster thread only, but for `close`.

    Args:
        roster_path: what is looked up.
        folder: for what is on its way; made if it is missing.
        pepper: the site's: what came stays sealed until a roster is made of it.

    Attributes:
        parts: what has come.

    Raises:
        RosterError: the folder cannot be made, or the roster cannot be read.
    """

    def __init__(self, roster_path: Path, folder: Path, pepper: Pepper) -> None:
        self._path = roster_path
        self._pepper = pepper
        self._roster = Roster(roster_path)
        try:
            self.parts = PartStore(folder)
        except OSError as error:
            raise RosterError(f"{folder} cannot be made: {error.strerror}") from error

    def in_place(self) -> FromSite | None:
        """Which of the site's rosters is looked up; None if it was made at this terminal, or there is none.

        Raises:
            RosterError: it cannot be read.
        """
        return self._roster.from_site()

    def revoke(self, pseudonyms: Sequence[str]) -> None:
        """Let these be worth nothing from the next look-up on; durable on return.

        Raises:
            RosterError: the roster in place cannot be changed.
        """
        from kazasu.store.roster_vouched import revoke

        if pseudonyms:
            revoke(self._path, pseudonyms)

    def vouch(self, manifest: Manifest) -> None:
        """Let a newer manifest vouch for the roster in place, which is the very same; durable on return.

        Raises:
            RosterError: it cannot be changed.
        """
        from kazasu.store.roster_vouched import vouch

        vouch(self._path, manifest)

    def make(
        self, newest: Callable[[], Manifest], offer: Offer, digests: Sequence[str], rules: Callable[[str], None]
    ) -> Iterator[None]:
        """Make the next roster and put it in place, a step at a time; closed before its end it leaves no trace.

        Args:
            newest: the manifest now; later another for the same text may have come, whose parts are others.
            offer: of the manifest now; a delta's parts change the roster that is in place.
            digests: of the parts, in order.
            rules: raises RosterRefused if rules do not fit.

        Raises:
            PartSpoilt: a part has to come again.
            RosterRefused: it does not open, is not the roster that the manifest names, or its rules do not fit.
            RosterError: no room, and the like.
        """
        from kazasu.store.roster_making import made

        return made(self._path, self.parts, self._pepper, newest, offer, digests, rules)

    def close(self) -> None:
        """Let the roster go."""
        self._roster.close()

"""The site's roster on this terminal's disk: what is in place, what has come of the next one, and how that is made."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from kazasu.errors import RosterError, RosterRefused
from kazasu.model.roster_manifest import Refusal
from kazasu.model.roster_seal import PartSeal
from kazasu.model.roster_text import changed, lines_in
from kazasu.store.roster import Roster
from kazasu.store.roster_lines import NewRoster, lines_of
from kazasu.store.roster_parts import PartStore
from kazasu.store.roster_vouched import revoke, vouch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from kazasu.model.pepper import Pepper
    from kazasu.model.roster_manifest import Manifest, Offer
    from kazasu.store.roster import FromSite

_STEP_LINES = 2000


class PartSpoilt(RosterError):
    """A part that was here is here no longer, or is not what it was; it has to come again."""


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
        if pseudonyms:
            revoke(self._path, pseudonyms)

    def vouch(self, manifest: Manifest) -> None:
        """Let a newer manifest vouch for the roster in place, which is the very same; durable on return.

        Raises:
            RosterError: it cannot be changed.
        """
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
        manifest = newest()
        lines = self._lines(offer, digests, PartSeal(self._pepper, manifest.pepper, manifest.site, manifest.aud))
        if offer is manifest.delta:
            lines = changed(lines_of(self._path), lines)
        return self._made(lines, newest, rules)

    def _made(
        self, lines: Iterator[bytes], newest: Callable[[], Manifest], rules: Callable[[str], None]
    ) -> Iterator[None]:
        with contextlib.closing(NewRoster(self.parts.new_path)) as new:
            for step in _steps(lines):
                new.add(step)
                yield
            new.check(newest())
            rules(new.rules)
            new.take_place_of(self._path, newest())

    def _lines(self, offer: Offer, digests: Sequence[str], seal: PartSeal) -> Iterator[bytes]:
        for number, digest in enumerate(digests):
            part = self.parts.get(digest)
            if part is None:
                raise PartSpoilt(f"the part {digest} of the roster has to come again")
            yield from lines_in(seal.opened(offer.part_name(number), part))

    def close(self) -> None:
        """Let the roster go."""
        self._roster.close()


def _steps(lines: Iterator[bytes]) -> Iterator[list[bytes]]:
    """So many lines at a time.

    Raises:
        RosterRefused: they cannot be opened, or not be read.
    """
    step: list[bytes] = []
    try:
        for line in lines:
            step.append(line)
            if len(step) == _STEP_LINES:
                yield step
                step = []
    except (PartSpoilt, RosterRefused):
        raise
    except RosterError as error:
        raise RosterRefused(Refusal.CONTENT, str(error)) from error
    yield step

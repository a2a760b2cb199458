"""The site's next roster, made of its parts and put in place, a step at a time: the loop that does it has to beat."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from kazasu.errors import RosterError, RosterRefused
from kazasu.model.roster_manifest import Refusal
from kazasu.model.roster_seal import PartSeal
from kazasu.model.roster_text import changed, lines_in
from kazasu.store.roster_lines import NewRoster, lines_of
from kazasu.store.roster_parts import PartSpoilt

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from kazasu.model.pepper import Pepper
    from kazasu.model.roster_manifest import Manifest, Offer
    from kazasu.store.roster_parts import PartStore

_STEP_LINES = 2000  # about 0.2 MB, which are flushed together


def made(
    path: Path,
    parts: PartStore,
    pepper: Pepper,
    newest: Callable[[], Manifest],
    offer: Offer,
    digests: Sequence[str],
    rules: Callable[[str], None],
) -> Iterator[None]:
    """Make it and put it in place; closed before its end it leaves no trace. See SiteRoster.make."""
    manifest = newest()
    seal = PartSeal(pepper, manifest.pepper, manifest.site, manifest.aud)
    lines = _lines(parts, offer, digests, seal)
    if offer is manifest.delta:
        lines = changed(lines_of(path), lines)
    return _in_place_of(path, parts.new_path, lines, newest, rules)


def _in_place_of(
    path: Path,
    new_path: Path,
    lines: Iterator[bytes],
    newest: Callable[[], Manifest],
    rules: Callable[[str], None],
) -> Iterator[None]:
    with contextlib.closing(NewRoster(new_path)) as new:
        for step in _steps(lines):
            new.add(step)
            yield
        new.check(newest())
        rules(new.rules)
        new.take_place_of(path, newest())


def _lines(parts: PartStore, offer: Offer, digests: Sequence[str], seal: PartSeal) -> Iterator[bytes]:
    for number, digest in enumerate(digests):
        part = parts.get(digest)
        if part is None:
            raise PartSpoilt(f"the part {digest} of the roster has to come again")
        yield from lines_in(seal.opened(offer.part_name(number), part))


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

"""What differs between two rosters, as somebody at the desk has to see it before it is signed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from kazasu.model.roster_manifest import MAX_REVOKED
from kazasu.model.roster_text import differences

if TYPE_CHECKING:
    from collections.abc import Iterable

_SHOWN = 20


class Change(msgspec.Struct, kw_only=True):
    """What differs from the roster that was published last.

    Attributes:
        added: people.
        removed: people.
        changed: people whose name or levels are others.
        cards_added: cards that are known from now on.
        cards_changed: cards that are somebody else's, or ask for something else.
        cards_ended: cards that are not in it any more.
        ended: pseudonyms of cards and codes that are not in it any more, as many as a manifest can revoke at once.
        codes: how many codes are new, changed or gone.
        rules: how many lines of levels.toml are.
        shown: some of it in words, a line each.
        not_shown: how many such lines there would be besides.
    """

    added: int = 0
    removed: int = 0
    changed: int = 0
    cards_added: int = 0
    cards_changed: int = 0
    cards_ended: int = 0
    ended: list[str] = []
    codes: int = 0
    rules: int = 0
    shown: list[str] = []
    not_shown: int = 0

    @property
    def anything(self) -> bool:
        """Whether there is a difference."""
        people, cards = self.added + self.removed + self.changed, self.cards_added + self.cards_changed
        return any((people, cards, self.cards_ended, self.codes, self.rules))

    def note(self, before: bytes, after: bytes) -> None:
        """Count one difference: a line before and after, empty where there is none."""
        was, now = (line.decode().rstrip("\n").split("\t") if line else None for line in (before, after))
        match (now or was or [""])[0]:
            case "person":
                self._note_person(was, now)
            case "card":
                self._note_card(was, now)
            case "code":
                self.codes += 1
                if was is not None and now is None:
                    self._end(was[1])
            case _:
                self.rules += 1

    def _note_person(self, was: list[str] | None, now: list[str] | None) -> None:
        if now is None and was is not None:
            self.removed += 1
            self._show(f"- {was[1]} {was[2]}")
        elif now is not None:
            self.added += was is None
            self.changed += was is not None
            held = now[3] or "no level"
            before = "" if was is None or was[3] == now[3] else f"{was[3] or 'no level'} -> "
            self._show(f"{'+' if was is None else '~'} {now[1]} {now[2]}: {before}{held}")

    def _note_card(self, was: list[str] | None, now: list[str] | None) -> None:
        if now is None and was is not None:
            self.cards_ended += 1
            self._end(was[1])
            self._show(f"- card {was[1]} of {was[2]}, which is revoked")
        elif now is not None:
            self.cards_added += was is None
            self.cards_changed += was is not None
            self._show(f"{'+' if was is None else '~'} card {now[1]} of {now[2]}")

    def _end(self, pseudonym: str) -> None:
        if len(self.ended) < MAX_REVOKED:
            self.ended.append(pseudonym)

    def _show(self, words: str) -> None:
        if len(self.shown) < _SHOWN:
            self.shown.append(words)
        else:
            self.not_shown += 1


def compare(old: Iterable[bytes], new: Iterable[bytes]) -> Change:
    """Say what differs between two rosters, both in order."""
    change = Change()
    for before, after in differences(old, new):
        change.note(before, after)
    return change

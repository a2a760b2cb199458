"""What differs between two rosters, as somebody at the desk has to see it before it is signed."""

from __future__ import annotations

from datetime import datetime, tzinfo
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
        zone: the site's, for times.
        added: people.
        removed: people.
        changed: people whose name or levels are others.
        cards_added: cards that are known from now on.
        cards_changed: cards that are somebody else's, or ask for something else.
        cards_ended: cards that are not in it any more.
        ended: pseudonyms of cards and codes that are not in it any more, as many as a manifest can revoke at once.
        codes: how many codes are new, changed or gone.
        lent: how many day cards are lent, or lent otherwise.
        lent_no_more: how many day cards are nobody's any more.
        pooled: how many cards are day cards from now on.
        pooled_no_more: how many cards are day cards no longer.
        rules: how many lines of levels.toml are.
        shown: some of it in words, a line each.
        not_shown: how many such lines there would be besides.
        rules_shown: the first changed lines of levels.toml, as they were and are: who may go where hangs on a letter.
    """

    zone: tzinfo
    added: int = 0
    removed: int = 0
    changed: int = 0
    cards_added: int = 0
    cards_changed: int = 0
    cards_ended: int = 0
    ended: list[str] = []
    codes: int = 0
    lent: int = 0
    lent_no_more: int = 0
    pooled: int = 0
    pooled_no_more: int = 0
    rules: int = 0
    shown: list[str] = []
    not_shown: int = 0
    rules_shown: list[str] = []

    @property
    def anything(self) -> bool:
        """Whether there is a difference."""
        people, cards = self.added + self.removed + self.changed, self.cards_added + self.cards_changed
        day_cards = self.lent + self.lent_no_more + self.pooled + self.pooled_no_more
        return any((people, cards, self.cards_ended, self.codes, day_cards, self.rules))

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
            case "day_card":
                self._note_day_card(was, now)
            case _:
                self.rules += 1
                if self.rules <= _SHOWN:
                    lines = (("-", was), ("+", now))
                    self.rules_shown += [
                        f"{mark} levels.toml:{int(line[1])}: {' '.join(line[2:])}" for mark, line in lines if line
                    ]

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

    def _note_day_card(self, was: list[str] | None, now: list[str] | None) -> None:
        self.pooled += was is None
        self.pooled_no_more += now is None
        if now is not None and now[2]:
            self.lent += 1
            until = datetime.fromtimestamp(int(now[3]), self.zone)
            self._show(f"+ {now[1]} is lent to {now[2]} until {until:%Y-%m-%d %H:%M}")
        elif was is not None and was[2]:
            self.lent_no_more += 1
            self._show(f"- {was[1]} is not lent to {was[2]} any more")

    def _end(self, pseudonym: str) -> None:
        if len(self.ended) < MAX_REVOKED:
            self.ended.append(pseudonym)

    def _show(self, words: str) -> None:
        if len(self.shown) < _SHOWN:
            self.shown.append(words)
        else:
            self.not_shown += 1


def compare(old: Iterable[bytes], new: Iterable[bytes], zone: tzinfo) -> Change:
    """Say what differs between two rosters, both in order; times are told in this zone."""
    change = Change(zone=zone)
    for before, after in differences(old, new):
        change.note(before, after)
    return change

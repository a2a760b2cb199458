"""A roster of the desk's files, before anybody has agreed to it; in constant memory, whatever the number of people."""

from __future__ import annotations

import heapq
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from kazasu.config import parse_rules
from kazasu.errors import ConfigurationError, RosterError
from kazasu.model.calendar import national_days
from kazasu.model.roster_manifest import MAX_REVOKED
from kazasu.model.roster_text import (
    CARD,
    CODE,
    DAY_CARD,
    PERSON,
    RULES,
    code_line,
    key_of,
    rules_line,
    standing,
)
from kazasu.site.codes import read_codes
from kazasu.site.published_text import check_last, lines_in_file, sha256_of
from kazasu.site.roster_change import Change, compare
from kazasu.store.roster import Roster
from kazasu.store.roster_csv import COLUMNS, OPTIONAL_COLUMNS
from kazasu.store.roster_import import import_csv
from kazasu.store.roster_lines import lines_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import datetime

    from kazasu.site.day_cards import DayCardBook
    from kazasu.site.layers import Lift
    from kazasu.site.published import Published

_MAX_RULES_BYTES = 64 * 1024


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """A roster that can be published.

    Attributes:
        text: the file that holds it.
        people: in it.
        credentials: cards in it.
        codes: in it.
        sha256: of the text.
        size_bytes: of the text.
        change: from the last one.
        codes_left_out: who has a code and does not stand in people.csv.
        not_lent: in words, what of the book of day cards cannot count.
        revoked: what the manifest revokes at once.
        revoked_here: what of that still stands in it.
    """

    text: Path
    people: int
    credentials: int
    codes: int
    sha256: str
    size_bytes: int
    change: Change
    codes_left_out: tuple[str, ...]
    not_lent: tuple[str, ...]
    revoked: tuple[str, ...]
    revoked_here: tuple[str, ...] = ()


@contextmanager
def drafted(
    folder: Path,
    published: Published,
    lift: Lift,
    book: DayCardBook,
    now: datetime,
    progress: Callable[[int], None],
) -> Iterator[Draft]:
    """Make a roster of the desk's files, and compare it with the last one.

    Args:
        folder: the site's `roster`.
        published: what stands at the broker.
        lift: from its layer of the pepper to that of the files.
        book: of day cards, with the site's zone, whose midnights bound the dates in people.csv.
        now: which day cards are lent then.
        progress: told the number of lines of people.csv read, now and then.

    Raises:
        RosterError: people.csv is missing, or what is wrong in every bad line of it or of another of the files; levels
            of people that levels.toml lacks; the last roster's text is damaged.
        ConfigurationError: everything that is wrong with levels.toml.
    """
    people, levels, last = folder / "people.csv", folder / "levels.toml", folder / "published.txt"
    if not people.exists():
        columns = ",".join((*COLUMNS, *OPTIONAL_COLUMNS))
        raise RosterError(f"{people} is missing: write it, with the columns {columns}, or `kazasu site import-people`")
    check_last(last, published.sha256)
    with tempfile.TemporaryDirectory(prefix=".draft-", dir=folder) as name:
        rules = levels.read_bytes() if levels.exists() else b""
        known = check_rules(rules, levels) if rules else None
        store, text = Path(name) / "roster.db", Path(name) / "roster.txt"
        import_csv(people, store, book.zone, progress)
        codes, codeless = _codes_in(folder / "codes.csv", store)
        day_cards, not_lent = book.roster_lines(lines_of(store), now)
        # Cards come before codes, codes before day cards, and these before people.
        counts = _write(text, heapq.merge(lines_of(store), codes, day_cards, key=key_of), rules, known)
        is_last = last.exists() and sha256_of(last) == published.sha256
        # After a power cut the text may be a newer one, which no record names. Where nobody knows under which layer it
        # is, nothing is compared with it: everybody might seem to have gone, and be revoked.
        comparable = is_last or lift.is_certain
        before = lift.lines(lines_in_file(last), Path(name) / "last.db") if comparable else iter(())
        # Without the last text nobody knows who was put back on purpose, and who was revoked stays so.
        known_before: Iterable[bytes] = map(lift.line, lines_in_file(last)) if is_last else lines_in_file(text)
        change = compare(before, lines_in_file(text), book.zone)
        revoked = tuple(map(lift.pseudonym, published.revoked))
        here, gone = _parted(revoked, known_before, lines_in_file(text))
        yield Draft(
            text=text,
            people=counts[PERSON],
            credentials=counts[CARD],
            codes=counts[CODE],
            sha256=sha256_of(text),
            size_bytes=text.stat().st_size,
            change=change,
            codes_left_out=codeless,
            not_lent=not_lent,
            # Also what rosters before this one ended: a terminal may have heard of none of them.
            revoked=tuple(dict.fromkeys((*here, *change.ended, *gone)))[:MAX_REVOKED] if change.anything else revoked,
            revoked_here=here,
        )


def check_rules(text: bytes, path: Path) -> frozenset[str]:
    """Return the names of the levels if levels.toml can be used.

    Raises:
        ConfigurationError: everything that is wrong with it.
    """
    if len(text) > _MAX_RULES_BYTES:
        raise ConfigurationError(f"{path}: {len(text)} bytes, and at most {_MAX_RULES_BYTES} go to terminals")
    rules = parse_rules(text, path)
    for country in {each.country for each in rules.holidays if each.country is not None}:
        try:
            national_days(country)
        except ValueError as error:
            raise ConfigurationError(f"{path}: [[holidays]]: {error}") from error
    return frozenset(level.name for level in rules.levels)


def _parted(
    revoked: tuple[str, ...], last: Iterable[bytes], lines: Iterable[bytes]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Of what was revoked: what still stands in people.csv, and what does not any more.

    What an earlier roster ended, and this one knows again, is neither: somebody has put it back on purpose.
    """
    now = standing(revoked, lines)
    return tuple(sorted(standing(now, last))), tuple(each for each in revoked if each not in now)


def _codes_in(path: Path, store: Path) -> tuple[list[bytes], tuple[str, ...]]:
    """Lines of the codes of people who are in the roster, in order; and whose are not."""
    codes, known = read_codes(path), Roster(store)
    there = {number: code for number, code in codes.items() if known.find(number) is not None}
    lines = (
        code_line(bytes.fromhex(pseudonym), number, kept.salt, kept.digest, kept.duress_digest)
        for number, (pseudonym, kept) in there.items()
    )
    known.close()
    return sorted(lines), tuple(sorted(codes.keys() - there.keys()))


def _write(path: Path, lines: Iterable[bytes], rules: bytes, known: frozenset[str] | None) -> dict[bytes, int]:
    """Write a roster's text; returns how many lines there are of each kind."""
    counts = dict.fromkeys((CARD, CODE, DAY_CARD, PERSON, RULES), 0)
    unknown: dict[str, str] = {}
    with path.open("wb") as file:
        for line in lines:
            kind, _, rest = line.partition(b"\t")
            counts[kind] += 1
            if kind == PERSON and known is not None:
                number, _, held = (field.decode() for field in rest[:-1].split(b"\t"))
                unknown |= {level: number for level in held.split() if level not in known and level not in unknown}
            file.write(line)
        file.writelines(rules_line(number, text) for number, text in enumerate(_lines_in(rules), 1))
    if unknown:
        raise RosterError(
            "\n".join(
                f"people.csv: {number} has the level {level}, and levels.toml has none of that name"
                for level, number in sorted(unknown.items())
            )
        )
    return counts


def _lines_in(rules: bytes) -> list[str]:
    """At LF only, as TOML and the roster's text see it: `splitlines` knows more ends."""
    return rules.decode().removesuffix("\n").split("\n") if rules else []

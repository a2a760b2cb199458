"""A roster as text: one line a fact, in one order, so that the same roster is the same bytes wherever it was made.

A line ends in LF, its fields stand between tabs, and the first two are its key:

    card      pseudonym, cardholder, min_assurance, first second of validity, first second after it (or empty)
    code      pseudonym, cardholder, salt, digest of the PIN, digest of the PIN of duress (or empty)
    day_card  number of a card of the site's pool, whose it is, first second in which it is nobody's (or both empty)
    person    number, name, access levels with a space between two
    rules     a line of levels.toml: its number, its text

Lines are in the order of their keys, each key once. A delta is lines, too: `+` and a line that is new or changed, or
`-` and the key of one that is gone, in the same order. Parts are lines, compressed, with room for their seal
(roster_seal.py); none is cut in two.
"""

from __future__ import annotations

import re
import zlib
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from kazasu.errors import RosterError
from kazasu.model.access import Assurance
from kazasu.model.roster_seal import SEAL_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

CARD, CODE, DAY_CARD, PERSON, RULES = b"card", b"code", b"day_card", b"person", b"rules"

PART_BYTES = 48 * 1024
"""The most that one message holds: mosquitto is set to take 64 KiB with everything around it."""

_TEXT_BYTES = (
    96 * 1024
)  # of one part before it is compressed: cards, which are random numbers, shrink to less than half
_MAX_TEXT = 100
_MAX_SECOND = 253_402_300_800  # the first of the year 10000
_PSEUDONYM = re.compile(rb"[0-9a-f]{32}")
_DIGEST = re.compile(rb"[0-9a-f]{64}")
_LEVELS = re.compile(r"([a-z0-9][a-z0-9-]{0,31}( [a-z0-9][a-z0-9-]{0,31})*)?")
_SECOND = re.compile(rb"(-?[1-9][0-9]{0,11}|0)?")  # written in one way only, as everything here
_LINE_NUMBER = re.compile(rb"[0-9]{5}")
_OF_CARDS = {each.word.encode(): each.value for each in Assurance if each >= Assurance.SERIAL}

Row: TypeAlias = tuple[bytes | str | int | None, ...]


class Fact(NamedTuple):
    """A line that can be taken over: its kind, and its fields as the store keeps them."""

    kind: bytes
    row: Row


def card_line(pseudonym: bytes, cardholder: str, min_assurance: int, from_s: int | None, until_s: int | None) -> bytes:
    """The line of a card."""
    seconds = ("" if second is None else str(second) for second in (from_s, until_s))
    fields = (CARD.decode(), pseudonym.hex(), cardholder, Assurance(min_assurance).word, *seconds)
    return "\t".join(fields).encode() + b"\n"


def code_line(pseudonym: bytes, cardholder: str, salt: bytes, digest: bytes, duress_digest: bytes | None) -> bytes:
    """The line of a code."""
    fields = (CODE.decode(), pseudonym.hex(), cardholder, salt.hex(), digest.hex(), (duress_digest or b"").hex())
    return "\t".join(fields).encode() + b"\n"


def day_card_line(number: str, cardholder: str | None, until_s: int | None) -> bytes:
    """The line of a card of the site's pool; without a cardholder it is nobody's."""
    fields = (DAY_CARD.decode(), number, cardholder or "", "" if until_s is None else str(until_s))
    return "\t".join(fields).encode() + b"\n"


def person_line(number: str, name: str, levels: str) -> bytes:
    """The line of a person."""
    return f"{PERSON.decode()}\t{number}\t{name}\t{levels}\n".encode()


def rules_line(number: int, text: str) -> bytes:
    """The line of a line of levels.toml, which may hold tabs of its own."""
    return f"{RULES.decode()}\t{number:05}\t{text}\n".encode()


def key_of(line: bytes) -> bytes:
    """Kind and key, with the tab between them; compares as the lines do."""
    kind, _, rest = line.partition(b"\t")
    return kind + b"\t" + rest.partition(b"\t")[0].removesuffix(b"\n")


def standing(pseudonyms: Iterable[str], lines: Iterable[bytes]) -> set[str]:
    """Which of these cards and codes stand in a roster's text; holds what was asked for, and none of the text."""
    keys = {kind + b"\t" + pseudonym.encode(): pseudonym for pseudonym in pseudonyms for kind in (CARD, CODE)}
    return {keys[key] for key in map(key_of, lines) if key in keys} if keys else set()


def parsed(line: bytes) -> Fact:
    """Read a line, with its end.

    Raises:
        RosterError: it is none; the words quote nobody's name.
    """
    if not line.endswith(b"\n"):
        raise RosterError("a line of the roster has no end")
    kind, *fields = line[:-1].split(b"\t", 2 if line.startswith(RULES) else -1)
    try:
        row = _PARSERS[kind](*fields)
    except (KeyError, TypeError, ValueError) as error:
        # Not the error's own words: they may quote what is a person's.
        raise RosterError(f"a line of the roster is none: {kind[:10]!r} with {len(fields)} fields") from error
    return Fact(kind, row)


def _card(pseudonym: bytes, cardholder: bytes, assurance: bytes, from_s: bytes, until_s: bytes) -> Row:
    if not _PSEUDONYM.fullmatch(pseudonym):
        raise ValueError
    return (_raw(pseudonym), _text(cardholder), _OF_CARDS[assurance], _second(from_s), _second(until_s))


def _code(pseudonym: bytes, cardholder: bytes, salt: bytes, digest: bytes, duress_digest: bytes) -> Row:
    duress_fits = not duress_digest or _DIGEST.fullmatch(duress_digest)
    if not (_PSEUDONYM.fullmatch(pseudonym) and _PSEUDONYM.fullmatch(salt) and _DIGEST.fullmatch(digest)) or (
        not duress_fits
    ):
        raise ValueError
    duress = _raw(duress_digest) if duress_digest else None
    return (_raw(pseudonym), _text(cardholder), _raw(salt), _raw(digest), duress)


def _day_card(number: bytes, cardholder: bytes, until_s: bytes) -> Row:
    if bool(cardholder) != bool(until_s):
        raise ValueError
    second = _second(until_s)
    if second is not None and not 0 <= second < _MAX_SECOND:
        raise ValueError
    return (_text(number), _text(cardholder) if cardholder else None, second)


def _person(number: bytes, name: bytes, levels: bytes) -> Row:
    held = levels.decode()
    if not _LEVELS.fullmatch(held) or sorted(set(held.split())) != held.split():
        raise ValueError
    return (_text(number), _text(name), held)


def _rules(number: bytes, text: bytes) -> Row:
    if not _LINE_NUMBER.fullmatch(number):
        raise ValueError
    return (int(number), text.decode())


def _raw(digits: bytes) -> bytes:
    return bytes.fromhex(digits.decode("ascii"))


def _text(field: bytes) -> str:
    text = field.decode()
    if not (0 < len(text) <= _MAX_TEXT and text.isprintable()):
        raise ValueError
    return text


def _second(field: bytes) -> int | None:
    if not _SECOND.fullmatch(field):
        raise ValueError
    if not field:
        return None
    second = int(field)
    if abs(second) > _MAX_SECOND:
        raise ValueError
    return second


_PARSERS: dict[bytes, Callable[..., Row]] = {
    CARD: _card,
    CODE: _code,
    DAY_CARD: _day_card,
    PERSON: _person,
    RULES: _rules,
}


def in_order(lines: Iterable[bytes], before: bytes = b"") -> Iterator[bytes]:
    """Pass lines on, or lines of a delta without their signs, as long as each key is behind the one before.

    Raises:
        RosterError: one is not.
    """
    for line in lines:
        key = key_of(line)
        if key <= before:
            raise RosterError("the roster's lines are not in order, or one stands twice")
        before = key
        yield line


def differences(old: Iterable[bytes], new: Iterable[bytes]) -> Iterator[tuple[bytes, bytes]]:
    """Lines that differ between two rosters, both in order: before and after, empty where there is none."""
    before, after = iter(old), iter(new)
    line, wanted = next(before, b""), next(after, b"")
    while line or wanted:
        mine, theirs = key_of(line), key_of(wanted)
        if line and (not wanted or mine < theirs):
            yield line, b""
            line = next(before, b"")
        elif not line or theirs < mine:
            yield b"", wanted
            wanted = next(after, b"")
        else:
            if line != wanted:
                yield line, wanted
            line, wanted = next(before, b""), next(after, b"")


def delta_line(before: bytes, after: bytes) -> bytes:
    """A difference as a delta says it."""
    return b"+" + after if after else b"-" + key_of(before) + b"\n"


def changed(base: Iterable[bytes], delta: Iterable[bytes]) -> Iterator[bytes]:
    """Apply a delta to the roster that it was made from.

    Raises:
        RosterError: it is no delta, or none of this roster.
    """
    signs = (b"+", b"-")
    before, change = iter(base), iter(delta)
    line, next_change, last = next(before, b""), next(change, b""), b""
    while line or next_change:
        sign, body = next_change[:1], next_change[1:]
        key = key_of(body)
        if next_change and (sign not in signs or key <= last):
            raise RosterError("the delta's lines are none, or not in order")
        mine = key_of(line)
        if not next_change or (line and mine < key):
            yield line
            line = next(before, b"")
            continue
        if line and mine == key:
            line = next(before, b"")
        elif sign == b"-":
            raise RosterError("the delta takes away what is not in the roster")
        if sign == b"+":
            yield body
        last, next_change = key, next(change, b"")


def cut(lines: Iterable[bytes]) -> Iterator[bytes]:
    """Parts, compressed, each at most `PART_BYTES` long once it is sealed."""
    gathered: list[bytes] = []
    size_bytes = 0
    for line in lines:
        if size_bytes + len(line) > _TEXT_BYTES and gathered:
            yield from _compressed(gathered)
            gathered, size_bytes = [], 0
        gathered.append(line)
        size_bytes += len(line)
    if gathered:
        yield from _compressed(gathered)


def _compressed(lines: Sequence[bytes]) -> Iterator[bytes]:
    part = zlib.compress(b"".join(lines), 9)
    if len(part) <= PART_BYTES - SEAL_BYTES or len(lines) == 1:
        yield part
    else:
        middle = len(lines) // 2
        yield from chain(_compressed(lines[:middle]), _compressed(lines[middle:]))


def lines_in(part: bytes) -> list[bytes]:
    """The lines of a part; never more than was put into one, whatever the bytes say of themselves.

    Raises:
        RosterError: it is none.
    """
    unpacking = zlib.decompressobj()
    try:
        text = unpacking.decompress(part, _TEXT_BYTES + 1)
    except zlib.error as error:
        raise RosterError("a part of the roster cannot be unpacked") from error
    if len(text) > _TEXT_BYTES or not unpacking.eof or unpacking.unused_data or not text.endswith(b"\n"):
        raise RosterError("a part of the roster is too long, or not whole")
    return text.splitlines(keepends=True) if b"\r" not in text else _split(text)


def _split(text: bytes) -> list[bytes]:
    """At LF only: a line of levels.toml may hold what else `splitlines` takes for an end."""
    return [line + b"\n" for line in text[:-1].split(b"\n")]

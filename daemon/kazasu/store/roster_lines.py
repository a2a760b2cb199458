"""The roster as lines of text, and a roster made of such lines: how the site's comes and goes.

What a line looks like: model/roster_text.py.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sqlite3
from typing import TYPE_CHECKING

from kazasu.errors import RosterError, RosterRefused
from kazasu.model.day_card import MAX_POOL
from kazasu.model.roster_manifest import Refusal
from kazasu.model.roster_text import (
    CARD,
    CODE,
    DAY_CARD,
    PERSON,
    RULES,
    card_line,
    code_line,
    day_card_line,
    in_order,
    key_of,
    parsed,
    person_line,
    rules_line,
)
from kazasu.store.durable import sync_directory
from kazasu.store.migration import bring_up_to_date
from kazasu.store.roster import ROSTER
from kazasu.store.roster_file import begin_roster, locked_roster, make_durable
from kazasu.store.roster_vouched import write_vouched
from kazasu.store.sqlite import connect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from kazasu.model.roster_manifest import Manifest
    from kazasu.model.roster_text import Row

_PAGE = 2000  # lines read at a time: while a reading lasts, nothing can be revoked

_UNSAFE = "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -2048"

_SORTING = "CREATE TABLE line (key BLOB PRIMARY KEY, text BLOB NOT NULL) WITHOUT ROWID; BEGIN"

_INSERT = {
    CARD: "INSERT INTO credential VALUES (?, ?, ?, ?, ?)",
    CODE: "INSERT INTO code VALUES (?, ?, ?, ?, ?)",
    DAY_CARD: "INSERT INTO day_card VALUES (?, ?, ?)",
    PERSON: "INSERT INTO cardholder (number, name, levels) VALUES (?, ?, ?)",
    RULES: "INSERT INTO rules VALUES (?, ?)",
}

_CARDS = (
    "SELECT pseudonym, cardholder, min_assurance, valid_from_s, valid_until_s FROM credential"
    " WHERE pseudonym > ? ORDER BY pseudonym LIMIT ?"
)
_CODES = (
    "SELECT pseudonym, cardholder, salt, digest, duress_digest FROM code WHERE pseudonym > ? ORDER BY pseudonym LIMIT ?"
)
_DAY_CARDS = "SELECT number, cardholder, until_s FROM day_card WHERE number > ? ORDER BY number LIMIT ?"
_PEOPLE = "SELECT number, name, levels FROM cardholder WHERE number > ? ORDER BY number LIMIT ?"
_RULES = "SELECT line, text FROM rules WHERE line > ? ORDER BY line LIMIT ?"
_SELECT: tuple[tuple[str, bytes | str | int, Callable[..., bytes]], ...] = (
    (_CARDS, b"", card_line),
    (_CODES, b"", code_line),
    (_DAY_CARDS, "", day_card_line),
    (_PEOPLE, "", person_line),
    (_RULES, 0, rules_line),
)
"""In the order of the lines: what reads so many behind a key, what is before all keys, and what makes the line."""


def lines_of(path: Path) -> Iterator[bytes]:
    """Read a roster out, line by line, in constant memory; nobody is kept from changing it meanwhile.

    Raises:
        RosterError: it cannot be read.
    """
    try:
        with contextlib.closing(connect(path, "rw")) as connection:
            connection.execute("PRAGMA query_only = ON")
            for statement, first, line_of in _SELECT:
                last = first
                while rows := connection.execute(statement, (last, _PAGE)).fetchall():
                    last = rows[-1][0]
                    yield from (line_of(*row) for row in rows)
    except sqlite3.Error as error:
        raise RosterError(f"{path} cannot be read: {error}") from error


def put_in_order(lines: Iterable[bytes], store: Path) -> Iterator[bytes]:
    """Give lines in the order of their keys, in constant memory.

    Args:
        lines: each key once.
        store: a file for them meanwhile; made, and left.

    Raises:
        RosterError: no room, and the like.
    """
    with _in_words(store), contextlib.closing(sqlite3.connect(store, isolation_level=None)) as sorting:
        sorting.executescript(_UNSAFE + ";" + _SORTING)
        sorting.executemany("INSERT INTO line VALUES (?, ?)", ((key_of(line), line) for line in lines))
        yield from (line for (line,) in sorting.execute("SELECT text FROM line ORDER BY key"))


@contextlib.contextmanager
def _in_words(path: Path) -> Iterator[None]:
    """Say what an error of SQLite or the system means for a roster that is being made."""
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise RosterError(f"{path} cannot be made: {error}; nothing was changed") from error


class NewRoster:
    """A roster that is being made beside the one that is looked up, and takes its place at the end or not at all.

    Written once from beginning to end, in the order of the keys, and made durable as a whole: it needs no way back.

    Args:
        path: where it is made; what is there is of a try that ended half-way, and goes.

    Raises:
        RosterError: no room, and the like.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        with _in_words(path), contextlib.ExitStack() as undo:
            path.unlink(missing_ok=True)
            self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            undo.callback(self._connection.close)
            self._connection.executescript(_UNSAFE)
            bring_up_to_date(self._connection, path, ROSTER, lambda new: begin_roster(new, 0))
            self._connection.execute("BEGIN")
            self._descriptor = os.open(path, os.O_RDWR)
            undo.pop_all()
        self._hash = hashlib.sha256()
        self._counts = dict.fromkeys(_INSERT, 0)
        self._size_bytes = 0
        self._last = b""
        self._rules: list[str] = []

    def add(self, lines: Sequence[bytes]) -> None:
        """Take lines over, behind those of before, and flush them.

        Args:
            lines: some thousand at most, so that no flush is long.

        Raises:
            RosterRefused: they are none, or out of order.
            RosterError: no room, and the like.
        """
        rows: dict[bytes, list[Row]] = {}
        try:
            for line in in_order(lines, self._last):
                fact = parsed(line)
                rows.setdefault(fact.kind, []).append(fact.row)
                if fact.kind == RULES:
                    self._rules.append(str(fact.row[1]))
        except RosterError as error:
            raise RosterRefused(Refusal.CONTENT, str(error)) from error
        with _in_words(self._path):
            self._insert(rows)
            # However slow the disk is: a tap's own flush waits behind this one, and behind all that was left unflushed.
            os.fdatasync(self._descriptor)
        if lines:
            self._last = key_of(lines[-1])
        text = b"".join(lines)
        self._hash.update(text)
        self._size_bytes += len(text)

    def _insert(self, rows: Mapping[bytes, Sequence[Row]]) -> None:
        for kind, these in rows.items():
            try:
                self._connection.executemany(_INSERT[kind], these)
            except sqlite3.IntegrityError as error:
                raise RosterRefused(Refusal.CONTENT, f"the roster contradicts itself: {error}") from error
            self._counts[kind] += len(these)
        if self._counts[DAY_CARD] > MAX_POOL:
            raise RosterRefused(Refusal.CONTENT, f"the roster has more than {MAX_POOL} day cards")

    @property
    def rules(self) -> str:
        """The text of levels.toml in it; empty if there is none."""
        return "".join(f"{line}\n" for line in self._rules)

    def check(self, manifest: Manifest) -> None:
        """Return if this is what the manifest says.

        Raises:
            RosterRefused: it is not.
        """
        counts = self._counts
        found = (self._hash.hexdigest(), self._size_bytes, counts[PERSON], counts[CARD], counts[CODE])
        said = (manifest.sha256, manifest.size_bytes, manifest.people, manifest.credentials, manifest.codes)
        if found != said:
            raise RosterRefused(Refusal.CONTENT, "the roster is not the one that its manifest names")

    def take_place_of(self, old_path: Path, manifest: Manifest) -> None:
        """Put it in the place of the one that is looked up, durable, with all that the manifest revokes.

        Raises:
            RosterError: no room, and the like; the old one stays.
        """
        with _in_words(self._path):
            write_vouched(self._connection, manifest)
            self._connection.execute("COMMIT")
            self._connection.close()
            make_durable(self._path, old_path)
            with locked_roster(old_path, by_site=True):
                self._path.replace(old_path)
            sync_directory(old_path.parent)

    def close(self) -> None:
        """Let go of it; what has not taken its place is removed."""
        self._connection.close()
        os.close(self._descriptor)
        self._path.unlink(missing_ok=True)

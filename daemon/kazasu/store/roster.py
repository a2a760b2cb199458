"""Who is known here: one look-up by primary key, in constant time and memory, among a million people."""

from __future__ import annotations

import contextlib
import sqlite3
from typing import TYPE_CHECKING, NamedTuple

from kazasu.errors import RosterError
from kazasu.model.access import Assurance, Cardholder, Credential, Enrolment
from kazasu.model.day_card import PoolCard, loan_of
from kazasu.store.migration import Schema, bring_up_to_date, expect_version
from kazasu.store.sqlite import connect

if TYPE_CHECKING:
    from pathlib import Path

    from kazasu.model.code import CodeHolder
    from kazasu.model.day_card import Loan
    from kazasu.model.pepper import Pepper

ROSTER = Schema(name="roster", application_id=0x4B5A5352, version=6, error=RosterError)  # "KZSR"

_HEAD = "SELECT version, made_s, pepper FROM roster WHERE only_row = 1"
# One statement for all, since each one locks the file, looks whether it has changed, and unlocks it. A roster knows a
# card by one of the pseudonyms that it has, a layer of the pepper each, and what is revoked by any of them.
_LOOK_UP = (
    "SELECT version, made_s, pepper, person.number, person.name, person.levels, min_assurance, valid_from_s,"
    " valid_until_s, day_card.number, day_card.cardholder, until_s, holder.name, holder.levels"
    " FROM roster LEFT JOIN credential ON pseudonym = {known_as} AND NOT EXISTS ({revoked})"
    " LEFT JOIN cardholder AS person ON person.number = credential.cardholder"
    " LEFT JOIN day_card ON day_card.number = person.number"
    " LEFT JOIN cardholder AS holder ON holder.number = day_card.cardholder"
    " WHERE only_row = 1"
)
_CODE_OF = (
    "SELECT version, made_s, pepper, number, name, levels, salt, digest, duress_digest"
    " FROM roster LEFT JOIN code ON pseudonym = {known_as} AND NOT EXISTS ({revoked})"
    " LEFT JOIN cardholder ON number = cardholder"
    " WHERE only_row = 1"
)
_REVOKED = "SELECT 1 FROM revoked WHERE pseudonym IN ({forms})"
_CODES = "SELECT cardholder, duress_digest IS NOT NULL FROM code ORDER BY cardholder"
_CREDENTIALS_OF = "SELECT pseudonym FROM credential WHERE cardholder = ?"
_POOL = "SELECT number, cardholder, until_s FROM day_card"
_FIND = "SELECT number, name, levels FROM cardholder WHERE number = ?"
_SITES = "SELECT version, sha256, manifest, expires_s, made_s FROM roster WHERE sha256 IS NOT NULL"
_RULES = "SELECT text FROM rules ORDER BY line"
_NO_ROSTER = (0, None, None)


class FromSite(NamedTuple):
    """Which of the site's rosters this is.

    Attributes:
        version: of the manifest.
        sha256: of the whole text.
        manifest: the manifest's digest.
        expires_s: until when the site counts it as fresh, Unix time.
        made_s: when the site vouched for it, Unix time.
    """

    version: int
    sha256: str
    manifest: str
    expires_s: int
    made_s: int


class Roster:
    """Implements ports.store.Roster.

    The file is looked at with each call: an import puts another one in its place. A missing file is an empty roster.

    Args:
        path: the file.
        pepper: cards and codes are looked up by the pseudonym that they have under its first layer, and found by the
            one that they have under the layer that the roster names. None: by the one that stands in the file.

    Raises:
        RosterError: the file is there and cannot be read.
    """

    def __init__(self, path: Path, pepper: Pepper | None = None) -> None:
        self._path = path
        self._pepper = pepper
        self._layer: str | None = None if pepper is None else pepper.newest
        self._look_up, self._code_of, self._revoked = _statements(pepper)
        self._connection: sqlite3.Connection | None = None
        self._identity: tuple[int, int] | None = None
        self._version = 0
        self._made_s: int | None = None
        for version, made_s, layer in self._rows(_HEAD):
            self._note(version, made_s, layer)

    @property
    def version(self) -> int:
        """Which roster answered last; see ports.store.Roster."""
        return self._version

    @property
    def made_s(self) -> int | None:
        """When the roster that answered last was imported; see ports.store.Roster."""
        return self._made_s

    @property
    def layer(self) -> str | None:
        """The layer of the pepper that the roster that answered last is under; None: the first, or none was given."""
        return self._layer

    def known_as(self, pseudonym: str) -> str:
        """What the roster that answered last calls a card or a code; see ports.store.Roster."""
        if self._pepper is None or self._layer is None:
            return pseudonym
        return self._pepper.forms(pseudonym)[self._pepper.place_of(self._layer)]

    def forms(self, pseudonym: str) -> tuple[str, ...]:
        """Every pseudonym that a card or a code has; see ports.store.Roster."""
        return (pseudonym,) if self._pepper is None else self._pepper.forms(pseudonym)

    def look_up(self, pseudonym: str) -> Enrolment | None:
        """Find a credential; see ports.store.Roster.

        Args:
            pseudonym: 32 hexadecimal digits.

        Raises:
            RosterError: the file cannot be read, or is under a layer of the pepper that is not held.
        """
        found = self._row(self._look_up, pseudonym)
        if not found or found[0] is None:
            return None
        number, name, levels, min_assurance, valid_from_s, valid_until_s, *of_pool = found
        return Enrolment(
            credential=Credential(
                pseudonym=self.known_as(pseudonym),
                cardholder=number,
                min_assurance=Assurance(min_assurance),
                valid_from_s=valid_from_s,
                valid_until_s=valid_until_s,
            ),
            cardholder=Cardholder(number=number, name=name, levels=tuple(levels.split())),
            pool_card=_pool_card(*of_pool),
        )

    def is_revoked(self, pseudonym: str) -> bool:
        """Whether the site took a credential back; see ports.store.Roster."""
        return bool(self._rows(self._revoked, *map(bytes.fromhex, self.forms(pseudonym))))

    def code_of(self, pseudonym: str) -> CodeHolder | None:
        """Find whose a code is; see ports.store.Roster."""
        from kazasu.model.code import CodeHolder, KeptPin  # few terminals have a keypad

        found = self._row(self._code_of, pseudonym)
        if not found or found[0] is None:
            return None
        number, name, levels, salt, digest, duress_digest = found
        return CodeHolder(
            cardholder=Cardholder(number=number, name=name, levels=tuple(levels.split())),
            kept=KeptPin(salt=salt, digest=digest, duress_digest=duress_digest),
            layer=self._layer,
        )

    def codes(self) -> tuple[tuple[str, bool], ...]:
        """The numbers of all who have a code, in order, and whether with a PIN of duress. Reads the whole table.

        Raises:
            RosterError: the file cannot be read.
        """
        return tuple((number, bool(duress)) for number, duress in self._rows(_CODES))

    def credentials_of(self, number: str) -> tuple[Enrolment, ...]:
        """All credentials of one person, in no order of meaning. Reads the whole file: for people, not for taps.

        Raises:
            RosterError: the file cannot be read.
        """
        with contextlib.closing(Roster(self._path)) as as_it_stands:
            found = (as_it_stands.look_up(pseudonym.hex()) for (pseudonym,) in self._rows(_CREDENTIALS_OF, number))
            return tuple(enrolment for enrolment in found if enrolment is not None)

    def find(self, number: str) -> Cardholder | None:
        """Find a person; see ports.store.Roster."""
        for found, name, levels in self._rows(_FIND, number):
            return Cardholder(number=found, name=name, levels=tuple(levels.split()))
        return None

    def pool(self) -> dict[str, Loan | None]:
        """The site's day cards, and to whom each is lent; see ports.store.Roster. Reads the table, which is bounded."""
        rows = self._rows(_POOL)
        return {card: loan_of(number, until_s) for card, number, until_s in rows}

    def from_site(self) -> FromSite | None:
        """Which of the site's rosters this is; None if it was made at this terminal, or there is none.

        Raises:
            RosterError: the file cannot be read.
        """
        rows = self._rows(_SITES)
        return FromSite(*rows[0]) if rows else None

    def rules(self) -> str:
        """The text of levels.toml that the site's roster brought; empty if it brought none.

        Raises:
            RosterError: the file cannot be read.
        """
        return "".join(f"{text}\n" for (text,) in self._rows(_RULES))

    def close(self) -> None:
        """Let the file go; calling it again does nothing."""
        if self._connection is not None:
            self._connection.close()
        self._connection = self._identity = None

    def _row(self, statement: str, pseudonym: str) -> tuple:  # type: ignore[type-arg]  # SQLite's row
        """Note version, age and layer, and return the rest: of None if nobody is found, empty without a roster."""
        rows = self._rows(statement, *map(bytes.fromhex, self.forms(pseudonym)))
        version, made_s, layer, *found = rows[0] if rows else _NO_ROSTER
        self._note(version, made_s, layer if rows or self._pepper is None else self._pepper.newest)
        if self._pepper is not None and self._layer not in self._pepper.ids:
            raise RosterError(
                f"{self._path} is under the layer {self._layer} of the pepper, and here are"
                f" {' and '.join(self._pepper.ids)}: `sudo kazasu renew` asks the site for it"
            )
        return tuple(found)

    def _note(self, version: int, made_s: int | None, layer: str | None) -> None:
        self._version, self._made_s = version, made_s
        if self._pepper is not None:
            self._layer = layer or self._pepper.ids[0]

    def _rows(self, statement: str, *values: bytes | str) -> list:  # type: ignore[type-arg]  # SQLite's rows
        try:
            connection = self._connect()
            return [] if connection is None else connection.execute(statement, values).fetchall()
        except (sqlite3.Error, OSError) as error:
            self.close()
            raise self._unreadable(error) from error

    def _unreadable(self, error: Exception) -> RosterError:
        return RosterError(f"{self._path} cannot be read: {error}; move it away and import the roster again")

    def _connect(self) -> sqlite3.Connection | None:
        try:
            status = self._path.stat()
        except FileNotFoundError:
            self.close()
            return None
        identity = (status.st_dev, status.st_ino)
        if identity != self._identity:
            self.close()
            # Writable, because an enrolment that lost its power half-way is undone by whoever looks next.
            connection = connect(self._path, "rw")
            try:
                connection.execute("PRAGMA query_only = ON")
                expect_version(connection, self._path, ROSTER)
            except BaseException:
                connection.close()
                raise
            self._connection, self._identity = connection, identity
        return self._connection


def _pool_card(
    card: str | None, number: str | None, until_s: int | None, name: str | None, levels: str | None
) -> PoolCard | None:
    """What a row says of a card as a day card; None: the site lends no such card."""
    if card is None:
        return None
    if number is None or name is None or levels is None:  # lent to nobody, or to somebody who is in the roster no more
        return PoolCard(loan_of(number, until_s))
    return PoolCard(loan_of(number, until_s), Cardholder(number=number, name=name, levels=tuple(levels.split())))


def _statements(pepper: Pepper | None) -> tuple[str, str, str]:
    """What finds a card, a code and a revocation; their parameters are a card's pseudonyms, a layer each."""
    ids = () if pepper is None else pepper.ids
    forms = ", ".join(f"?{number}" for number in range(1, len(ids) + 1)) or "?1"
    of_layer = "".join(f" WHEN '{layer}' THEN ?{number}" for number, layer in enumerate(ids, 1))
    known_as = f"CASE coalesce(pepper, '{ids[0]}'){of_layer} END" if ids else "?1"
    revoked = _REVOKED.format(forms=forms)
    look_up, code_of = (each.format(known_as=known_as, revoked=revoked) for each in (_LOOK_UP, _CODE_OF))
    return look_up, code_of, revoked


def upgrade(path: Path, schema: Schema = ROSTER) -> None:
    """Bring the roster of an older Kazasu up to date; durable on return. A missing one is none.

    Raises:
        RosterError: it is a newer Kazasu's, or none, or cannot be changed; nothing was.
    """
    if not path.exists():
        return
    try:
        with contextlib.closing(connect_to_change(path, schema)):
            pass
    except sqlite3.Error as error:
        raise RosterError(f"{path} cannot be brought up to date: {error}; nothing was changed") from error


def connect_to_change(path: Path, schema: Schema = ROSTER) -> sqlite3.Connection:
    """Open the roster, up to date, for changes that are durable.

    Raises:
        RosterError: it is a newer Kazasu's, or none; nothing was changed.
        sqlite3.Error: as usual.
    """
    connection = connect(path, "rw")
    try:
        connection.execute("PRAGMA synchronous = EXTRA")  # the removal of the rollback journal is the commit
        bring_up_to_date(connection, path, schema)
    except BaseException:
        connection.close()
        raise
    return connection

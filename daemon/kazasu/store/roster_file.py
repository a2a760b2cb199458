"""Changing a roster: the lock that all changes take, and the single ones that the command line makes.

The file uses SQLite's rollback journal, not a write-ahead log: between two changes there is nothing beside it, and so
an import can put another file in its place. A rollback journal that a lost power left behind belongs to the old file;
taking the lock first undoes that change and removes it.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from kazasu.errors import RosterError
from kazasu.store.durable import sync_directory
from kazasu.store.migration import bring_up_to_date
from kazasu.store.roster import ROSTER, connect_to_change
from kazasu.store.roster_csv import cardholder_problems, levels_problems

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kazasu.model.access import Enrolment
    from kazasu.model.code import KeptPin


class CodeTaken(RosterError):
    """Somebody else has the code."""


@contextlib.contextmanager
def locked_roster(path: Path, *, by_site: bool = False) -> Iterator[int]:
    """Keep everybody else from changing the roster, while look-ups go on; gives its version, 0 if it is missing.

    Args:
        path: the roster.
        by_site: the site's own roster is to be changed, too.

    Raises:
        RosterError: it cannot be read, somebody else is changing it, or it is the site's.
    """
    if not path.exists():
        yield 0
        return
    with contextlib.closing(begin_change(path)) as connection:
        if not by_site:
            _refuse_the_sites(connection)
        yield connection.execute("SELECT version FROM roster").fetchone()[0]


def begin_roster(
    connection: sqlite3.Connection, version: int, made_s: int | None = None, layer: str | None = None
) -> None:
    """Write the row that a new roster has.

    Args:
        connection: to it.
        version: its first.
        made_s: when it was imported whole, Unix time.
        layer: of the pepper, that its pseudonyms will be under; None: the first.
    """
    connection.execute(
        "INSERT INTO roster (only_row, version, made_s, pepper) VALUES (1, ?, ?, ?)", (version, made_s, layer)
    )


def make_durable(new_path: Path, roster_path: Path) -> None:
    """Flush a new roster that will be moved to `roster_path`, and give it to the daemon.

    Raises:
        OSError: as usual.
    """
    descriptor = os.open(new_path, os.O_RDWR)
    try:
        os.fchmod(descriptor, 0o600)
        if os.geteuid() == 0:
            # Root changes it, the daemon reads it: it belongs to whoever owns the directory.
            owner = roster_path.parent.stat()
            os.fchown(descriptor, owner.st_uid, owner.st_gid)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def enroll(path: Path, enrolment: Enrolment, layer: str | None = None) -> int:
    """Add one credential, or change it if it is known; the cardholder is added or renamed with it. Durable on return.

    Args:
        path: the roster; made if it is missing.
        enrolment: the credential, under the roster's layer of the pepper, and its holder.
        layer: which that is, if the roster is missing; None: the first.

    Returns:
        The roster's new version.

    Raises:
        RosterError: the number or name cannot be used, or the roster cannot be changed; nothing was.
    """
    _check(enrolment)
    _make_file(path, layer)
    with _changing(path) as connection:
        _put(connection, enrolment)
        return _raise_version(connection)


def renew(path: Path, enrolment: Enrolment, old: str, old_ends_s: int) -> int:
    """Add the credential that takes the place of another of the same person, and let that one end. Durable on return.

    Args:
        path: the roster.
        enrolment: the new credential and its holder.
        old: the pseudonym of the credential that ends.
        old_ends_s: when, Unix time; if it ends earlier already, that stays.

    Returns:
        The roster's new version.

    Raises:
        RosterError: the old credential is not this person's, is the new one itself, or the roster cannot be changed;
            nothing was.
    """
    _check(enrolment)
    new, number = enrolment.credential.pseudonym, enrolment.cardholder.number
    if new == old:
        raise RosterError(f"this is the card {old} itself; tap the one that takes its place; nothing was changed")
    _expect_there(path)
    with _changing(path) as connection:
        ended = connection.execute(
            "UPDATE credential SET valid_until_s = min(coalesce(valid_until_s, ?1), ?1)"
            " WHERE pseudonym = ?2 AND cardholder = ?3",
            (old_ends_s, bytes.fromhex(old), number),
        ).rowcount
        if not ended:
            raise RosterError(f"{path}: {number} has no credential {old}; nothing was changed")
        _put(connection, enrolment)
        return _raise_version(connection)


def _check(enrolment: Enrolment) -> None:
    cardholder = enrolment.cardholder
    problems = cardholder_problems(cardholder.number, cardholder.name) + levels_problems(cardholder.levels)
    if problems:
        raise RosterError("; ".join(problems))


def _put(connection: sqlite3.Connection, enrolment: Enrolment) -> None:
    credential, cardholder = enrolment.credential, enrolment.cardholder
    connection.execute(
        "INSERT OR REPLACE INTO cardholder (number, name, levels) VALUES (?, ?, ?)",
        (cardholder.number, cardholder.name, " ".join(sorted(set(cardholder.levels)))),
    )
    connection.execute(
        "INSERT OR REPLACE INTO credential VALUES (?, ?, ?, ?, ?)",
        (
            bytes.fromhex(credential.pseudonym),
            cardholder.number,
            credential.min_assurance.value,
            credential.valid_from_s,
            credential.valid_until_s,
        ),
    )


def remove(path: Path, pseudonym: str) -> int:
    """Remove one credential, and with the last one its cardholder, who may have a code still. Durable on return.

    Returns:
        The roster's new version.

    Raises:
        RosterError: there is no such credential, or the roster cannot be changed; nothing was.
    """
    _expect_there(path)
    with _changing(path) as connection:
        rows = connection.execute(
            "DELETE FROM credential WHERE pseudonym = ? RETURNING cardholder", (bytes.fromhex(pseudonym),)
        ).fetchall()
        if not rows:
            raise RosterError(f"{path}: the credential {pseudonym} is not enrolled")
        connection.execute(
            "DELETE FROM cardholder WHERE number = ?1 AND NOT EXISTS (SELECT 1 FROM credential WHERE cardholder = ?1)"
            " AND NOT EXISTS (SELECT 1 FROM code WHERE cardholder = ?1)",
            rows[0],
        )
        return _raise_version(connection)


def set_code(path: Path, number: str, pseudonym: str, kept: KeptPin) -> int:
    """Give a person a code, or another one in its place. Durable on return.

    Args:
        path: the roster.
        number: the person's.
        pseudonym: of the code.
        kept: what is kept of its PIN.

    Returns:
        The roster's new version.

    Raises:
        RosterError: nobody has this number, somebody else has this code, or the roster cannot be changed; nothing was.
    """
    _expect_there(path)
    with _changing(path) as connection:
        if not connection.execute("SELECT 1 FROM cardholder WHERE number = ?", (number,)).fetchall():
            raise RosterError(f"{number} is not in the roster; nothing was changed")
        code = bytes.fromhex(pseudonym)
        taken = "SELECT 1 FROM code WHERE pseudonym = ? AND cardholder <> ?"
        if connection.execute(taken, (code, number)).fetchall():
            raise CodeTaken("somebody else has this code: take another; nothing was changed")
        connection.execute("DELETE FROM code WHERE cardholder = ?", (number,))
        connection.execute(
            "INSERT INTO code (pseudonym, cardholder, salt, digest, duress_digest) VALUES (?, ?, ?, ?, ?)",
            (code, number, kept.salt, kept.digest, kept.duress_digest),
        )
        return _raise_version(connection)


def remove_code(path: Path, number: str) -> int:
    """Take a person's code away. Durable on return.

    Returns:
        The roster's new version.

    Raises:
        RosterError: the person has none, or the roster cannot be changed; nothing was.
    """
    _expect_there(path)
    with _changing(path) as connection:
        if not connection.execute("DELETE FROM code WHERE cardholder = ?", (number,)).rowcount:
            raise RosterError(f"{path}: {number} has no code")
        return _raise_version(connection)


def _expect_there(path: Path) -> None:
    if not path.exists():
        raise RosterError(f"{path} is missing: nobody is enrolled")


@contextlib.contextmanager
def _changing(path: Path) -> Iterator[sqlite3.Connection]:
    """Give a transaction that is durable at the end, or undone if anything goes wrong.

    Raises:
        RosterError: the roster is the site's, or cannot be changed; nothing was.
    """
    try:
        with contextlib.closing(begin_change(path)) as connection:
            _refuse_the_sites(connection)
            yield connection
            connection.execute("COMMIT")
    except sqlite3.Error as error:
        raise RosterError(f"{path} cannot be changed: {error}; nothing was") from error


def _refuse_the_sites(connection: sqlite3.Connection) -> None:
    """What the site signed is changed at the site alone: a change here would be gone with its next version."""
    version, sha256 = connection.execute("SELECT version, sha256 FROM roster").fetchone()
    if sha256 is not None:
        raise RosterError(
            f"this terminal's roster is the site's, version {version}, and is not changed here: change"
            " roster/people.csv at the desk and publish it with `kazasu site publish`, or end one card everywhere with"
            " `kazasu site revoke-card`; nothing was changed"
        )


def begin_change(path: Path) -> sqlite3.Connection:
    """Open the roster and take its lock.

    Raises:
        RosterError: it cannot be read, or somebody else holds the lock.
    """
    try:
        with contextlib.ExitStack() as undo:
            connection = undo.enter_context(contextlib.closing(connect_to_change(path)))
            connection.execute("BEGIN IMMEDIATE")
            undo.pop_all()
    except sqlite3.OperationalError as error:
        raise RosterError(f"{path} cannot be changed now: {error}; nothing was") from error
    except sqlite3.Error as error:
        raise RosterError(f"{path} is damaged: {error}; move it away and import the roster again") from error
    return connection


def _raise_version(connection: sqlite3.Connection) -> int:
    rows: list[tuple[int]] = connection.execute("UPDATE roster SET version = version + 1 RETURNING version").fetchall()
    return rows[0][0]


def _make_file(path: Path, layer: str | None) -> None:
    """Make an empty roster if there is none; it appears whole or not at all, because the daemon may be looking."""
    if path.exists():
        return
    try:
        with tempfile.TemporaryDirectory(prefix=f".{path.name}-", dir=path.parent) as directory:
            new_path = Path(directory) / "roster"
            with contextlib.closing(sqlite3.connect(new_path, isolation_level=None)) as connection:
                bring_up_to_date(connection, path, ROSTER, lambda new: begin_roster(new, 0, layer=layer))
            make_durable(new_path, path)
            with contextlib.suppress(FileExistsError):
                path.hardlink_to(new_path)
        sync_directory(path.parent)
    except (sqlite3.Error, OSError) as error:
        raise RosterError(f"{path} cannot be made: {error}") from error

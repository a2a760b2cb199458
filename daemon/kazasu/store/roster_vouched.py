"""What the site says of a roster beside its people: which manifest vouches for it, and what is revoked."""

from __future__ import annotations

import contextlib
import sqlite3
from typing import TYPE_CHECKING

from kazasu.errors import RosterError
from kazasu.store.roster_file import begin_change

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from kazasu.model.roster_manifest import Manifest


def revoke(path: Path, pseudonyms: Iterable[str]) -> None:
    """Let credentials be worth nothing from the next look-up on, whatever the roster says of them. Durable on return.

    Raises:
        RosterError: the roster cannot be changed; nothing was.
    """
    if not path.exists():
        return  # nobody is known
    try:
        with contextlib.closing(begin_change(path)) as connection:
            rows = ((bytes.fromhex(pseudonym),) for pseudonym in pseudonyms)
            connection.executemany("INSERT OR IGNORE INTO revoked VALUES (?)", rows)
            connection.execute("COMMIT")
    except sqlite3.Error as error:
        raise RosterError(f"{path} cannot be changed: {error}; nothing was") from error


def vouch(path: Path, manifest: Manifest) -> None:
    """Take over a newer manifest of the same roster: its age, its version and all that it revokes. Durable on return.

    Raises:
        RosterError: the roster cannot be changed; nothing was.
    """
    try:
        with contextlib.closing(begin_change(path)) as connection:
            write_vouched(connection, manifest)
            connection.execute("COMMIT")
    except sqlite3.Error as error:
        raise RosterError(f"{path} cannot be changed: {error}; nothing was") from error


def write_vouched(connection: sqlite3.Connection, manifest: Manifest) -> None:
    """Write what the manifest says of a roster, within a transaction."""
    connection.execute(
        "UPDATE roster SET version = ?, made_s = ?, sha256 = ?, manifest = ?, expires_s = ?, pepper = ?",
        (manifest.version, manifest.made_s, manifest.sha256, manifest.digest, manifest.expires_s, manifest.pepper),
    )
    connection.execute("DELETE FROM revoked")
    rows = ((bytes.fromhex(pseudonym),) for pseudonym in manifest.revoked)
    connection.executemany("INSERT OR IGNORE INTO revoked VALUES (?)", rows)

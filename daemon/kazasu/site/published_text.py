"""roster/published.txt: the text of the roster that was published last, as the desk keeps it and looks things up in it.

It is what the next roster is compared with, and what a stolen card is found in. In constant memory, as all of this.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from typing import TYPE_CHECKING

from kazasu.errors import RosterError
from kazasu.model.roster_text import CARD, CODE, in_order, parsed
from kazasu.store.durable import sync_directory

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class PublishedText:
    """The file, which may be missing.

    Args:
        path: where it is.
        sha256: of what was published; after a crash the text may be a newer one.
    """

    def __init__(self, path: Path, sha256: str) -> None:
        self._path = path
        self._sha256 = sha256

    def lines(self) -> Iterator[bytes]:
        """All of it.

        Raises:
            RosterError: it is damaged.
        """
        check_last(self._path, self._sha256)
        return lines_in_file(self._path)

    def keep(self, text: Path) -> None:
        """Let another take its place, whole on the disk before a record names it: what is revoked next hangs on it."""
        staged = self._path.with_name(f".{self._path.name}.new")
        staged.unlink(missing_ok=True)  # of a run that lost its power
        staged.touch(mode=0o600)  # as codes.csv, whose hashes are in it
        with text.open("rb") as source, staged.open("wb") as file:
            shutil.copyfileobj(source, file)
            file.flush()
            os.fsync(file.fileno())
        staged.replace(self._path)
        sync_directory(self._path.parent)

    def credentials_of(self, cardholder: str) -> list[str]:
        """The cards and the code of a person by their pseudonyms.

        Raises:
            RosterError: its text is damaged.
        """
        kinds = (CARD + b"\t", CODE + b"\t")
        lines = (line.decode().rstrip("\n").split("\t") for line in self.lines() if line.startswith(kinds))
        return [pseudonym for _, pseudonym, number, *_ in lines if number == cardholder]

    def holder_of(self, pseudonym: str) -> str:
        """Whose card or code this is; empty if it is nobody's."""
        begins = tuple(kind + f"\t{pseudonym}\t".encode() for kind in (CARD, CODE))
        found = next((line for line in self.lines() if line.startswith(begins)), b"\t\t")
        return found.decode().rstrip("\n").split("\t")[2]


def lines_in_file(path: Path) -> Iterator[bytes]:
    """The lines of a roster's text; a missing file has none."""
    if not path.exists():
        return
    with path.open("rb") as file:
        yield from file


def check_last(path: Path, sha256: str) -> None:
    """Return if the text of the last roster is one, or missing.

    Args:
        path: where it is.
        sha256: of what was published; after a crash the text may be a newer one.

    Raises:
        RosterError: it is damaged.
    """
    if not path.exists() or sha256_of(path) == sha256:
        return
    try:
        for line in in_order(lines_in_file(path)):
            parsed(line)
    except RosterError as error:
        raise RosterError(
            f"{path} is damaged: {error}; remove it, and `kazasu site publish` sends the whole roster once"
        ) from error


def sha256_of(path: Path) -> str:
    """Of a roster's text."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

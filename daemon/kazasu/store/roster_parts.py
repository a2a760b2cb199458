"""What has come of the site's roster so far: its manifest, durable, and parts, sealed, each under its own hash.

A part is not flushed: it is looked at again when it is used, and one that a power cut has spoilt is asked for again.
The manifest is what no roster may be older than, so it is flushed before anything is done about it.
"""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

from kazasu.errors import RosterError
from kazasu.store.durable import sync_directory

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

_MANIFEST = "manifest.json"
_LEFT_BYTES = 100 * 1024 * 1024  # what stays for the journal: without room nobody gets green


class PartSpoilt(RosterError):
    """A part that was here is here no longer, or is not what it was; it has to come again."""


class PartStore:
    """A folder of its own in the state directory. The roster thread only.

    Args:
        folder: made if it is missing.

    Raises:
        OSError: it cannot be made.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, exist_ok=True)
        self._folder = folder
        self._here = {path.name for path in folder.iterdir()}

    @property
    def new_path(self) -> Path:
        """Where the next roster is made."""
        return self._folder / "new.db"

    def manifest(self) -> bytes | None:
        """The manifest that was kept last; None if there is none."""
        try:
            return (self._folder / _MANIFEST).read_bytes()
        except FileNotFoundError:
            return None

    def keep_manifest(self, payload: bytes) -> None:
        """Keep a manifest; durable on return.

        Raises:
            OSError: no room, and the like; the one before stays.
        """
        path = self._folder / f"{_MANIFEST}.new"
        with path.open("wb") as file:
            file.write(payload)
            file.flush()
            os.fsync(file.fileno())
        path.replace(self._folder / _MANIFEST)
        sync_directory(self._folder)

    def room_for(self, size_bytes: int) -> bool:
        """Whether there is so much room, and enough besides for everything else."""
        status = os.statvfs(self._folder)
        return status.f_bavail * status.f_frsize - size_bytes >= _LEFT_BYTES

    def has(self, digest: str) -> bool:
        """Whether a part is here, sound or not."""
        return digest in self._here

    def put(self, digest: str, part: bytes) -> None:
        """Keep a part.

        Raises:
            OSError: no room, and the like.
        """
        path = self._folder / f"{digest}.new"
        try:
            path.write_bytes(part)
            path.replace(self._folder / digest)
            self._here.add(digest)
        except OSError:
            path.unlink(missing_ok=True)
            raise

    def get(self, digest: str) -> bytes | None:
        """A part; None if it is not here, or not what it was: then it is gone."""
        path = self._folder / digest
        try:
            part = path.read_bytes()
        except FileNotFoundError:
            part = b""
        if hashlib.sha256(part).hexdigest() != digest:
            path.unlink(missing_ok=True)
            self._here.discard(digest)
            return None
        return part

    def keep_only(self, digests: Collection[str]) -> None:
        """Remove every part but these."""
        for name in self._here - {*digests, _MANIFEST, self.new_path.name}:
            (self._folder / name).unlink(missing_ok=True)
            self._here.discard(name)

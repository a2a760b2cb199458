"""Files that are whole on the disk after a power cut."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def write_durable(path: Path, content: bytes, mode: int) -> None:
    """Write a file that is not there yet, with this mode whatever the umask; its entry is `sync_directory`'s.

    On a full disk nothing is left of it: half a key would stand in the way of the next try.

    Raises:
        FileExistsError: it is there.
        OSError: as usual.
    """
    descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(descriptor, mode)
            file.write(content)
            file.flush()
            os.fsync(descriptor)
    except OSError:
        path.unlink()
        raise


def make_directory(path: Path) -> None:
    """Make a directory that only we enter, and those above it that are missing, all durable.

    Raises:
        OSError: as usual.
    """
    missing = [directory for directory in (path, *path.parents) if not directory.exists()]
    for directory in reversed(missing):
        directory.mkdir(mode=0o700, exist_ok=True)
        sync_directory(directory.parent)


def sync_directory(path: Path) -> None:
    """Make the directory's entries durable.

    Raises:
        OSError: as usual.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

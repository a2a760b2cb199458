"""Every system call by which a running process changes or flushes a file, as strace sees it."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Self

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

FLUSHES = frozenset({"fsync", "fdatasync", "sync_file_range", "msync", "sync", "syncfs"})
_CALLS = (
    *FLUSHES,
    *("write", "writev", "pwrite64", "pwritev", "pwritev2", "sendfile", "copy_file_range", "fallocate"),
    *("ftruncate", "truncate", "open", "openat", "creat", "mkdir", "mkdirat", "link", "linkat", "symlink", "symlinkat"),
    *("unlink", "unlinkat", "rmdir", "rename", "renameat", "renameat2", "utimensat", "chmod", "fchmod", "fchmodat"),
)
_LINE = re.compile(r"\d+ +(?P<call>\w+)\((?P<rest>.*)")
_FILE = re.compile(r'(?:\d+|AT_FDCWD)<(?P<fd>[^>]*)>(?:, )?(?:"(?P<name>(?:[^"\\]|\\.)*)")?')
_SIZE = re.compile(r'""(?:\.\.\.)?, (\d+)')


class Change(NamedTuple):
    """One call.

    Attributes:
        call: its name.
        path: of the file.
        size_bytes: handed over to be written; 0 for any other call.
    """

    call: str
    path: Path
    size_bytes: int


class DiskTrace:
    """Watches a process and its threads while the context is entered.

    Attributes:
        changes: what it did to files, known when the context was left; not to sockets, pipes and devices.
    """

    def __init__(self, pid: int, directory: Path) -> None:
        self._pid = pid
        self._output = directory / "trace"
        self._strace: subprocess.Popen[str] | None = None
        self.changes: Sequence[Change] = ()

    def __enter__(self) -> Self:
        calls = ",".join(f"?{call}" for call in _CALLS)
        command = ["strace", "-f", "-y", "-s", "0", "-e", f"trace={calls}", "-e", "signal=none"]
        self._strace = subprocess.Popen(
            [*command, "-o", self._output, "-p", str(self._pid)], stderr=subprocess.PIPE, text=True
        )
        assert self._strace.stderr is not None
        line = self._strace.stderr.readline()
        assert "attached" in line, line
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        assert self._strace is not None
        self._strace.terminate()
        self._strace.communicate()
        lines = self._output.read_text(encoding="utf-8", errors="replace").splitlines()
        self.changes = [change for line in lines if (change := parsed(line)) is not None]


def parsed(line: str) -> Change | None:
    """What a line of strace's says of a file; None if it is about something else, or about reading."""
    found = _LINE.match(line)
    if found is None or (found["call"].startswith("open") and not re.search(r"O_CREAT|O_TRUNC", line)):
        return None
    file = _FILE.match(found["rest"])
    if file is None:
        return Change(found["call"], Path(found["rest"]), 0)
    if not file["fd"].startswith("/") or file["fd"].startswith("/dev/"):
        return None
    size = _SIZE.search(found["rest"]) if "write" in found["call"] else None
    return Change(found["call"], Path(file["fd"], file["name"] or ""), int(size[1]) if size else 0)

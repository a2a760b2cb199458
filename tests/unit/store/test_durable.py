"""What is flushed, as the kernel is asked; what a power cut leaves is in tests/vm."""

from __future__ import annotations

import contextlib
import os
import resource
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fakes.disk_trace import FLUSHES, DiskTrace
from kazasu.store.durable import sync_directory, write_durable

if TYPE_CHECKING:
    from collections.abc import Iterator

OPEN = Path("/proc/self/fd")


@contextlib.contextmanager
def room_for_ten_bytes() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_file_is_flushed_after_its_last_byte_and_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "cursor.db"
    with DiskTrace(os.getpid(), tmp_path) as trace:
        write_durable(path, b"x" * 1000, 0o600)
    calls = [change for change in trace.changes if change.path == path]
    assert sum(change.size_bytes for change in calls) == 1000
    assert "fchmod" in {change.call for change in calls}
    assert calls[-1].call in FLUSHES


def test_a_directory_is_flushed_itself(tmp_path: Path) -> None:
    with DiskTrace(os.getpid(), tmp_path) as trace:
        sync_directory(tmp_path)
    assert [change.call for change in trace.changes if change.path == tmp_path] == ["fsync"]


@pytest.mark.parametrize("mode", [0o600, 0o666])
def test_a_file_has_its_mode_whatever_the_umask(tmp_path: Path, mode: int) -> None:
    before = os.umask(0o077)
    write_durable(tmp_path / "file", b"content", mode)
    os.umask(before)
    assert (tmp_path / "file").stat().st_mode & 0o777 == mode
    assert (tmp_path / "file").read_bytes() == b"content"


def test_what_is_there_is_never_written_over(tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(b"the only one")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    for name in ("key", "link"):
        with pytest.raises(FileExistsError):
            write_durable(tmp_path / name, b"another", 0o600)
    assert (tmp_path / "key").read_bytes() == b"the only one"
    assert not (tmp_path / "nowhere").exists()


def test_no_descriptor_stays_open(tmp_path: Path) -> None:
    before = len(list(OPEN.iterdir()))
    for number in range(5):
        write_durable(tmp_path / str(number), b"", 0o600)
        sync_directory(tmp_path)
    with pytest.raises(NotADirectoryError):
        sync_directory(tmp_path / "0")
    assert len(list(OPEN.iterdir())) <= before


def test_nothing_is_left_of_what_has_no_room(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="File too large"), room_for_ten_bytes():
        write_durable(tmp_path / "site.key", b"x" * 100, 0o600)
    assert not (tmp_path / "site.key").exists()

"""What is read from a write log is what was written to the disk."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from vm.write_log import Entry, State, apply, read_log, states

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def recorded(tmp_path: Path) -> tuple[Path, list[Entry]]:
    """QEMU writes, and keeps a log of it."""
    disk, log = tmp_path / "disk", tmp_path / "log"
    disk.write_bytes(bytes(64 << 10))
    log.touch()
    options = f"driver=blklogwrites,file.driver=file,file.filename={disk},log.driver=file,log.filename={log}"
    commands = ("write -P 1 0 4k", "flush", "write -P 2 4k 4k", "write -P 3 8k 4k", "write -P 4 0 4k", "flush")
    subprocess.run(
        ["qemu-io", "--image-opts", options, *(word for command in commands for word in ("-c", command))],
        check=True,
        capture_output=True,
    )
    return disk, read_log(log)


def test_the_log_put_on_an_empty_disk_makes_the_disk(recorded: tuple[Path, list[Entry]], tmp_path: Path) -> None:
    disk, entries = recorded
    copy = tmp_path / "copy"
    copy.write_bytes(bytes(64 << 10))

    apply(copy, entries)

    assert copy.read_bytes() == disk.read_bytes()
    assert disk.read_bytes()[:512] == b"\x04" * 512


def test_a_cut_leaves_what_was_flushed_and_any_part_of_the_rest(recorded: tuple[Path, list[Entry]]) -> None:
    _, entries = recorded
    first_flush = next(index for index, entry in enumerate(entries) if entry.flush) + 1

    tried = [state for state in states(entries, 0, len(entries), seed=1, samples=20) if state.durable == first_flush]

    assert State(f"flush {first_flush}", first_flush, ()) in tried
    parts = {frozenset(entries[index].data[:1] for index in state.extra) for state in tried}
    assert frozenset({b"\x02"}) in parts, "the first write only"
    assert any(b"\x03" in part and b"\x02" not in part for part in parts), "a later one without an earlier one"


def test_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b"x" * 512)

    with pytest.raises(ValueError, match="is no write log"):
        read_log(tmp_path / "log")

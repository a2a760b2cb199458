"""Files are put in place all together, or not at all."""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from kazasu.cli.setup.files import PUBLIC, SECRET, NewFile, install, make_folders, signals_held

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.rglob("*") if path.is_file()}


def test_new_files_are_there_with_their_modes(tmp_path: Path) -> None:
    new = [NewFile(tmp_path / "etc/keys/a.key", b"a", SECRET), NewFile(tmp_path / "etc/mqtt/b.pem", b"b", PUBLIC)]
    make_folders(new)
    before = os.umask(0o077)
    install(new)
    os.umask(before)
    assert [file.path.read_bytes() for file in new] == [b"a", b"b"]
    assert [file.path.stat().st_mode & 0o777 for file in new] == [0o600, 0o644]
    assert (tmp_path / "etc/keys").stat().st_mode & 0o777 == 0o700
    assert all(file.there for file in new)
    assert names(tmp_path) == {"a.key", "b.pem"}


def test_what_was_there_before_stays_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "kazasu.toml"
    for content in (b"one", b"two", b"two", b"three"):
        install([NewFile(path, content, PUBLIC)])
    assert path.read_bytes() == b"three"
    assert (tmp_path / "kazasu.toml.old").read_bytes() == b"two"
    assert names(tmp_path) == {"kazasu.toml", "kazasu.toml.old"}


def test_a_secret_that_others_could_read_becomes_private_with_its_old_name(tmp_path: Path) -> None:
    path = tmp_path / "client.key"
    path.write_bytes(b"one")
    path.chmod(0o644)
    install([NewFile(path, b"two", SECRET)])
    assert {file.stat().st_mode & 0o777 for file in tmp_path.iterdir()} == {0o600}
    (tmp_path / "same.key").write_bytes(b"one")
    (tmp_path / "same.key").chmod(0o644)
    install([NewFile(tmp_path / "same.key", b"one", SECRET)])
    assert (tmp_path / "same.key").stat().st_mode & 0o777 == 0o600
    assert not (tmp_path / "same.key.old").exists()


def test_if_one_cannot_be_written_all_stay_as_they_were(tmp_path: Path) -> None:
    path = tmp_path / "kazasu.toml"
    path.write_bytes(b"one")
    with pytest.raises(FileNotFoundError):
        install([NewFile(path, b"two", PUBLIC), NewFile(tmp_path / "nowhere" / "b", b"b", PUBLIC)])
    assert path.read_bytes() == b"one"
    assert names(tmp_path) == {"kazasu.toml"}


def test_what_a_run_without_power_left_behind_does_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "kazasu.toml"
    path.write_bytes(b"one")
    (tmp_path / ".kazasu.toml.new").write_bytes(b"half")
    (tmp_path / "kazasu.toml.old").hardlink_to(path)
    (tmp_path / ".kazasu.toml.old.new").hardlink_to(path)
    install([NewFile(path, b"two", PUBLIC)])
    assert path.read_bytes() == b"two"
    assert (tmp_path / "kazasu.toml.old").read_bytes() == b"one"
    assert names(tmp_path) == {"kazasu.toml", "kazasu.toml.old"}


@pytest.fixture
def another_thread() -> Iterator[None]:
    """One that blocks no signal, as lgpio's: whatever the main thread blocks comes to it."""
    over = threading.Event()
    thread = threading.Thread(target=over.wait)
    thread.start()
    yield
    over.set()
    thread.join()


@pytest.fixture
def arrived() -> Iterator[socket.socket]:
    """Readable once a signal has come to any thread of the process, before anything in Python hears of it."""
    readable, written = socket.socketpair()
    written.setblocking(False)
    before = signal.set_wakeup_fd(written.fileno())
    yield readable
    signal.set_wakeup_fd(before)
    readable.close()
    written.close()


def test_ctrl_c_waits_until_the_files_are_in_place(another_thread: None, arrived: socket.socket) -> None:
    reached = []

    def interrupted() -> None:
        with signals_held():
            os.kill(os.getpid(), signal.SIGINT)
            assert select.select([arrived], [], [], 60)[0]
            reached.append("the end")

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert reached == ["the end"]


def test_what_was_to_happen_at_a_signal_happens_again_afterwards() -> None:
    with pytest.raises(KeyboardInterrupt), signals_held(), signals_held():
        signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert {signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)} == {signal.SIG_DFL}


_KILLED = """
import os, signal, sys, threading
from pathlib import Path
from kazasu.cli.setup import files
folder = Path(sys.argv[1])
replaced = 0
replace = Path.replace
def cut(self, target):
    global replaced
    replaced += 1
    if replaced == int(sys.argv[2]):
        os.kill(os.getpid(), int(sys.argv[3]))
    return replace(self, target)
Path.replace = cut
threading.Thread(target=threading.Event().wait, daemon=True).start()
files.install([files.NewFile(folder / name, b"new", files.PUBLIC) for name in ("a", "b")])
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_who_interrupts_finds_all_files_changed(tmp_path: Path, number: signal.Signals) -> None:
    for name in ("a", "b"):
        (tmp_path / name).write_bytes(b"old")
    command: list[str | Path] = [sys.executable, "-c", _KILLED, tmp_path, "2", str(int(number))]
    assert subprocess.run(command, check=False, stderr=subprocess.DEVNULL).returncode == -number
    assert [(tmp_path / name).read_bytes() for name in ("a", "b")] == [b"new", b"new"]
    assert names(tmp_path) == {"a", "b", "a.old", "b.old"}


@pytest.mark.parametrize("moment", [1, 2, 3, 4])
def test_a_power_cut_leaves_each_file_whole(tmp_path: Path, moment: int) -> None:
    for name in ("a", "b"):
        (tmp_path / name).write_bytes(b"old")
    command: list[str | Path] = [sys.executable, "-c", _KILLED, tmp_path, str(moment), str(int(signal.SIGKILL))]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    assert {(tmp_path / name).read_bytes() for name in ("a", "b")} <= {b"old", b"new"}
    install([NewFile(tmp_path / name, b"new", PUBLIC) for name in ("a", "b")])
    assert [(tmp_path / name).read_bytes() for name in ("a", "b")] == [b"new", b"new"]
    assert names(tmp_path) <= {"a", "b", "a.old", "b.old"}

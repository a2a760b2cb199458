"""`kazasu site watch` against a real mosquitto with two real publishers."""

from __future__ import annotations

import datetime as dt
import json
import os
import pty
import select
import shutil
import subprocess
import sys
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from fakes.publishing import SITE, Rig, RunningClock
from fakes.site_folder import reading_site
from kazasu.publishers.wire import Topics
from kazasu.virtual.broker import PrivateBroker
from kazasu.virtual.subscriber import CheckingSubscriber

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TERMINALS = ("entrance-1", "hall-1")


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[PrivateBroker]:
    with PrivateBroker(tmp_path / "broker") as broker:
        yield broker


@pytest.fixture
def rigs(broker: PrivateBroker) -> Iterator[dict[str, Rig]]:
    with ExitStack() as stack:
        rigs = {}
        for terminal in TERMINALS:
            rig = Rig(broker.client(terminal), clock=RunningClock(dt.datetime.now(dt.UTC)))
            rig.settings = replace(rig.settings, terminal=terminal)
            rig.board.note(reader_desk="present", roster_version=12)
            stack.callback(rig.stop)
            rig.start()
            rigs[terminal] = rig
        yield rigs


@pytest.fixture
def reader(broker: PrivateBroker, rigs: dict[str, Rig]) -> Iterator[CheckingSubscriber]:
    """Somebody who hears when both terminals have said everything."""
    verifiers = {terminal: rig.verifiers[TERMINALS[0]] for terminal, rig in rigs.items()}
    with CheckingSubscriber(broker.client("collector"), SITE, verifiers) as reader:
        healths = {Topics(SITE, terminal).health for terminal in TERMINALS}
        assert reader.wait_for(lambda: reader.retained.keys() >= healths)
        yield reader


def command(folder: Path, *options: str) -> list[str]:
    return [sys.executable, "-m", "kazasu", "site", "watch", *options, "--site", str(folder)]


@pytest.fixture
def folder(broker: PrivateBroker, tmp_path: Path) -> Path:
    return reading_site(tmp_path / "site", SITE, broker, "operations")


def test_into_a_pipe_it_says_once_how_every_terminal_is(
    folder: Path, rigs: dict[str, Rig], reader: CheckingSubscriber
) -> None:
    rigs["hall-1"].board.alert("reader_door", "reader door is missing: \x1b[2Junplugged")
    assert reader.wait_for(lambda: Topics(SITE, "hall-1").alert("reader_door") in reader.retained)
    seen = subprocess.run(command(folder, "--json"), capture_output=True, check=False, timeout=60)
    assert seen.returncode == 1, seen.stderr
    terminals = [json.loads(line) for line in seen.stdout.splitlines()]
    assert [terminal["health"]["alerts"] for terminal in terminals] == [1, 0]
    assert [(terminal["terminal"], terminal["state"], terminal["problems"]) for terminal in terminals] == [
        ("hall-1", "online", ["reader door is missing: �[2Junplugged"]),
        ("entrance-1", "online", []),
    ]


def test_the_live_view_follows_a_terminal_that_stops_and_a_broker_that_goes(
    folder: Path, broker: PrivateBroker, rigs: dict[str, Rig], reader: CheckingSubscriber
) -> None:
    ours, theirs = pty.openpty()
    environment = os.environ | {"TERM": "xterm", "COLUMNS": "120", "LINES": "24"}
    view = subprocess.Popen(command(folder), stdin=theirs, stdout=theirs, stderr=theirs, env=environment)
    os.close(theirs)
    screen = Screen(ours)
    try:
        screen.wait_for("2 in order")
        rigs["hall-1"].stop()
        screen.wait_for("1 down")
        screen.wait_for("stopped in order")
        broker.stop()
        screen.wait_for("no connection, so this is old")
        os.write(ours, b"q")
        assert view.wait(30) == 0
    finally:
        view.kill()
        view.wait()
        os.close(ours)


def test_a_client_that_may_not_read_is_told_so(broker: PrivateBroker, tmp_path: Path) -> None:
    folder = reading_site(tmp_path / "site", SITE, broker, "operations")
    stranger = broker.client("nobody")
    shutil.copyfile(stranger.certificate_file, folder / "clients" / "operations.pem")
    shutil.copyfile(stranger.key_file, folder / "keys" / "clients" / "operations.key")
    told = subprocess.run(command(folder, "--once"), capture_output=True, check=False, timeout=60, text=True)
    assert told.returncode == 1
    assert "the access list does not let this client read" in told.stdout


class Screen:
    """What a program writes to a terminal."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def wait_for(self, words: str) -> None:
        """Wait until it writes them, from now on."""
        written, until_s = b"", time.monotonic() + 60
        while words.encode() not in written:
            ready, _, _ = select.select([self._descriptor], [], [], max(0.0, until_s - time.monotonic()))
            assert ready, f"{words!r} does not come; last {written[-2000:]!r}"
            written += os.read(self._descriptor, 4096)

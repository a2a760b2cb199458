"""What Prometheus reads off a real collector, beside a real mosquitto and a real publisher."""

from __future__ import annotations

import datetime as dt
import http.client
import re
import socket
import time
from typing import TYPE_CHECKING

from fakes.publishing import SITE, TERMINAL, Rig, RunningClock
from kazasu.virtual.broker import PrivateBroker
from kazasu.virtual.collector import CollectorProcess

if TYPE_CHECKING:
    from pathlib import Path


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def page(port: int) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", "/metrics")
        return connection.getresponse().read().decode()
    except OSError:
        return ""
    finally:
        connection.close()


def wait_for(port: int, *patterns: str) -> None:
    """Read again and again until all of it stands there."""
    until_s = time.monotonic() + 60
    text = ""
    while not all(re.search(pattern, text, re.MULTILINE) for pattern in patterns):
        assert time.monotonic() < until_s, text
        text = page(port)


def test_a_terminal_that_comes_and_goes_and_a_collector_that_counts(tmp_path: Path) -> None:
    port = free_port()
    with PrivateBroker(tmp_path / "broker") as broker:
        rig = Rig(broker.client(TERMINAL), clock=RunningClock(dt.datetime.now(dt.UTC)))
        terminals = {TERMINAL: rig.signer}
        collector = CollectorProcess(tmp_path / "collector", SITE, broker.client("collector"), terminals)
        with collector.config_file.open("a") as file:
            file.write(f"[metrics]\nport = {port}\n")
        rig.board.note(reader_desk="present")
        rig.grow(3)
        with collector, rig:
            labels = f'site="{SITE}",terminal="{TERMINAL}"'
            wait_for(
                port,
                rf"^kazasu_terminal_up{{{labels}}} 1$",
                rf'^kazasu_terminal_reader_present{{{labels},reader="desk"}} 1$',
                rf"^kazasu_terminal_events_unsent{{{labels}}} 0$",
                rf'^kazasu_collector_stored_total{{site="{SITE}",collector="collector"}} \d+$',
            )
            rig.stop()
            wait_for(port, rf"^kazasu_terminal_up{{{labels}}} 0$")

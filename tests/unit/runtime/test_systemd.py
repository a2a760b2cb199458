from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

import pytest

from kazasu.runtime.systemd import Notifier

if TYPE_CHECKING:
    from pathlib import Path

    from fakes.service_manager import ServiceManager


def test_what_systemd_is_told(manager: ServiceManager) -> None:
    notifier = Notifier(manager.environment)

    notifier.ready()
    notifier.alive("in order")
    notifier.stopping()

    assert manager.waiting() == [{"READY": "1"}, {"WATCHDOG": "1", "STATUS": "in order"}, {"STOPPING": "1"}]


def test_an_abstract_socket_is_reached() -> None:
    name = f"kazasu-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(f"\0{name}")

        Notifier({"NOTIFY_SOCKET": f"@{name}"}).ready()

        assert listening.recv(100) == b"READY=1"


def test_started_by_hand_it_tells_nobody() -> None:
    notifier = Notifier({})

    notifier.ready()

    assert notifier.watchdog_s is None


def test_a_status_stays_one_short_line(manager: ServiceManager) -> None:
    Notifier(manager.environment).alive("roster.csv:\nMAINPID=1\r" + "x" * 100_000 + "\ud800")

    message = manager.next()

    assert set(message) == {"WATCHDOG", "STATUS"}
    assert message["STATUS"].startswith("roster.csv: MAINPID=1 xxx")
    assert len(message["STATUS"]) == 200


def test_text_that_is_no_unicode_is_told_as_well_as_can_be(manager: ServiceManager) -> None:
    Notifier(manager.environment).alive("reader \udcff")

    assert manager.next()["STATUS"] == "reader ?"


def test_a_manager_that_is_gone_ends_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    Notifier({"NOTIFY_SOCKET": str(tmp_path / "absent")}).ready()

    assert [record.message for record in caplog.records] == ["notify_failed"]


@pytest.mark.parametrize(
    ("environment", "watchdog_s"),
    [
        ({"WATCHDOG_USEC": "30000000"}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid())}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": ""}, None),
        ({"WATCHDOG_USEC": "²"}, None),
        ({}, None),
    ],
)
def test_the_watchdog_is_fed_only_if_it_is_ours(environment: dict[str, str], watchdog_s: float | None) -> None:
    assert Notifier(environment).watchdog_s == watchdog_s

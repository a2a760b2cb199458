"""A visit to what is no broker: it ends in time, and says why."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from kazasu.publishers.settings import Broker
from kazasu.publishers.visit import visiting, words_of
from kazasu.virtual.certificates import ThrowawayCa

if TYPE_CHECKING:
    from pathlib import Path


def broker(tmp_path: Path, port: int) -> Broker:
    ca = ThrowawayCa(tmp_path)
    files = ca.client("operations")
    return Broker(
        host="127.0.0.1",
        port=port,
        ca_file=ca.ca_file,
        certificate_file=files.certificate_file,
        key_file=files.key_file,
    )


def test_whoever_takes_the_connection_and_says_nothing_is_not_waited_for(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with (
            pytest.raises(TimeoutError, match=r"not reached within 0\.05 s"),
            visiting(broker(tmp_path, port), "v", 0.05),
        ):
            pass


def test_nobody_there_is_said_in_words(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        there = broker(tmp_path, gone.getsockname()[1])
    with pytest.raises(ConnectionRefusedError) as refused, visiting(there, "visitor"):
        pass
    assert words_of(refused.value) == "Connection refused"

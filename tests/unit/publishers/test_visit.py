"""A visit to what is no broker: it ends in time, and says why."""

from __future__ import annotations

import socket
import ssl
from typing import TYPE_CHECKING

import msgspec
import pytest

from kazasu.publishers.settings import Broker
from kazasu.publishers.visit import unreached, visiting, words_of
from kazasu.virtual.broker import PrivateBroker
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


def test_what_to_look_at_is_said_with_why(tmp_path: Path) -> None:
    refused, unknown = ConnectionRefusedError(111, "Connection refused"), socket.gaierror(-2, "Name not known")
    assert unreached("b", 8883, refused) == (
        "the broker b:8883: Connection refused; does mosquitto run there, and on that port?"
    )
    assert unreached("b", 8883, unknown).endswith("; is the name right, and is there a network?")
    assert unreached("b", 8883, TimeoutError("no answer")) == (
        "the broker b:8883: no answer; what does mosquitto's log say?"
    )


def test_a_broker_of_another_ca_is_told(tmp_path: Path) -> None:
    with PrivateBroker(tmp_path / "broker") as private:
        stranger = ThrowawayCa(tmp_path, "other").ca_file
        there = msgspec.structs.replace(private.client("operations"), ca_file=stranger)
        with pytest.raises(ssl.SSLCertVerificationError) as failed, visiting(there, "visitor"):
            pass
        assert unreached("b", 8883, failed.value).endswith("its certificate has to come from the site's CA.")
    failed.value.verify_code, failed.value.verify_message = 62, "Hostname mismatch"
    assert unreached("b", 8883, failed.value).endswith("called as its certificate calls it.")

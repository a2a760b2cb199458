"""`kazasu site discovery` against a real mosquitto with the shipped access list."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from fakes.publishing import SITE, TERMINAL, Rig
from fakes.site_folder import reading_site
from kazasu.publishers.wire import Topics
from kazasu.site.home_assistant import discovery_topic
from kazasu.virtual.broker import PrivateBroker
from kazasu.virtual.subscriber import CheckingSubscriber

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[PrivateBroker]:
    with PrivateBroker(tmp_path / "broker") as broker:
        yield broker


def announce(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "kazasu", "site", "discovery", "--once", "--site", str(folder)]
    return subprocess.run(command, capture_output=True, check=False, timeout=60, text=True)


def test_home_assistant_finds_a_terminal_and_a_reader_of_the_site_finds_no_way_to_announce(
    broker: PrivateBroker, tmp_path: Path
) -> None:
    folder = reading_site(tmp_path / "site", SITE, broker, "discovery")
    with (
        Rig(broker.client(TERMINAL)) as rig,
        CheckingSubscriber(broker.client("collector"), SITE, rig.verifiers) as ears,
    ):
        rig.board.note(reader_desk="present")
        health = Topics(SITE, TERMINAL).health
        assert ears.wait_for(lambda: b"reader_desk" in ears.retained.get(health, b""))
        topic = discovery_topic(SITE, TERMINAL)
        told = announce(folder)
        assert (told.returncode, told.stdout) == (0, f"announced  {topic}\n"), told.stderr
        files = broker.client("homeassistant")
        who = ["--cafile", str(files.ca_file), "--cert", str(files.certificate_file), "--key", str(files.key_file)]
        where = ["-h", "localhost", "-p", str(files.port), "-V", "5", "-C", "1", "-W", "30"]
        command = ["mosquitto_sub", *where, *who, "-t", "homeassistant/device/+/config"]
        heard = subprocess.run(command, capture_output=True, check=True)
        assert "reader_desk" in json.loads(heard.stdout)["components"]
        assert announce(folder).stdout == ""  # it is there already
        operations = broker.client("operations")
        shutil.copyfile(operations.certificate_file, folder / "clients" / "discovery.pem")
        shutil.copyfile(operations.key_file, folder / "keys" / "clients" / "discovery.key")
        refused = announce(folder)
        assert (refused.returncode, "not authorised" in refused.stderr) == (1, True)


@pytest.mark.parametrize("client", ["discovery", "homeassistant"])
@pytest.mark.parametrize("topic", [Topics(SITE, TERMINAL).state, f"kazasu/v1/{SITE}/down/{TERMINAL}/command"])
def test_neither_end_of_home_assistants_can_speak_for_a_terminal_or_to_one(
    broker: PrivateBroker, client: str, topic: str
) -> None:
    files = broker.client(client)
    who = ["--cafile", str(files.ca_file), "--cert", str(files.certificate_file), "--key", str(files.key_file)]
    command = [
        "mosquitto_pub",
        "-h",
        "localhost",
        "-p",
        str(files.port),
        "-V",
        "5",
        "-q",
        "1",
        *who,
        "-t",
        topic,
        "-m",
        "x",
    ]
    told = subprocess.run(command, capture_output=True, check=False, timeout=60, text=True)
    assert "Not authorized" in told.stderr

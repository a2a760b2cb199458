"""`kazasu setup` as an installer runs it, beside a real pcscd and broker, up to the first tap at the broker."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from kazasu.store.keys import load_verifier
from kazasu.virtual.broker import PrivateBroker
from kazasu.virtual.daemon import DaemonProcess
from kazasu.virtual.felica import FelicaCard
from kazasu.virtual.subscriber import CheckingSubscriber

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from kazasu.virtual.issuer import JpkiIssuer
    from kazasu.virtual.vpcd import Slot

SITE, TERMINAL = "town-hall", "entrance-1"


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivateBroker]:
    with PrivateBroker(tmp_path_factory.mktemp("broker")) as running:
        yield running


@pytest.fixture
def answers(broker: PrivateBroker, issuer: JpkiIssuer, tmp_path: Path) -> Path:
    """A file of answers, and what it names beside it, as an installer has it on a stick."""
    stick = tmp_path / "stick"
    stick.mkdir()
    (stick / "authca.pem").write_bytes(issuer.ca_certificate.public_bytes(Encoding.PEM))
    client = broker.client(TERMINAL)
    file = stick / "answers.toml"
    file.write_text(f"""
site = "{SITE}"
terminal = "{TERMINAL}"
reader = "Virtual PCD ?? 00"
jpki_ca = ["authca.pem"]
outputs = "terminal"
broker = "{client.host}"
broker_port = {client.port}
broker_ca = "{client.ca_file}"
client_certificate = "{client.certificate_file}"
client_key = "{client.key_file}"
""")
    return file


def setup(*words: str | Path) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "kazasu", "setup", *words], capture_output=True, text=True, timeout=120, check=False
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done


def types(subscriber: CheckingSubscriber) -> list[object]:
    return [event.fields["event_type"] for event in subscriber.events]


def test_from_answers_to_the_first_tap_at_the_broker(
    broker: PrivateBroker, slot: Slot, answers: Path, tmp_path: Path
) -> None:
    config_file = tmp_path / "etc" / "kazasu.toml"
    done = setup("--answers", answers, "--config", config_file)
    # The throwaway certificates are the doctor's only problems: they live for a day.
    assert (done.returncode, done.stdout.count("less than one day left")) == (1, 2), done.stdout + done.stderr
    assert "2 problems found" in done.stdout
    assert "speaks MQTT 5 and accepts this terminal's certificate" in done.stdout

    card = FelicaCard(bytes.fromhex("0114B00100000001"))
    slot.insert(card)
    enrolled = subprocess.run(
        [sys.executable, "-m", "kazasu", "enroll", "1001", "山田 花子", "--config", config_file],
        capture_output=True,
        text=True,
        check=False,
    )
    assert enrolled.returncode == 0, enrolled.stderr
    slot.remove()
    slot.wait_for(lambda: slot.vacant)
    public_key = load_verifier(config_file.parent / "event.pub.pem")
    with (
        CheckingSubscriber(broker.client("collector"), SITE, {TERMINAL: public_key}) as subscriber,
        DaemonProcess(config_file, tmp_path) as daemon,
    ):
        slot.insert(card)
        assert daemon.wait_for(lambda: daemon.greens() == 1)
        assert subscriber.wait_for(lambda: "attendance.in" in types(subscriber))
        assert subscriber.problems == []

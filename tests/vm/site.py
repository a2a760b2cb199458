"""What a terminal in a machine meets, on this host: a broker with TLS, a collector that checks, staff with cards."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.serialization import Encoding

from kazasu.app.cards import card_identifier
from kazasu.config import load
from kazasu.model.access import Assurance
from kazasu.readers.demand import FixedDemand
from kazasu.runtime.clock import SystemClock
from kazasu.store.keys import generate_pepper, generate_signer, load_verifier, write_public
from kazasu.virtual.broker import PrivateBroker
from kazasu.virtual.felica import FelicaCard
from kazasu.virtual.issuer import JpkiIssuer
from kazasu.virtual.scene import Scene
from kazasu.virtual.staff import staff_of, write_roster
from kazasu.virtual.subscriber import CheckingSubscriber
from kazasu.virtual.vpcd import Slot

if TYPE_CHECKING:
    from contextlib import ExitStack
    from pathlib import Path

    from kazasu.virtual.card import VirtualCard
    from vm.machine import Machine

NAME = "demo"
TERMINAL = "entrance-1"
BROKER = "broker.test"
BROUGHT = "/root/site"
"""Where the installer has put what the site gave them."""

# The answers of an installer, for `kazasu setup --answers`; but for the broker's port.
ANSWERS = f"""
site = "{NAME}"
terminal = "{TERMINAL}"
timezone = "Asia/Tokyo"
direction = "alternate"
reader = "Virtual PCD 00 00"
reader_name = "desk"
cards = ["jpki", "felica", "mifare"]
jpki_ca = ["authca.pem"]
outputs = "gpio"
green = 17
red = 27
buzzer = 22
relay = "none"
broker = "{BROKER}"
broker_ca = "ca.pem"
client_certificate = "client.pem"
client_key = "client.key"
collector_key = "collector.pub"
pepper = "pepper.key"
"""

# What the pseudonyms of the roster are made with, as the terminal will.
_CONFIGURATION = """
[terminal]
site = "demo"
id = "entrance-1"
[keys]
pepper = "pepper.key"
[[readers]]
name = "desk"
[cards.jpki]
ca = ["authca.pem"]
[services.attendance]
[outputs]
driver = "terminal"
[collector]
present = false
"""


class Site(Scene):
    """A site with one terminal, which is in a machine. As a context manager it leaves no process behind.

    Args:
        directory: where its files go; made if it is missing.

    Attributes:
        staff: five people, enrolled in roster.csv: two My Number Cards, two FeliCa, one MIFARE.
        stranger: a FeliCa card that nobody enrolled.
        broker: running.
        subscriber: once the terminal's key is known.
    """

    def __init__(self, directory: Path) -> None:
        super().__init__()
        self._directory = directory
        self._slot: Slot | None = None

    def bring(self, machine: Machine) -> None:
        """Put what the installer brings into a machine."""
        for file in sorted(self._brought.iterdir()):
            machine.put(file.read_bytes(), f"{BROUGHT}/{file.name}", "0600")

    def trust(self, machine: Machine) -> None:
        """Take the terminal's public key from it, as an installer does, and collect its events from now on."""
        public = self._directory / "event.pub.pem"
        public.write_text(machine.sh("cat /etc/kazasu/event.pub.pem"))
        public.chmod(0o644)
        self.key = load_verifier(public)
        self.subscriber = self._stack.enter_context(
            CheckingSubscriber(self.broker.client("collector"), NAME, {TERMINAL: self.key}, signer=self._collector)
        )

    def plug_in(self, machine: Machine) -> None:
        """Connect the card reader to a machine that was started."""
        self.unplug()
        self._slot = Slot(machine.vpcd_ports[0])

    def unplug(self) -> None:
        """Let go of the card reader."""
        if self._slot is not None:
            self._slot.close()
        self._slot = None

    @property
    def slot(self) -> Slot:
        """Where cards are held."""
        if self._slot is None:
            raise RuntimeError("the card reader is not connected")
        return self._slot

    def seq(self) -> int:
        """The last event that arrived."""
        return self.subscriber.seq(TERMINAL)

    def tap(self, card: VirtualCard) -> dict[str, int | str]:
        """Hold a card over the reader until its event is here, and take it away; returns the event's fields."""
        before = len(self.subscriber.events)
        self.slot.insert(card)
        arrived = self.subscriber.wait_for(
            lambda: any("card" in event.fields for event in self.subscriber.events[before:])
        )
        self.slot.remove()
        self.slot.wait_for(lambda: self.slot.vacant, 60)
        if not arrived:
            raise TimeoutError(f"no event came of the tap; {self.subscriber.problems}")
        return next(event.fields for event in self.subscriber.events[before:] if "card" in event.fields)

    def _build(self, stack: ExitStack) -> None:
        self._brought = brought = self._directory / "brought"
        brought.mkdir(parents=True)
        generate_pepper(brought / "pepper.key")
        self._collector = generate_signer(self._directory / "collector.key")
        write_public(brought / "collector.pub", self._collector)
        issuer = JpkiIssuer()
        (brought / "authca.pem").write_bytes(issuer.ca_certificate.public_bytes(Encoding.PEM))
        self.staff = staff_of(issuer)
        self.stranger: VirtualCard = FelicaCard(bytes.fromhex("0114BAD00BAD0001"))
        self.broker = stack.enter_context(PrivateBroker(self._directory / "broker", names=(BROKER,)))
        client = self.broker.client(TERMINAL)
        for file, name in ((client.ca_file, "ca"), (client.certificate_file, "client"), (client.key_file, "client")):
            shutil.copy(file, brought / f"{name}{file.suffix}")
        (brought / "answers.toml").write_text(f"{ANSWERS}broker_port = {self.broker.port}\n")
        configuration = brought / "kazasu.toml"
        configuration.write_text(_CONFIGURATION)
        config = load(configuration)
        identifier = card_identifier(config, SystemClock(config.terminal.timezone), FixedDemand(Assurance.SERIAL))
        write_roster(brought / "roster.csv", self.staff, identifier)
        configuration.unlink()
        stack.callback(self.unplug)

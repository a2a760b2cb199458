"""A whole site on one machine: readers, broker, keys, five staff and the configuration; for the demo and the tests.

Only inside the sandbox. Everything is real but the cards: pcscd, mosquitto with TLS and client certificates, the daemon
as a process, and a subscriber that checks what arrives and sends signed receipts.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from cryptography.hazmat.primitives.serialization import Encoding

from kazasu.app.cards import card_identifier
from kazasu.config import load
from kazasu.model.access import Assurance
from kazasu.model.signature import Ed25519Verifier
from kazasu.readers.demand import FixedDemand
from kazasu.runtime.clock import TIMESYNCD, SystemClock
from kazasu.store.backlog import Backlog
from kazasu.store.keys import generate_pepper, generate_signer, write_public
from kazasu.store.roster_import import import_csv
from kazasu.virtual.broker import PrivateBroker
from kazasu.virtual.daemon import DaemonProcess
from kazasu.virtual.felica import FelicaCard
from kazasu.virtual.gallery import Gallery
from kazasu.virtual.issuer import JpkiIssuer
from kazasu.virtual.pcscd import PrivatePcscd
from kazasu.virtual.scene import Scene
from kazasu.virtual.staff import staff_of, write_roster
from kazasu.virtual.subscriber import CheckingSubscriber
from kazasu.virtual.tapping import tap, wait_for
from kazasu.virtual.vpcd import Slot

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from contextlib import ExitStack
    from pathlib import Path

    from kazasu.model.configuration import Config
    from kazasu.virtual.card import VirtualCard
    from kazasu.virtual.staff import Person, WithoutCard

SITE = "demo"
TERMINAL = "entrance-1"
_PCSCD_PORT = 15_000  # free: the sandbox has a network of its own


class Enrolled(NamedTuple):
    """Who is in the roster beside the staff, and the access levels of all, by number."""

    others: Sequence[Person | WithoutCard] = ()
    levels: Mapping[str, str] = MappingProxyType({})


NOBODY_ELSE = Enrolled()


class Stage(Scene):
    """Sets everything up but the daemon, which `daemon` starts; leaves no process behind.

    Args:
        directory: where everything goes; made if it is missing.
        settings: tables of the configuration beside those that the stage writes; TOML.
        state_dir: where the daemon keeps its data, if not in `directory`.
        of_each_kind: reads all kinds, knows the holders of the gallery's cards, and takes no tap for a repeat.
        enrolled: who is, beside the staff, and with which access levels.
        min_assurance: the terminal's.
        synchronised: the clock counts as one that a time server keeps, whatever this machine's is worth; doors open
            only for emergencies while nobody knows the time.

    Attributes:
        issuer: of My Number Cards.
        staff: five people, enrolled: two My Number Cards, two FeliCa, one MIFARE.
        gallery: with `of_each_kind`: a card of each kind.
        stranger: a FeliCa card that nobody enrolled.
        event_verifier: checks what the terminal signs.
        broker: running.
        pcscd: running.
        site_key: signs commands and rosters.
        collector_key: signs receipts.
        slot: where cards are put.
        daemon: not started.
        backlog: the daemon's journal, to read.
        subscriber: connected; checks and sends receipts.
        config: as the daemon reads it.
        config_file: where it is.
    """

    def __init__(
        self,
        directory: Path,
        settings: str = "",
        state_dir: Path | None = None,
        *,
        of_each_kind: bool = False,
        enrolled: Enrolled = NOBODY_ELSE,
        min_assurance: str = "serial",
        synchronised: bool = False,
    ) -> None:
        super().__init__()
        self._directory = directory
        self._state_dir = state_dir or directory / "state"
        self._settings = settings
        self._of_each_kind = of_each_kind
        self._enrolled = enrolled
        self._min_assurance = min_assurance
        self._synchronised = synchronised

    def tap(self, card: VirtualCard, pulled_at_apdu: int = 0, at: Slot | None = None) -> float:
        """Hold a card over the reader until the terminal answers, and take it away; see `tapping.tap`.

        Args:
            card: which.
            pulled_at_apdu: tear it away at this APDU; 0 lets it be read.
            at: another reader's slot than `slot`.
        """
        return tap(at or self.slot, self.daemon, self.backlog, card, pulled_at_apdu)

    def wait_for(self, condition: Callable[[], bool]) -> bool:
        """Look until something is so that lights nothing and is told by nobody; returns whether it came to be."""
        return wait_for(condition)

    def _build(self, stack: ExitStack) -> None:
        directory = self._directory
        directory.mkdir(exist_ok=True)
        if self._synchronised:
            TIMESYNCD.parent.mkdir(parents=True, exist_ok=True)  # in the sandbox's own /run
            TIMESYNCD.touch()
            stack.callback(TIMESYNCD.unlink, missing_ok=True)
        self._state_dir.mkdir(mode=0o700)
        keys = directory / "keys"
        keys.mkdir(mode=0o700)
        event_key = generate_signer(keys / "event.key")
        self.event_verifier = Ed25519Verifier(event_key.public)
        self.public_key_file = directory / "event.pub.pem"
        write_public(self.public_key_file, event_key)
        generate_pepper(keys / "pepper.key")
        collector_key = generate_signer(keys / "collector.key")
        write_public(directory / "collector.pub", collector_key)
        self.collector_key = collector_key
        self.site_key = generate_signer(keys / "site.key")
        write_public(directory / "site.pub", self.site_key)
        self.issuer = issuer = JpkiIssuer()
        (directory / "authca.pem").write_bytes(issuer.ca_certificate.public_bytes(Encoding.PEM))
        self.staff = staff_of(issuer)
        self.gallery = Gallery(directory, issuer) if self._of_each_kind else None
        self.stranger: VirtualCard = FelicaCard(bytes.fromhex("0114BAD00BAD0001"))

        self.broker = stack.enter_context(PrivateBroker(directory / "broker"))
        self.config_file = directory / "kazasu.toml"
        self.config: Config
        self.configure(self._min_assurance)
        self._enroll()
        self.pcscd = stack.enter_context(PrivatePcscd(directory / "pcscd", _PCSCD_PORT))
        self.slot = stack.enter_context(Slot(_PCSCD_PORT))
        self.subscriber = stack.enter_context(
            CheckingSubscriber(
                self.broker.client("collector"),
                SITE,
                {TERMINAL: self.event_verifier},
                signer=collector_key,
            )
        )
        self.backlog = Backlog(self.config.terminal.journal_path)
        self.daemon = DaemonProcess(self.config_file, directory)
        stack.callback(self.daemon.kill)

    def configure(self, min_assurance: str) -> None:
        """Write the configuration anew; the daemon reads it when it is started.

        Args:
            min_assurance: the terminal's.
        """
        self.config_file.write_text(self._configuration(min_assurance))
        self.config = load(self.config_file)

    def _configuration(self, min_assurance: str) -> str:
        client = self.broker.client(TERMINAL)
        kinds = "" if self.gallery is None else f"[cards]\nkinds = {list(self.gallery.kinds)}\n{self.gallery.tables}"
        repeat_after = "120s" if self.gallery is None else "0s"
        return f"""
[terminal]
site = "{SITE}"
id = "{TERMINAL}"
min_assurance = "{min_assurance}"
state_dir = "{self._state_dir}"

[[readers]]
name = "desk"
match = "*00 00"

{kinds}
[cards.jpki]
ca = ["authca.pem"]

[services.attendance]
repeat_after = "{repeat_after}"

[outputs]
driver = "terminal"

[mqtt]
host = "{client.host}"
port = {client.port}
ca = "{client.ca_file}"
certificate = "{client.certificate_file}"
key = "{client.key_file}"

[collector]
key = "collector.pub"

[site]
key = "site.pub"

{self._settings}
"""

    def _enroll(self) -> None:
        """Import a roster, with the pseudonyms that the terminal's own card kinds give to these cards."""
        identifier = card_identifier(
            self.config, SystemClock(self.config.terminal.timezone), FixedDemand(Assurance.SERIAL)
        )
        csv_path = self._directory / "roster.csv"
        people = (*self.staff, *self._enrolled.others, *(self.gallery.people if self.gallery else ()))
        write_roster(csv_path, people, identifier, self._enrolled.levels)
        import_csv(csv_path, self.config.terminal.roster_path, self.config.terminal.timezone, lambda _: None)

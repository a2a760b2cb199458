"""Whom a site's own mosquitto lets in, and to what: the real one, with the files of `kazasu site broker-config`."""

from __future__ import annotations

import datetime as dt
import os
import pwd
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from fakes.enrolment import Newcomer, admission
from kazasu.enrolment.reply import certificate_for
from kazasu.enrolment.request import claimed
from kazasu.errors import BrokerUnsuitable
from kazasu.publishers.exchange import exchanging
from kazasu.publishers.settings import Broker
from kazasu.publishers.wire import Topics
from kazasu.site.broker_files import changed, files
from kazasu.site.directory import replace_file
from kazasu.site.pem import certificate_pem, key_pem
from kazasu.site.revocation import revoke
from kazasu.virtual.broker import accepts, free_port
from kazasu.virtual.certificates import ThrowawayCa
from kazasu.virtual.program import Program
from kazasu.virtual.site import PASSPHRASE, SiteBroker, make_site

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cryptography import x509

    from kazasu.site.directory import Site

NOW = dt.datetime.now(dt.UTC)
DAY = dt.timedelta(days=1)


class Keyring:
    """Certificates that the site issued, or somebody else did, as files."""

    def __init__(self, site: Site, folder: Path) -> None:
        self.site = site
        self.authority = site.authority(PASSPHRASE)
        self._folder = folder

    def holds(self, pem: str, key: str | bytes, name: str) -> Broker:
        certificate_file, key_file = self._folder / f"{name}.pem", self._folder / f"{name}.key"
        certificate_file.write_text(pem)
        key_file.write_bytes(key.encode() if isinstance(key, str) else key)
        address = self.site.address
        return Broker(
            host=address.host,
            port=address.port,
            ca_file=self.site.file("ca.pem"),
            certificate_file=certificate_file,
            key_file=key_file,
        )

    def client(self, name: str, valid_for: dt.timedelta = DAY) -> Broker:
        key = ec.generate_private_key(ec.SECP256R1())
        certificate: x509.Certificate = self.authority.client(name, key.public_key(), NOW, valid_for)
        return self.holds(certificate_pem(certificate).decode(), key_pem(key), name)

    def bundle(self, newcomer: Newcomer) -> Broker:
        return self.holds(newcomer.secrets.certificate, newcomer.secrets.key, f"enrol-{newcomer.terminal}")

    def admitted(self, terminal: str) -> Broker:
        newcomer = Newcomer(self.site, terminal, now=NOW)
        asked = newcomer.asks()
        answer = admission(self.site).accept(asked, NOW)
        pem = certificate_for(
            answer.body,
            self.site.verifier(),
            site=self.site.name,
            terminal=terminal,
            request=claimed(asked).digest,
            key=newcomer.client,
        )
        return self.holds(pem, key_pem(newcomer.client), terminal)


@pytest.fixture(scope="module")
def keyring(tmp_path_factory: pytest.TempPathFactory) -> Keyring:
    folder = tmp_path_factory.mktemp("keyring")
    return Keyring(make_site(folder / "site"), folder)


@pytest.fixture(scope="module")
def broker(keyring: Keyring, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SiteBroker]:
    with SiteBroker(keyring.site, tmp_path_factory.mktemp("broker")) as broker:
        yield broker


def test_the_files_fit_debians_own_configuration(keyring: Keyring, tmp_path: Path) -> None:
    """Brought to where `kazasu site broker-config` says, beside what the package mosquitto has there."""
    conf_d, port = tmp_path / "conf.d", free_port()
    conf_d.mkdir()
    for name, (content, mode) in files(keyring.site, tmp_path).items():
        replace_file((conf_d if name == "kazasu.conf" else tmp_path) / name, content, mode)
    there = changed((conf_d / "kazasu.conf").read_text(), {"listener": f"listener {port} 127.0.0.1"})
    (conf_d / "kazasu.conf").write_text(there)
    debians = Path("/etc/mosquitto/mosquitto.conf").read_text()
    for folder in ("/run/mosquitto", "/var/lib/mosquitto", "/var/log/mosquitto", "/etc/mosquitto/conf.d"):
        assert folder in debians
        debians = debians.replace(folder, str(conf_d if folder.endswith("conf.d") else tmp_path))
    (tmp_path / "mosquitto.conf").write_text(f"{debians}\nuser {pwd.getpwuid(os.geteuid()).pw_name}\n")
    mosquitto = Program("mosquitto", "mosquitto", tmp_path / "said")
    try:
        mosquitto.start(["-c", tmp_path / "mosquitto.conf"], lambda: accepts(keyring.site.file("ca.pem"), port))
    finally:
        mosquitto.end(signal.SIGKILL)


def refuses(broker: Broker, topic: str) -> bool:
    """Whether the broker refuses a message on this topic, and says so."""
    with exchanging(broker, "somebody") as visit:
        try:
            visit.publish(topic, b"{}", retain=True)
        except BrokerUnsuitable as error:
            return "0x87 not authorised" in str(error)
    return False


def is_turned_away(broker: Broker) -> bool:
    """Whether the broker does not even talk."""
    try:
        with exchanging(broker, "somebody"):
            return False
    except OSError:
        return True


def hears(listener: Broker, desk: Broker, topic: str, marker: str) -> bool:
    """Whether a client hears what is retained on a topic, before what it may hear and comes later."""
    with exchanging(desk, "desk") as visit:
        visit.publish(topic, b"{}", retain=True)
        visit.publish(marker, b"{}", retain=True)
    heard: list[str] = []
    with exchanging(listener, "listener", (topic, marker)) as visit:
        while not heard or heard[-1] != marker:
            received = visit.receive(10.0)
            assert received is not None
            heard.append(received.topic)
    return topic in heard


@pytest.fixture(scope="module")
def terminal(keyring: Keyring, broker: SiteBroker) -> Broker:
    return keyring.admitted("entrance-1")


ENTRANCE = Topics("town-hall", "entrance-1")
OTHER = Topics("town-hall", "entrance-2")
ALL = Topics("town-hall", "all")


def test_a_terminal_is_let_in_to_its_own_topics_and_to_no_others(terminal: Broker) -> None:
    for mine in (ENTRANCE.event, ENTRANCE.state, ENTRANCE.alert("journal"), ENTRANCE.enrol_request):
        assert not refuses(terminal, mine)
    for foreign in (
        *(OTHER.event, OTHER.state, OTHER.enrol_request, OTHER.enrol_reply),
        *(ENTRANCE.enrol_reply, ENTRANCE.receipt, f"{ENTRANCE.down}/command", f"{ALL.down}/roster", ALL.collector),
        Topics("elsewhere", "entrance-1").event,
    ):
        assert refuses(terminal, foreign), foreign


def test_a_terminal_hears_what_is_for_it_and_for_all(terminal: Broker, keyring: Keyring) -> None:
    desk = keyring.site.broker("desk")
    assert hears(terminal, desk, f"{ALL.down}/roster", ENTRANCE.enrol_reply)
    assert not hears(terminal, desk, f"{OTHER.down}/roster", ENTRANCE.enrol_reply)


def test_desk_and_collector_say_what_is_theirs(keyring: Keyring, broker: SiteBroker) -> None:
    desk, collector, operations = map(keyring.site.broker, ("desk", "collector", "operations"))
    for topic in (f"{ENTRANCE.down}/command", f"{ALL.down}/roster", f"{ALL.down}/roster/7/1", ENTRANCE.enrol_reply):
        assert not refuses(desk, topic)
        assert refuses(collector, topic) == (not topic.endswith("/command"))  # its key may ask for events again
    assert not refuses(collector, ENTRANCE.receipt)
    assert refuses(desk, ENTRANCE.receipt)
    assert refuses(desk, ENTRANCE.event)
    assert refuses(operations, ENTRANCE.event)


def test_a_bundle_may_ask_and_hear_the_answer_and_nothing_else(
    keyring: Keyring, broker: SiteBroker, terminal: Broker
) -> None:
    bundle = keyring.bundle(Newcomer(keyring.site, "gate", now=NOW))
    broker.restart()
    gate, its = Topics("town-hall", "gate"), Topics("town-hall", "enrol-gate")
    assert not refuses(bundle, gate.enrol_request)
    for topic in (gate.event, gate.state, gate.enrol_reply, its.event, its.enrol_request, OTHER.enrol_request):
        assert refuses(bundle, topic), topic
    desk = keyring.site.broker("desk")
    for topic in (f"{ALL.down}/roster", f"{gate.down}/roster", f"{its.down}/enrol", OTHER.enrol_reply):
        assert not hears(bundle, desk, topic, gate.enrol_reply), topic
    with exchanging(terminal, "terminal") as mine:
        mine.publish(ENTRANCE.state, b"{}", retain=True)
    with exchanging(bundle, "listener", (ENTRANCE.state, gate.enrol_reply)) as listening:
        received = listening.receive(10.0)
        assert received is not None
        assert received.topic == gate.enrol_reply, "and what a terminal says of itself never came"


def test_who_has_no_certificate_that_counts_is_turned_away(
    keyring: Keyring, broker: SiteBroker, tmp_path: Path
) -> None:
    stranger = ThrowawayCa(tmp_path).client("entrance-1")
    foreign = keyring.holds(stranger.certificate_file.read_text(), stranger.key_file.read_bytes(), "stranger")
    assert is_turned_away(foreign)
    assert is_turned_away(keyring.client("enrol-late", dt.timedelta(seconds=-60)))
    assert not is_turned_away(keyring.client("enrol-early"))


def test_a_used_bundle_and_a_revoked_terminal_are_turned_away(keyring: Keyring, broker: SiteBroker) -> None:
    newcomer = Newcomer(keyring.site, "stolen", now=NOW)
    bundle = keyring.bundle(newcomer)
    admission(keyring.site).accept(newcomer.asks(), NOW)
    terminal = keyring.admitted("hall")
    broker.restart()
    assert is_turned_away(bundle)
    assert not is_turned_away(terminal)
    revoke(keyring.site, "hall", keyring.authority, NOW)
    broker.restart()
    assert is_turned_away(terminal)

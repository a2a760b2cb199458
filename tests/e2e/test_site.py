"""A site from its first command to a punch at its own broker, and what keeps everybody else out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from fakes.people import TERMINAL, People
from kazasu.cli.setup.enrolment import Enrolment
from kazasu.config import load
from kazasu.publishers.exchange import exchanging
from kazasu.publishers.wire import Topics
from kazasu.site.directory import open_site
from kazasu.store.keys import load_pepper, load_signer, load_verifier, load_verifiers
from kazasu.virtual.broker import free_port
from kazasu.virtual.daemon import DaemonProcess
from kazasu.virtual.felica import FelicaCard
from kazasu.virtual.site import SiteBroker, make_site
from kazasu.virtual.subscriber import CheckingSubscriber

if TYPE_CHECKING:
    from pathlib import Path

    from kazasu.site.directory import Site
    from kazasu.virtual.vpcd import Slot


@pytest.fixture
def people(tmp_path: Path) -> People:
    return People(tmp_path)


def test_from_init_over_an_invitation_to_a_tap_at_the_sites_own_broker(
    slot: Slot, people: People, tmp_path: Path
) -> None:
    made = people.desk("init", "site", "--name", "town-hall", "--broker", "localhost", "--port", str(free_port()))
    assert "Back up now" in made
    invited = people.desk("add-terminal", TERMINAL, "--site", "site", "--code-file", "code")
    assert "bundle   entrance-1.bundle: for entrance-1, until " in invited
    site = open_site(tmp_path / "site")
    with (
        SiteBroker(site, tmp_path / "broker") as broker,
        people.begins(*("site", "accept", "--site", "site", "--passphrase-file", people.passphrase, "--stay")) as desk,
    ):
        assert desk.stdout is not None
        assert "listening at localhost" in desk.stdout.readline()
        broker.restart()  # as it is whenever it gets new files
        said = people.at_terminal(
            "setup", "--bundle", "entrance-1.bundle", "--code-file", "code", "--answers", "answers.toml"
        )
        assert "no problem found" in said
        assert "sudo kazasu identify" in said
        assert "kazasu enroll" not in said.partition("\nNext:")[2]
        assert load_pepper(people.config_file.parent / "keys/pepper.key") == site.pepper()
        assert not (people.config_file.parent / "enrolment").exists()

        card = FelicaCard(bytes.fromhex("0114B00100000001"))
        slot.insert(card)
        people.at_terminal("enroll", "1001", "山田 花子")
        slot.remove()
        slot.wait_for(lambda: slot.vacant)
        key = site.terminal(TERMINAL).event_key
        assert key is not None
        with (
            CheckingSubscriber(site.broker("collector"), site.name, {TERMINAL: key.verifier()}) as subscriber,
            DaemonProcess(people.config_file, tmp_path),
        ):
            slot.insert(card)
            assert subscriber.wait_for(
                lambda: "attendance.in" in [event.fields["event_type"] for event in subscriber.events]
            )
            assert subscriber.problems == []


@pytest.fixture
def site(people: People, tmp_path: Path) -> Site:
    """A site that has invited one terminal."""
    site = make_site(tmp_path / "site")
    people.desk("add-terminal", TERMINAL, "--site", "site", "--code-file", "code")
    return site


def joins(people: People, *words: str | Path, code: int | None = None) -> str:
    """Set the terminal up; of reader and broker the doctor may have something to say, which is no matter here."""
    return people.at_terminal("setup", "--answers", "answers.toml", *words, code=code)


def asks(people: People) -> None:
    joins(people, "--bundle", "entrance-1.bundle", "--code-file", "code", "--request", "entrance-1.request", code=0)


def test_without_a_network_two_files_do_the_same(people: People, site: Site, tmp_path: Path) -> None:
    asks(people)
    assert not people.config_file.exists()
    assert "answers.toml is no reply to what entrance-1 asked" in joins(people, "--reply", "answers.toml", code=1)
    assert "accepted entrance-1" in people.desk("accept", "entrance-1.request", "--site", "site")
    joins(people, "--reply", "entrance-1.reply")
    config = load(people.config_file)
    assert (config.terminal.site, config.terminal.id) == ("town-hall", TERMINAL)
    assert config.site is not None
    assert load_verifier(config.site.key).keyid == site.verifier().keyid
    key = site.terminal(TERMINAL).event_key
    assert key is not None
    assert load_signer(config.keys.event).keyid == key.keyid
    modes = {file.name: file.stat().st_mode & 0o777 for file in config.keys.event.parent.iterdir()}
    assert modes == {"event.key": 0o600, "pepper.key": 0o600, "client.key": 0o600}


def test_a_terminal_that_runs_already_joins_with_its_pepper_its_key_and_its_journal(
    people: People, tmp_path: Path
) -> None:
    answers = (tmp_path / "answers.toml").read_text()
    (tmp_path / "alone.toml").write_text(f'{answers}site = "town-hall"\nterminal = "{TERMINAL}"\nbroker = "none"\n')
    people.at_terminal("setup", "--answers", "alone.toml", code=None)
    alone = load(people.config_file)
    pepper, keyid = load_pepper(alone.keys.pepper), load_signer(alone.keys.event).keyid
    for name, words in (("other", ()), ("site", ("--pepper", alone.keys.pepper))):
        people.desk("init", name, "--name", "town-hall", "--broker", "localhost", *words)
        people.desk("add-terminal", TERMINAL, "--site", name, "--code-file", "code")
        asks(people)
        people.desk("accept", "entrance-1.request", "--site", name)
        said = joins(people, "--reply", "entrance-1.reply", code=None if words else 78)
        assert ("holds another pepper" in said) == (not words)
        (tmp_path / "entrance-1.request").unlink()
    joined = load(people.config_file)
    assert joined.mqtt is not None
    assert (load_pepper(joined.keys.pepper), load_signer(joined.keys.event).keyid) == (pepper, keyid)

    people.desk("add-terminal", TERMINAL, "--site", "site", "--code-file", "code", "--again")
    rotating = ("--code-file", "code", "--request", "entrance-1.request", "--new-event-key")
    joins(people, "--bundle", "entrance-1.bundle", *rotating, code=0)
    people.desk("accept", "entrance-1.request", "--site", "site")
    joins(people, "--reply", "entrance-1.reply")
    assert joined.keys.event.with_name(f"event-{keyid}.key").exists()
    old, new = open_site(tmp_path / "site").terminal(TERMINAL).event_keys
    assert (old.keyid, old.revoked_at is None) == (keyid, False)
    assert (new.keyid, new.revoked_at) == (load_signer(joined.keys.event).keyid, None)
    assert load_verifier(people.config_file.parent / "event.pub.pem").keyid == new.keyid


def test_what_was_used_changed_or_meant_for_another_admits_nobody(people: People, site: Site, tmp_path: Path) -> None:
    assert "the code does not open the bundle" in people.at_terminal(
        *("setup", "--bundle", "entrance-1.bundle", "--code-file", "answers.toml"), code=1
    )
    asks(people)
    request = tmp_path / "entrance-1.request"
    good = request.read_bytes()
    for wrong, words in (
        (good.replace(b"entrance-1", b"entrance-2"), "nobody invited 'entrance-2'"),
        (good.replace(b'"v":1', b'"v":2'), "not signed by whom it claims"),
        (b"{}", "this is no request"),
    ):
        request.write_bytes(wrong)
        assert words in people.desk("accept", "entrance-1.request", "--site", "site", code=1)
    request.write_bytes(good)
    people.desk("accept", "entrance-1.request", "--site", "site")
    assert "has no open invitation" in people.desk("accept", "entrance-1.request", "--site", "site", code=1)
    reply = tmp_path / "entrance-1.reply"
    answer = reply.read_bytes()
    reply.write_bytes(answer.replace(b"BEGIN", b"BEGUN"))
    assert "is no reply to what entrance-1 asked" in joins(people, "--reply", "entrance-1.reply", code=1)
    assert not people.config_file.exists()
    reply.write_bytes(answer)
    joins(people, "--reply", "entrance-1.reply")
    assert people.config_file.exists()


def test_requests_wait_at_the_broker_and_forged_ones_are_refused_there(
    people: People, site: Site, tmp_path: Path
) -> None:
    asks(people)
    pending = Enrolment(people.config_file.parent, people.config_file.parent / "keys/event.key", tmp_path / "none")
    bundle = pending.pending
    assert bundle is not None
    topics = Topics(site.name, TERMINAL)
    with SiteBroker(site, tmp_path / "broker"):
        folder = people.config_file.parent / "enrolment"
        knock = msgspec.structs.replace(
            site.broker("desk"), certificate_file=folder / "bundle.pem", key_file=folder / "bundle.key"
        )
        with exchanging(knock, "forger") as forger:
            forged = pending.request_file.read_bytes().replace(b'"made":"2', b'"made":"3')
            forger.publish(topics.enrol_request, forged, retain=True)
        assert "refused  entrance-1: not signed by whom it claims" in people.desk("accept", "--site", "site", code=1)
        assert not pending.ask(bundle, 0.2), "nobody is at the desk"
        assert "accepted entrance-1" in people.desk("accept", "--site", "site")
        with exchanging(knock, "forger") as forger:
            forger.publish(topics.enrol_request, pending.request_file.read_bytes(), retain=True)
        assert "has no open invitation" in people.desk("accept", "--site", "site", code=1)
        assert pending.ask(bundle, 10.0), "the answer waited, and no refusal took its place"


def test_certificate_and_site_key_are_renewed_over_the_broker(people: People, site: Site, tmp_path: Path) -> None:
    asks(people)
    people.desk("accept", "entrance-1.request", "--site", "site")
    joins(people, "--reply", "entrance-1.reply")
    config = load(people.config_file)
    assert config.mqtt is not None
    assert config.site is not None
    certificate, key = config.mqtt.certificate.read_bytes(), config.mqtt.key.read_bytes()
    first = site.verifier().keyid
    with SiteBroker(site, tmp_path / "broker") as broker:
        assert "nothing to renew" in people.at_terminal("renew")
        assert "no answer yet" in people.at_terminal("renew", "--now", "--wait", "0.1")
        assert "accepted entrance-1" in people.desk("accept", "--site", "site")
        assert config.mqtt.certificate.read_bytes() == certificate
        assert "the certificate for the broker is good until" in people.at_terminal("renew", "--now")
        assert config.mqtt.certificate.read_bytes() != certificate
        assert config.mqtt.key.read_bytes() != key

        people.desk("rotate-key", "--site", "site")
        assert "what counts as the site's key now" in people.at_terminal("renew")
        both = [verifier.keyid for verifier in load_verifiers(config.site.key)]
        people.desk("rotate-key", "--finish", "--site", "site")
        second = site.verifier().keyid
        assert both == [first, second]
        people.at_terminal("renew")
        assert [verifier.keyid for verifier in load_verifiers(config.site.key)] == [second]

        people.desk("revoke", TERMINAL, "--site", "site")
        broker.restart()
        assert f"localhost:{site.address.port}: " in people.at_terminal("renew", "--now", code=1)

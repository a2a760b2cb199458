"""Somebody who owns the broker, or a terminal's certificate, against real daemon, broker and collector.

docs/security.md lists every attack and the test that holds it; here are those that no other file has.
"""

from __future__ import annotations

import contextlib
import json
import random
import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from fakes.broker_client import BrokerClient
from fakes.site_folder import reading_site
from fakes.stage_collector import collector_of
from fakes.told import SITE as TOLD_SITE
from fakes.told import Teller
from kazasu.collector.records import Kind
from kazasu.collector.store.sqlite import SqliteStore
from kazasu.model.document import verified
from kazasu.model.signature import Ed25519Verifier
from kazasu.publishers.wire import Topics
from kazasu.site.broker_files import SHIPPED
from kazasu.virtual.broker import PrivateBroker
from kazasu.virtual.collector import CollectorProcess
from kazasu.virtual.stage import SITE, TERMINAL, Stage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DOOR = """
[services.door]

[[doors]]
name = "hall"
readers = ["desk"]
release = "1s"

[[levels]]
name = "staff"
doors = ["hall"]
"""
TOPICS = Topics(SITE, TERMINAL)
OTHER = Topics(SITE, "exit-9")
ALL = Topics(SITE, "all")
COLLECTOR = f"kazasu/v1/{SITE}/collector"
LARGEST = 60_000  # of a payload; the broker takes packets of 64 KiB


def own(broker: PrivateBroker, folder: Path) -> None:
    """Let `owner` do everything at the broker, as whoever administers it can."""
    acl = folder / "acl-of-the-owner"
    acl.write_text(f"{(SHIPPED / 'acl').read_text()}\nuser owner\ntopic readwrite #\n")
    acl.chmod(0o600)
    broker.configure(f"acl_file {acl}")


@pytest.mark.rule(5)
def test_who_owns_the_broker_cannot_change_add_repeat_or_hide_an_event(tmp_path: Path) -> None:
    front, side, stranger = Teller(), Teller("side"), Teller()
    front.tell(8)
    side.tell(1)
    broker = PrivateBroker(tmp_path / "broker")
    own(broker, tmp_path)
    private = Ed25519PrivateKey.generate()
    receipt = f"kazasu/v1/{TOLD_SITE}/down/front/receipt"
    with broker:
        collector = CollectorProcess(
            tmp_path / "collector",
            TOLD_SITE,
            broker.client("collector"),
            {"front": front.signer, "side": side.signer},
            private=private,
        )
        command, presence = f"kazasu/v1/{TOLD_SITE}/down/front/command", f"kazasu/v1/{TOLD_SITE}/down/all/collector"
        with collector, BrokerClient(broker.client("owner"), "owner", receipt, command, presence) as owner:
            assert owner.wait_for(lambda: b"online" in owner.newest(presence))
            one, two, three, *rest = (event.body for event in front.told)
            for body in (two, one, two, one, three):  # out of order, and again
                owner.publish(front.topic, body)
            owner.publish(front.topic, rest[0].replace(b'"attendance.in"', b'"attendance.on"'))  # changed
            owner.publish(front.topic, stranger.tell()[0].body)  # made up
            owner.publish(front.topic, side.told[0].body)  # another terminal's
            owner.publish(side.topic, rest[0])  # and the other way round
            for body in rest[2:]:  # two are held back
                owner.publish(front.topic, body)
            assert owner.wait_for(lambda: b'"from":4' in owner.newest(command)), collector.log_file.read_text()
            for body in rest[:2]:  # late
                owner.publish(front.topic, body)
            assert owner.wait_for(lambda: b'"seq":8' in owner.newest(receipt)), collector.log_file.read_text()
            vouched = verified(owner.newest(receipt), Ed25519Verifier(collector.signer.public)).fields
            assert vouched["hash"] == front.told[-1].digest
    with closing(SqliteStore(collector.store_file)) as store:
        assert [event.body for event in store.events("front", front.epoch, 1, 99)] == [each.body for each in front.told]
        assert [chain.terminal for chain in store.chains()] == ["front"]
        refused = {alert.terminal: alert.count for alert in store.alerts() if alert.kind is Kind.REFUSED}
        assert refused == {"front": 3, "side": 1}


@pytest.fixture
def owned(tmp_path: Path) -> Iterator[Stage]:
    """A stage whose broker belongs to somebody else now."""
    with Stage(tmp_path / "stage", DOOR, synchronised=True) as stage:
        stage.subscriber.stop()  # the real collector takes its place
        stage.broker.stop()
        own(stage.broker, tmp_path)
        stage.broker.start()
        yield stage


def generated(seed: int) -> Iterator[bytes]:
    """Messages that nobody meant: no text, no end, no bottom, and nearly right."""
    source = random.Random(seed)  # noqa: S311  (messages, no secret)
    yield from (b"\xff\xfe\x00 no text", b"\xed\xa0\x80", b"[" * LARGEST, b'{"a":' * 10_000, b"x" * LARGEST)
    yield from (b"null", b"0", b'""', b"[]", b"{}", b'{"v":1,"v":1}', b'{"v":1e999}', b'{"seq":%d}' % 2**70)
    names = ("v", "site", "terminal", "state", "conn", "epoch", "seq", "acked_seq", "type", "sig", "keyid", "version")
    values: tuple[object, ...] = (
        0,
        -1,
        2**63,
        "",
        "x" * 5000,
        "\u202e",
        None,
        True,
        1.5,
        [],
        {},
        SITE,
        TERMINAL,
        "online",
        "f" * 16,
    )
    for _ in range(12):
        yield json.dumps({name: source.choice(values) for name in source.sample(names, 7)}).encode()


def test_generated_messages_on_every_topic_harm_no_subscriber(owned: Stage, tmp_path: Path) -> None:
    collector = collector_of(owned, tmp_path / "stage/keys", tmp_path / "collector")
    own_words = (TOPICS.health, TOPICS.alert("made_up"), TOPICS.answer, TOPICS.muster(), TOPICS.event)
    of_others = (OTHER.state, OTHER.health, OTHER.muster(), OTHER.muster(2), OTHER.event)
    from_the_site = (TOPICS.command, TOPICS.receipt, f"{TOPICS.down}/roster", TOPICS.enrol_reply, ALL.collector)
    to_all = (f"{ALL.down}/roster", f"{ALL.down}/roster/7/1", ALL.site_key("f" * 16))
    of_collectors = (f"{COLLECTOR}/all/alert/{TERMINAL}/gap", f"{COLLECTOR}/collector/health")
    topics = (*own_words, *of_others, *from_the_site, *to_all, *of_collectors)
    with collector, owned.daemon, BrokerClient(owned.broker.client("owner"), "owner", TOPICS.health) as owner:

        def health() -> dict[str, int]:
            """The newest that the terminal itself said: what nobody meant has no receipt in it."""
            for topic, payload in reversed(owner.heard):
                with contextlib.suppress(ValueError):
                    said = json.loads(payload)
                    if topic == TOPICS.health and isinstance(said, dict) and "receipt_seq" in said:
                        return said
            return {}

        owned.tap(owned.staff[0].card)
        last = owned.backlog.last_seq()
        assert owner.wait_for(lambda: health().get("receipt_seq", 0) >= last), collector.log_file.read_text()
        moved = len(owned.daemon.moved)
        for number, topic in enumerate(topics):
            for payload in generated(number):
                owner.publish(topic, payload)
            owner.publish(topic, b"\xff", retain=True)  # also for whoever connects next
        assert len(owned.daemon.moved) == moved, "a door moved"
        owned.daemon.kill()
        collector.kill()
        with collector, owned.daemon:
            owned.tap(owned.staff[2].card)
            last = owned.backlog.last_seq()
            assert owner.wait_for(lambda: health().get("receipt_seq", 0) >= last), collector.log_file.read_text()
            for client, action in (
                ("operations", ("watch", "--once", "--json")),
                ("discovery", ("discovery", "--once")),
            ):
                folder = reading_site(tmp_path / client, SITE, owned.broker, client)
                command = [sys.executable, "-m", "kazasu", "site", *action, "--site", folder]
                done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
                assert TERMINAL in done.stdout, done.stderr
                assert "Traceback" not in done.stderr
    with closing(SqliteStore(collector.store_file)) as store:
        (chain,) = store.chains()
        assert (chain.terminal, chain.seq >= last) == (TERMINAL, True)

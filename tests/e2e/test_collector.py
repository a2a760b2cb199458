"""The real collector as a process, beside a real mosquitto with TLS: nothing is lost and nothing kept twice."""

from __future__ import annotations

import json
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from fakes.broker_client import BrokerClient
from fakes.publishing import SITE, TERMINAL, Rig
from fakes.told import Teller
from kazasu.collector.store.postgresql import PostgresqlStore
from kazasu.collector.store.sqlite import SqliteStore
from kazasu.model.document import verified
from kazasu.model.signature import Ed25519Verifier
from kazasu.virtual.broker import PrivateBroker
from kazasu.virtual.collector import CollectorProcess
from kazasu.virtual.postgresql import PrivatePostgresql

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from kazasu.collector.ports import EventStore

BASE = f"kazasu/v1/{SITE}"
KILLS = 4


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[PrivateBroker]:
    with PrivateBroker(tmp_path / "broker") as broker:
        yield broker


@pytest.fixture
def rig(broker: PrivateBroker) -> Iterator[Rig]:
    rig = Rig(broker.client(TERMINAL))
    yield rig
    rig.stop()


@pytest.fixture
def collector(tmp_path: Path, broker: PrivateBroker, rig: Rig) -> Iterator[CollectorProcess]:
    collector = CollectorProcess(
        tmp_path / "collector",
        SITE,
        broker.client("collector"),
        {TERMINAL: rig.signer},
        private=rig.collector_private,
    )
    yield collector
    collector.kill()


def vouched(rig: Rig) -> int:
    """How far the collector has vouched to the terminal."""
    return int(rig.board.fields().get("receipt_seq", 0))


def kept(store: EventStore, terminal: str = TERMINAL) -> list[int]:
    """The numbers that the store holds of a terminal, in order."""
    [chain] = [chain for chain in store.chains() if chain.terminal == terminal]
    return [event.seq for event in store.events(terminal, chain.epoch, 1, 10**6)]


@pytest.mark.rule(5)
def test_kills_lose_nothing_and_double_nothing(rig: Rig, collector: CollectorProcess) -> None:
    rig.grow(300)
    with rig:
        for number in range(1, KILLS + 1):
            collector.start()
            # Somewhere within what it has to do; each time it gets further.
            assert rig.wait_for(lambda number=number: vouched(rig) >= 60 * number)  # type: ignore[misc]
            collector.kill()
            rig.grow(150)
        collector.start()
        last = 300 + KILLS * 150
        assert rig.wait_for(lambda: vouched(rig) == last), collector.log_file.read_text()
        collector.stop()
    with closing(SqliteStore(collector.store_file)) as store:
        assert kept(store) == list(range(1, last + 1))
        assert store.alerts() == []


@pytest.mark.rule(5)
def test_a_broker_that_was_killed_is_found_again(broker: PrivateBroker, rig: Rig, collector: CollectorProcess) -> None:
    rig.grow(100)
    with collector, rig:
        assert rig.wait_for(lambda: vouched(rig) == 100)
        broker.kill()
        rig.grow(100)
        broker.start()
        assert rig.wait_for(lambda: vouched(rig) == 200), collector.log_file.read_text()
    with closing(SqliteStore(collector.store_file)) as store:
        assert kept(store) == list(range(1, 201))


@pytest.mark.rule(5)
def test_two_collectors_share_the_events_and_either_may_be_killed(
    tmp_path: Path, broker: PrivateBroker, rig: Rig
) -> None:
    rig.grow(200)
    with ExitStack() as stack:
        server = stack.enter_context(PrivatePostgresql("fsync=off"))
        one, other = (
            CollectorProcess(
                tmp_path / name,
                SITE,
                broker.client("collector"),
                {TERMINAL: rig.signer},
                private=rig.collector_private,
                postgresql=server.conninfo,
                lines=f'name = "{name}"\ngroup = "site"',
            )
            for name in ("one", "other")
        )
        for collector in (one, other):
            stack.enter_context(collector)
        with rig:
            assert rig.wait_for(lambda: vouched(rig) == 200), one.log_file.read_text() + other.log_file.read_text()
            one.kill()
            rig.grow(1)
            # Whichever of the two it was dealt to: the broker keeps the dead one's for a moment.
            one.start()
            rig.grow(200)
            assert rig.wait_for(lambda: vouched(rig) >= 200)
            server.stop()
            rig.grow(100)
            server.start()
            with closing(PostgresqlStore(server.conninfo)) as store:
                assert rig.wait_for(lambda: kept(store) == list(range(1, 502))), one.log_file.read_text()
                assert rig.wait_for(lambda: vouched(rig) == 501)
                assert rig.wait_for(lambda: not store.alerts()), store.alerts()  # a gap for a time, and filled


def test_what_is_missing_is_asked_for_and_what_is_wrong_is_told(tmp_path: Path, broker: PrivateBroker) -> None:
    front, stranger = Teller(), Teller()
    front.tell(6)
    private = Ed25519PrivateKey.generate()
    events, command, receipt = front.topic, f"{BASE}/down/front/command", f"{BASE}/down/front/receipt"
    alert = f"{BASE}/collector/all/alert/front"
    collector = CollectorProcess(
        tmp_path / "collector", SITE, broker.client("collector"), {"front": front.signer}, private=private
    )
    with (
        collector,
        BrokerClient(broker.client("front"), "front", f"{BASE}/down/#") as terminal,
        BrokerClient(broker.client("operations"), "operations", f"{BASE}/collector/#") as operations,
    ):
        key = Ed25519Verifier(collector.signer.public)
        assert terminal.wait_for(lambda: b"online" in terminal.newest(f"{BASE}/down/all/collector"))
        terminal.publish(events, front.told[0].body)
        for event in front.told[3:]:
            terminal.publish(events, event.body)
        terminal.publish(events, b"\xff nonsense")
        terminal.publish(events, stranger.tell()[0].body)

        assert terminal.wait_for(lambda: terminal.newest(command) != b"")
        asked = verified(terminal.newest(command), key).fields
        assert {name: asked[name] for name in ("type", "command", "terminal", "epoch", "from", "to")} == {
            "type": "command",
            "command": "publish_again",
            "terminal": "front",
            "epoch": front.epoch,
            "from": 2,
            "to": 3,
        }
        assert operations.wait_for(lambda: b"2 to 3" in operations.newest(f"{alert}/gap"))
        assert operations.wait_for(lambda: operations.newest(f"{alert}/refused") != b"")
        assert json.loads(operations.newest(f"{alert}/refused"))["count"] == 2
        assert verified(terminal.newest(receipt), key).fields["seq"] == 1

        for event in front.told[1:3]:
            terminal.publish(events, event.body)
        assert terminal.wait_for(lambda: b'"seq":6' in terminal.newest(receipt))
        vouched = verified(terminal.newest(receipt), key).fields
        assert vouched["hash"] == front.told[-1].digest
        gap = [payload for topic, payload in operations.heard if topic == f"{alert}/gap"]
        assert operations.wait_for(lambda: operations.newest(f"{alert}/gap") == b""), gap

        # The broker had told the terminal "success" and lost the end: only the terminal's own word says so.
        health = {"epoch": front.epoch, "acked_seq": 8, "last_seq": 8}
        terminal.publish(f"{BASE}/up/front/health", json.dumps(health).encode(), retain=True)
        assert terminal.wait_for(lambda: b'"from":7' in terminal.newest(command))
        for event in front.tell(2):
            terminal.publish(events, event.body)
        assert terminal.wait_for(lambda: b'"seq":8' in terminal.newest(receipt))


@pytest.mark.rule(5)
def test_a_store_that_is_away_is_waited_for_and_nothing_is_acknowledged_meanwhile(
    tmp_path: Path, broker: PrivateBroker, rig: Rig
) -> None:
    with PrivatePostgresql("fsync=off") as server:
        server.stop()
        collector = CollectorProcess(
            tmp_path / "collector",
            SITE,
            broker.client("collector"),
            {TERMINAL: rig.signer},
            private=rig.collector_private,
            postgresql=server.conninfo,
        )
        with collector, rig:
            assert rig.wait_for(lambda: "collector_waits" in collector.log_file.read_text())
            server.start()
            rig.grow(10)
            assert rig.wait_for(lambda: vouched(rig) == 10)
            server.stop()
            rig.grow(50)
            assert rig.wait_for(lambda: rig.cursor.seq == 60)  # the broker has them, and so has the collector
            assert rig.wait_for(lambda: "store_unavailable" in collector.log_file.read_text())
            collector.kill()
            server.start()
            collector.start()
            assert rig.wait_for(lambda: vouched(rig) == 60)
            collector.stop()
        with closing(PostgresqlStore(server.conninfo)) as store:
            assert kept(store) == list(range(1, 61))

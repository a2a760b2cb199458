"""The real collector as a process, beside a real mosquitto with TLS: nothing is lost and nothing kept twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fakes.publishing import SITE, TERMINAL, Rig
from kazasu.collector.store.sqlite import SqliteStore
from kazasu.virtual.broker import PrivateBroker
from kazasu.virtual.collector import CollectorProcess

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from kazasu.collector.ports import EventStore


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


def receipts_of(rig: Rig) -> int:
    """How far the collector has vouched to the terminal."""
    return int(rig.board.fields().get("receipt_seq", 0))


def kept(store: EventStore) -> list[int]:
    """The numbers that the store holds, in order."""
    [chain] = store.chains()
    return [event.seq for event in store.events(TERMINAL, chain.epoch, 1, 10**6)]


@pytest.mark.rule(5)
def test_events_are_kept_once_and_vouched_for(rig: Rig, collector: CollectorProcess) -> None:
    rig.grow(500)
    with collector, rig:
        assert rig.wait_for(lambda: receipts_of(rig) == 500), collector.log_file.read_text()
        rig.grow(1)
        assert rig.wait_for(lambda: receipts_of(rig) == 501)
    store = SqliteStore(collector.store_file)
    assert kept(store) == list(range(1, 502))
    assert store.alerts() == []

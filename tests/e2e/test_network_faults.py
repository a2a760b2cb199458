"""What a network does to the way from a terminal over the broker to the collector: real parts, and a line that is bad.

The line is a TUN device (fakes/line.py), because not every kernel has netem; a kernel without TUN skips its tests.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from fakes.broker_client import BrokerClient
from fakes.clock import START
from fakes.line import DEVICE, Line
from fakes.publishing import SITE, TERMINAL, Rig, RunningClock
from fakes.stage_collector import collector_of
from kazasu.collector.store.sqlite import SqliteStore
from kazasu.publishers.wire import Topics
from kazasu.virtual.broker import PrivateBroker
from kazasu.virtual.collector import CollectorProcess
from kazasu.virtual.stage import SITE as STAGED_SITE
from kazasu.virtual.stage import TERMINAL as STAGED
from kazasu.virtual.stage import Stage
from kazasu.virtual.subscriber import CheckingSubscriber

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TOPICS = Topics(SITE, TERMINAL)

has_tun = pytest.mark.skipif(not DEVICE.exists(), reason=f"no {DEVICE}: this kernel has no TUN driver, so no bad line")


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[PrivateBroker]:
    broker = PrivateBroker(tmp_path / "broker", names=(Line.there,))
    broker.configure(f"listener {broker.port}")
    with broker:
        yield broker


def over_the_line(broker: PrivateBroker, clock: RunningClock | None = None) -> Rig:
    return Rig(replace(broker.client(TERMINAL), host=Line.there), clock=clock)


def beside_it(broker: PrivateBroker, rig: Rig) -> CheckingSubscriber:
    """The collector sits beside the broker, as it should."""
    return CheckingSubscriber(broker.client("collector"), SITE, rig.verifiers, signer=rig.collector)


@has_tun
@pytest.mark.rule(4)
def test_a_line_that_loses_and_delays_loses_no_event(broker: PrivateBroker) -> None:
    rig = over_the_line(broker)
    rig.grow(400)
    with Line(loss=0.05, delay_s=0.02) as line, beside_it(broker, rig) as reader, rig:
        assert reader.wait_for(lambda: reader.seq(TERMINAL) == 400)
        rig.grow(1)
        assert rig.wait_for(lambda: rig.board.fields().get("receipt_seq") == 401)
        assert reader.problems == []
        assert line.lost > 0


@has_tun
@pytest.mark.rule(4)
def test_a_line_that_falls_silent_is_given_up_and_its_end_is_no_end_of_the_next(broker: PrivateBroker) -> None:
    clock = RunningClock(START)
    rig = over_the_line(broker, clock)
    with Line() as line, beside_it(broker, rig) as reader, rig:
        rig.grow(20)
        assert rig.wait_for(lambda: rig.board.fields().get("receipt_seq") == 20)
        line.silent = True  # the broker still sees a connection, and so does the terminal
        rig.grow(20)
        assert rig.wait_for(lambda: line.lost > 0)
        clock.leap(rig.settings.ack_timeout_s)
        rig.board.waker.wake()
        assert rig.wait_for(lambda: "acknowledged nothing" in rig.board.alerts().get("broker", ""))
        assert rig.cursor.seq == 20
        line.silent = False
        assert rig.wait_for(lambda: rig.board.fields().get("receipt_seq") == 40)
        assert reader.problems == []

        # The broker tells of the old connection's end only when the new one takes its place: the number says which.
        def conns(word: str) -> list[int]:
            return [state["conn"] for state in map(json.loads, reader.states) if state["state"] == word]

        assert reader.wait_for(lambda: len(conns("offline")) >= 1 and len(conns("online")) >= 2)
        assert max(conns("offline")) < max(conns("online"))


@has_tun
@pytest.mark.rule(5)
def test_a_collector_behind_a_line_that_loses_and_falls_silent_misses_nothing(
    broker: PrivateBroker, tmp_path: Path
) -> None:
    rig = Rig(broker.client(TERMINAL))
    address = replace(broker.client("collector"), host=Line.there)
    collector = CollectorProcess(
        tmp_path / "collector", SITE, address, {TERMINAL: rig.signer}, private=rig.collector_private
    )
    with Line(loss=0.05, delay_s=0.01) as line, collector, rig:
        rig.grow(50)
        assert rig.wait_for(lambda: rig.board.fields().get("receipt_seq") == 50), collector.log_file.read_text()
        line.silent, lost = True, line.lost
        rig.grow(50)
        assert rig.wait_for(lambda: rig.cursor.seq == 100)  # the broker keeps them for the collector
        assert rig.wait_for(lambda: line.lost > lost)
        line.silent = False
        assert rig.wait_for(lambda: rig.board.fields().get("receipt_seq") == 100), collector.log_file.read_text()
    with closing(SqliteStore(collector.store_file)) as store:
        (chain,) = store.chains()
        assert [event.seq for event in store.events(TERMINAL, chain.epoch, 1, 999)] == list(range(1, 101))


@pytest.mark.rule(4)
def test_three_weeks_without_the_broker_cost_nothing_and_all_of_it_arrives(broker: PrivateBroker) -> None:
    clock = RunningClock(START)
    rig = Rig(broker.client(TERMINAL), clock=clock)
    broker.stop()
    with rig:
        for _ in range(3 * 7 * 4):
            rig.grow(12)
            beats = rig.beats
            clock.leap(6 * 3600.0)
            rig.board.waker.wake()
            assert rig.wait_for(lambda beats=beats: rig.beats > beats)  # type: ignore[misc]
        assert rig.fake_cursor.connections == 1  # trying wears out no SD card
        broker.start()
        with beside_it(broker, rig) as reader:
            clock.leap(60.0)  # the longest that a terminal waits before it tries again
            rig.board.waker.wake()
            assert reader.wait_for(lambda: reader.seq(TERMINAL) == 1008)
            assert rig.wait_for(lambda: rig.board.fields().get("receipt_seq") == 1008)
            assert (reader.problems, reader.duplicates) == ([], 0)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Where a broker keeps what it has."""
    disk = tmp_path / "small"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", disk], check=True)
    yield disk
    subprocess.run(["umount", "--lazy", disk], check=True)


def fill(disk: Path) -> None:
    with (disk / "other").open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            return


@pytest.mark.rule(5)
def test_what_a_broker_with_a_full_disk_acknowledged_and_lost_comes_again(tmp_path: Path, small_disk: Path) -> None:
    with Stage(tmp_path / "stage", synchronised=True) as stage:
        stage.subscriber.stop()  # the real collector takes its place
        broker = stage.broker
        broker.stop()
        broker.configure(f"persistence_location {small_disk}/")
        broker.start()
        collector = collector_of(stage, tmp_path / "stage/keys", tmp_path / "collector")
        topic = Topics(STAGED_SITE, STAGED).health

        def health(name: str) -> int:
            return int(json.loads(operations.newest(topic) or b"{}").get(name, 0))

        with BrokerClient(broker.client("operations"), "operations", topic) as operations, stage.daemon:
            with collector:
                stage.tap(stage.staff[0].card)
                last = stage.backlog.last_seq()
                assert operations.wait_for(lambda: health("receipt_seq") >= last), collector.log_file.read_text()
            fill(small_disk)
            assert shutil.disk_usage(small_disk).free == 0
            for person in stage.staff[1:3]:
                stage.tap(person.card)
            last = stage.backlog.last_seq()
            assert operations.wait_for(lambda: health("acked_seq") == last)  # it has them for the collector, it says
            broker.kill()
            for file in small_disk.iterdir():  # mosquitto does not start with what it could not write to the end
                file.unlink()
            broker.start()
            with collector:
                assert operations.wait_for(lambda: health("receipt_seq") >= last), collector.log_file.read_text()

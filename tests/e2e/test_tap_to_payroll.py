"""The whole way: a card at a real reader, the daemon, the broker, the collector, a receipt, payroll and a proof."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fakes.broker_client import BrokerClient
from fakes.stage_collector import collector_of
from kazasu.virtual.stage import SITE, TERMINAL, Stage

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from kazasu.virtual.collector import CollectorProcess

VERIFY = Path(__file__).parents[2] / "docs/verify.py"
HEALTH = f"kazasu/v1/{SITE}/up/{TERMINAL}/health"


def output_of(command: Sequence[str | Path], given: bytes = b"") -> str:
    done = subprocess.run(command, input=given, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.decode()


def health_of(operations: BrokerClient) -> dict[str, int]:
    health: dict[str, int] = json.loads(operations.newest(HEALTH) or b"{}")
    return health


def vouched(operations: BrokerClient) -> int:
    """How far the collector has vouched, as the terminal itself says."""
    return health_of(operations).get("receipt_seq", 0)


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with Stage(tmp_path / "stage", synchronised=True) as stage:
        stage.subscriber.stop()  # the real one takes its place
        yield stage


@pytest.fixture
def collector(tmp_path: Path, stage: Stage) -> Iterator[CollectorProcess]:
    collector = collector_of(stage, tmp_path / "stage/keys", tmp_path / "collector")
    yield collector
    collector.kill()


@pytest.mark.rule(5)
def test_a_tap_becomes_a_line_of_payroll_and_can_be_proved(stage: Stage, collector: CollectorProcess) -> None:
    with collector, BrokerClient(stage.broker.client("operations"), "operations", HEALTH) as operations:
        with stage.daemon:
            for person in stage.staff[:2]:
                stage.tap(person.card)
            last = stage.backlog.last_seq()
            assert operations.wait_for(lambda: vouched(operations) == last), collector.log_file.read_text()
        collector.stop()

    report = [sys.executable, "-m", "kazasu", "report"]
    config = ["--config", str(collector.config_file)]
    lines = output_of([*report, "attendance", "--from", "2000-01-01", "--to", "2999-12-31", *config]).splitlines()
    assert len(lines) == 3
    assert [line.split(",")[1] for line in lines[1:]] == ["1001", "1002"]
    proof = output_of([*report, "proof", "--terminal", TERMINAL, "--from", "1", "--to", str(last), *config])
    keys = [stage.public_key_file, stage.public_key_file.with_name("collector.pub")]
    said = output_of([sys.executable, VERIFY, *keys], proof.encode()).splitlines()
    assert said[-1].startswith(f"vouched for {TERMINAL}")
    assert len(said) > last


@pytest.mark.rule(5)
def test_what_the_broker_took_and_lost_is_asked_for_and_sent_again(stage: Stage, collector: CollectorProcess) -> None:
    everything = (HEALTH, f"kazasu/v1/{SITE}/up/{TERMINAL}/event")  # somebody hears it, so the broker says success
    with BrokerClient(stage.broker.client("operations"), "operations", *everything) as operations, stage.daemon:
        with collector:
            stage.tap(stage.staff[0].card)
            last = stage.backlog.last_seq()
            assert operations.wait_for(lambda: vouched(operations) == last)
        with BrokerClient(stage.broker.client("collector"), "collector", "nothing/of/interest"):
            pass  # a clean start: the broker has forgotten the collector's session
        for person in stage.staff[1:3]:
            stage.tap(person.card)
        last = stage.backlog.last_seq()
        assert operations.wait_for(lambda: health_of(operations).get("acked_seq", 0) == last)
        with collector:
            assert operations.wait_for(lambda: vouched(operations) >= last), collector.log_file.read_text()


@pytest.mark.rule(5)
def test_what_a_broker_that_saves_by_time_lost_with_its_power_comes_again(
    stage: Stage, collector: CollectorProcess
) -> None:
    """It saves nothing at all here, so that the collector's session is lost for certain, and the events in it."""
    stage.broker.stop()
    stage.broker.configure("autosave_on_changes false", "autosave_interval 3600")
    stage.broker.start()
    with stage.daemon:
        with BrokerClient(stage.broker.client("operations"), "operations", HEALTH) as operations:
            with collector:
                stage.tap(stage.staff[0].card)
                last = stage.backlog.last_seq()
                assert operations.wait_for(lambda: vouched(operations) == last)
            for person in stage.staff[1:3]:
                stage.tap(person.card)
            last = stage.backlog.last_seq()
            assert operations.wait_for(lambda: health_of(operations).get("acked_seq", 0) == last)
        stage.broker.kill()
        stage.broker.start()
        with collector, BrokerClient(stage.broker.client("operations"), "operations", HEALTH) as operations:
            assert operations.wait_for(lambda: vouched(operations) >= last), collector.log_file.read_text()

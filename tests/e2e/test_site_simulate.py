"""A simulated fleet against the site's own mosquitto: what it reports is what arrived."""

from __future__ import annotations

import re
import threading
from typing import TYPE_CHECKING

import pytest

from fakes.broker_client import BrokerClient
from kazasu.cli import main
from kazasu.collector.wire import CollectorPayloads
from kazasu.publishers.wire import Topics
from kazasu.runtime.clock import SystemClock
from kazasu.site.directory import open_site
from kazasu.site.simulate import Fleet, Plan
from kazasu.site.simulate_site import identities
from kazasu.store.keys import load_verifier
from kazasu.virtual.broker import free_port
from kazasu.virtual.site import SiteBroker, make_site
from kazasu.virtual.subscriber import CheckingSubscriber

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from kazasu.site.directory import Site

TERMINALS = 6


@pytest.fixture
def site(tmp_path: Path) -> Site:
    words = ("--broker", "localhost", "--port", str(free_port()), "--terminals", str(TERMINALS))
    assert main(["site", "simulate", "--new", str(tmp_path / "load"), *words]) == 0
    return open_site(tmp_path / "load")


@pytest.fixture
def broker(site: Site, tmp_path: Path) -> Iterator[SiteBroker]:
    with SiteBroker(site, tmp_path / "broker") as broker:
        yield broker


def simulate(site: Site, *words: str) -> int:
    return main(["site", "simulate", "--site", str(site.path), "--minutes", "0.05", "--taps-per-minute", "300", *words])


def collector(site: Site, *, vouches: bool = True) -> CheckingSubscriber:
    verifiers = {}
    for name, record in site.terminals().items():
        assert record.event_key is not None
        verifiers[name] = record.event_key.verifier()
    signer = site.collector_signer() if vouches else None
    return CheckingSubscriber(site.broker("collector"), site.name, verifiers, signer=signer)


def taps(shown: str) -> int:
    found = re.search(r"^taps (\d+)", shown, re.MULTILINE)
    assert found is not None
    return int(found[1])


@pytest.mark.usefixtures("broker")
def test_every_event_is_vouched_for_in_spite_of_outages(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    with collector(site) as reader:
        assert simulate(site, "--outages", "50", "--outage", "1s") == 0
        shown = capsys.readouterr().out
        assert "the collector vouched for every event, once" in shown
        assert len(reader.events) == taps(shown) > TERMINALS
        assert reader.problems == []
        assert any(b"connection_lost" in state for state in reader.states), "nobody was cut off"
        assert reader.wait_for(lambda: sum(b"stopped" in state for state in reader.states) == TERMINALS)


@pytest.mark.usefixtures("broker")
def test_a_collector_that_vouches_for_nothing_fails_it(site: Site) -> None:
    plan = Plan(minutes=0.02, taps_per_minute=300, settle_s=0.2)
    verifier = load_verifier(site.file("collector.pub"))
    with collector(site, vouches=False):
        outcome = Fleet(
            site.name, identities(site), verifier, clock=SystemClock(site.zone), plan=plan, show=lambda _: None
        ).run()
    assert not outcome.well
    assert f"{TERMINALS} terminals are behind" in outcome.words


@pytest.mark.usefixtures("broker")
def test_what_a_collector_misses_is_sent_again(site: Site) -> None:
    plan = Plan(minutes=0.05, taps_per_minute=300, settle_s=1.0)
    clock = SystemClock(site.zone)
    fleet = Fleet(
        site.name,
        identities(site),
        load_verifier(site.file("collector.pub")),
        clock=clock,
        plan=plan,
        show=lambda _: None,
    )

    def ask() -> None:
        assert reader.wait_for(lambda: len(reader.events) > TERMINALS)
        first = reader.events[0].fields
        terminal, epoch = str(first["terminal"]), str(first["epoch"])
        issued = clock.now().at.isoformat(timespec="milliseconds")
        command = CollectorPayloads(site.name, "collector").publish_again(
            terminal, epoch, (1, 1), transaction="5a" * 16, issued=issued, signer=site.collector_signer()
        )
        asker.publish(Topics(site.name, terminal).command, command)

    with collector(site, vouches=False) as reader, BrokerClient(site.broker("collector"), "asker") as asker:
        asking = threading.Thread(target=ask)
        asking.start()
        fleet.run()
        asking.join()
        assert reader.wait_for(lambda: reader.duplicates == 1)
        [accepted] = [event for event in reader.events if event.fields["event_type"] == "command.accepted"]
        assert accepted.fields["by"] == "collector"
        assert reader.problems == []
    assert fleet.figures.commands == 1
    assert fleet.figures.acks == fleet.figures.taps + 1


def test_a_site_that_means_something_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert simulate(make_site(tmp_path / "town-hall")) != 0
    assert "was not made to be simulated: it is called 'town-hall'" in capsys.readouterr().err

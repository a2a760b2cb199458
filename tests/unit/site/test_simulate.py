"""What a simulated fleet does without a network: who may be simulated, the journal in memory, the plan, the figures."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from fakes.clock import FakeClock
from kazasu.errors import ConfigurationError
from kazasu.model.event import Draft, opened
from kazasu.model.signature import Ed25519Signer, Ed25519Verifier
from kazasu.publishers.settings import Broker
from kazasu.site.directory import TerminalRecord
from kazasu.site.founding import Founding
from kazasu.site.simulate import Fleet, Plan
from kazasu.site.simulate_figures import Figures
from kazasu.site.simulate_site import Identity, identities, make
from kazasu.site.simulate_terminal import MemoryJournal
from kazasu.virtual.site import make_site

if TYPE_CHECKING:
    from pathlib import Path


def identity(folder: Path) -> Identity:
    nowhere = folder / "nothing"
    broker = Broker(host="localhost", port=1, ca_file=nowhere, certificate_file=nowhere, key_file=nowhere)
    return Identity(terminal="sim-00001", broker=broker, signer=Ed25519Signer(Ed25519PrivateKey.generate()))


def test_a_site_for_it_has_active_terminals_whose_keys_lie_in_it(tmp_path: Path) -> None:
    shown: list[int] = []
    site = make(tmp_path / "load", Founding(name="load", timezone="Asia/Tokyo", host="localhost"), 3, shown.append)
    assert (site.name, shown) == ("sim-load", [1, 2, 3])
    found = identities(site)
    assert [each.terminal for each in found] == ["sim-00001", "sim-00002", "sim-00003"] == list(site.terminals())
    for each in found:
        record = site.terminal(each.terminal)
        assert record.state == "active"
        assert record.event_key is not None
        assert record.event_key.keyid == each.signer.keyid
        assert each.broker.key_file.stat().st_mode & 0o777 == 0o600
    assert len(identities(site, 2)) == 2
    with pytest.raises(ConfigurationError, match="has 3 terminals, not 4"):
        identities(site, 4)


def test_one_terminal_of_peoples_own_is_enough_to_refuse(tmp_path: Path) -> None:
    site = make(tmp_path / "load", Founding(name="sim-a", timezone="Asia/Tokyo", host="localhost"), 1, lambda _: None)
    site.save(TerminalRecord(id="entrance-1", state="invited"))
    with pytest.raises(ConfigurationError, match="it has the terminal 'entrance-1'"):
        identities(site)
    with pytest.raises(ConfigurationError, match="it is called 'town-hall'"):
        identities(make_site(tmp_path / "town-hall"))


def test_the_journal_in_memory_is_a_chain_that_a_receipt_lets_go_of(tmp_path: Path) -> None:
    who = identity(tmp_path)
    journal = MemoryJournal("sim-load", who)
    for second in range(5):
        draft = Draft(event_type="attendance.in", moment=FakeClock().now(), fields={})
        journal.append(draft, float(second), live=True)
    rows = journal.after(0, 10)
    assert [seq for seq, _ in rows] == [1, 2, 3, 4, 5]
    events = [opened(body, Ed25519Verifier(who.signer.public)) for _, body in rows]
    assert all(event.fields["prev"] == before.digest for before, event in itertools.pairwise(events))
    assert [kept.seq for kept in journal.prune(3, events[2].digest)] == [1, 2, 3]
    assert [seq for seq, _ in journal.after(0, 10)] == [4, 5]
    assert [seq for seq, _ in journal.after(4, 10)] == [5]
    for seq, digest in ((5, events[3].digest), (6, events[4].digest), (3, events[2].digest)):
        with pytest.raises(ValueError, match="does not match the chain"):
            journal.prune(seq, digest)


def test_one_seed_is_one_plan_of_outages(tmp_path: Path) -> None:
    def away(seed: int) -> list[tuple[float, frozenset[int]]]:
        plan = Plan(minutes=1, taps_per_minute=1, away_share=0.3, away_s=20, seed=seed)
        who = [identity(tmp_path)] * 10
        verifier = Ed25519Verifier(who[0].signer.public)
        fleet = Fleet("sim-load", who, verifier, clock=FakeClock(), plan=plan, show=lambda _: None)
        return list(itertools.islice(fleet.outages(100.0), 3))

    first = away(1)
    assert [(at, len(who)) for at, who in first] == [(120.0, 3), (140.0, 3), (160.0, 3)]
    assert away(1) == first != away(2)


def test_a_line_counts_and_tells_how_long_what_came_since_took() -> None:
    figures = Figures()
    for _ in range(3):
        figures.tapped()
    figures.sent(3)
    figures.acknowledged(2, [0.001, 0.003])
    assert figures.line(7, 9) == (
        "   7 s  connected 9  sent 3  acknowledged 2  receipted 0  backlog 1  ack p50 3.0 p95 3.0 p99 3.0 ms  receipt -"
    )
    figures.receipted(2, [0.5])
    assert figures.line(8, 9).endswith("ack -  receipt p50 500.0 p95 500.0 p99 500.0 ms")
    assert figures.summary().startswith(
        "taps 3, asked for events again 0, acknowledged 2, receipted 2, sent 3 (0 more than once)\n"
    )

"""Sixty people a minute through one gate for an hour, with the broker down: nothing lost, and nobody waits."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fakes.gate import Gate, rush
from fakes.journal import SIGNER
from kazasu.model.cue import CueName
from kazasu.model.event import opened
from kazasu.model.presence import answered
from kazasu.model.signature import Ed25519Verifier
from kazasu.store.backlog import Backlog

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kazasu.model.event import Event


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[Path]:
    """In memory where there is some for files: ten thousand flushes are not what is tried here."""
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK):
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(prefix="kazasu-gate-", dir=memory) as name:
        yield Path(name)


@pytest.mark.rule(2)
@pytest.mark.rule(4)
@pytest.mark.rule(9)
@pytest.mark.parametrize(("leaf", "taps"), [(True, 3600), (False, 600)], ids=["an hour, with a leaf", "no leaf"])
def test_everybody_in_the_rush_is_answered_at_once_and_nothing_is_lost(directory: Path, leaf: bool, taps: int) -> None:
    visits = list(rush(taps))
    with Gate(directory, taps, leaf=leaf) as gate:
        began_s = gate.clock.mono_s()
        for visit in visits:
            gate.present(visit)
            gate.tap(visit)
            granted = not visit.reason
            assert gate.cues.played[-2:] == [CueName.READING, CueName.GRANTED if granted else CueName.DENIED]
            assert gate.relay.on or not granted, "whoever was let in before is no reason to wait"
            gate.walk()
        assert gate.clock.mono_s() - began_s == pytest.approx(taps)
        gate.pass_s(10)
        assert not gate.relay.on
        assert gate.inbox.drained() == [], "the second limit had nothing to cut"
        last_seq = gate.journal.seq
    backlog = Backlog(gate.path)
    events: list[Event] = []
    verifier = Ed25519Verifier(SIGNER.public)
    while rows := backlog.after(len(events), 500):
        events += [opened(body, verifier) for _, body in rows]
    backlog.close()
    assert [event.seq for event in events] == list(range(1, last_seq + 1))
    assert [event.fields["prev"] for event in events[1:]] == [event.digest for event in events[:-1]]
    taken = [event.fields for event in events if "decision" in event.fields]
    assert [(int(each["cardholder"]), each["reader"], answered(each)[1]) for each in taken] == visits
    let_in = [event.seq for event in events if answered(event.fields)[0] == "granted"]
    went = [event.fields for event in events if event.fields["event_type"] == "door.opened"]
    assert [each.get("granted_seq") for each in went] == (let_in if leaf else [])

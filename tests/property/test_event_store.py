"""Whatever order events come in, how often, and beside whichever second history: the store follows a simple model."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fakes.told import Teller
from kazasu.collector.store.sqlite import SqliteStore

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kazasu.collector.records import Checked

LENGTH = 12
BRANCH = 6
"""After this event the terminal's disk was set back, and it told another history."""

_NAMES = (f"t{number}" for number in itertools.count())
_TRUE = Teller()
_TRUE.tell(LENGTH)
_OTHER = Teller(signer=_TRUE.signer)
_OTHER.told = _TRUE.told[:BRANCH]
_OTHER.tell(LENGTH - BRANCH, by="somebody")

arrivals = st.lists(
    st.lists(st.tuples(st.integers(1, LENGTH), st.sampled_from([True, True, True, False])), max_size=8), max_size=12
)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqliteStore]:
    store = SqliteStore(tmp_path_factory.mktemp("store") / "events.db")
    yield store
    store.close()


def told(terminal: str, seq: int, *, true: bool) -> Checked:
    """An event of either history, as another terminal's: what the store never looks at is its signature."""
    from msgspec.structs import replace

    teller = _TRUE if true else _OTHER
    [checked] = teller.checked([teller.told[seq - 1]])
    return replace(checked, terminal=terminal)


class Model:
    """What is kept by number, and how far it links: nothing else is known of a chain."""

    def __init__(self) -> None:
        self.kept: dict[int, Checked] = {}
        self.head: tuple[int, str] = (0, "0" * 64)
        self.evidence: set[bytes] = set()

    def keep(self, events: list[Checked]) -> None:
        fresh: dict[int, Checked] = {}
        for event in events:
            known = self.kept.get(event.seq) or fresh.get(event.seq)
            if known is None:
                fresh[event.seq] = event
            elif known.digest != event.digest:
                self.evidence.add(event.body)
        self.kept |= fresh
        while fresh and (following := self.kept.get(self.head[0] + 1)):
            if following.prev != self.head[1]:
                self.evidence.add(self.kept.pop(following.seq).body)
                return
            self.head = (following.seq, following.digest)


@pytest.mark.rule(5)
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(arrivals)
def test_the_store_follows_the_model(store: SqliteStore, batches: list[list[tuple[int, bool]]]) -> None:
    terminal, model = next(_NAMES), Model()
    for batch in batches:
        events = [told(terminal, seq, true=true) for seq, true in batch]
        store.keep(events, [], 1_800_000_000)
        model.keep(events)
        kept = {event.seq: event.body for event in store.events(terminal, _TRUE.epoch, 1, LENGTH)}
        assert kept == {seq: event.body for seq, event in model.kept.items()}
        for chain in store.chains():
            if chain.terminal == terminal:
                assert (chain.seq, chain.digest) == model.head
                behind = sorted(seq for seq in model.kept if seq > chain.seq)
                gap = (chain.seq + 1, behind[0] - 1) if behind else (0, 0)
                assert store.missing(chain) == gap
    with store.reading():
        rows = store.rows("SELECT body FROM quarantine WHERE terminal = ?", (terminal,))
    assert {body for (body,) in rows} == model.evidence

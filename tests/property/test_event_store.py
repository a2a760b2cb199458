"""Whatever order events come in, how often, and beside whichever second history: the store follows a simple model."""

from __future__ import annotations

import datetime as dt
import itertools
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fakes.told import SITE, Teller
from kazasu.collector.attendance import punches
from kazasu.collector.intake import Intake
from kazasu.collector.records import Refused
from kazasu.collector.store.sqlite import SqliteStore
from kazasu.model.moment import Moment, TimeSource

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


moments = st.tuples(
    st.datetimes(timezones=st.sampled_from([dt.UTC, dt.timezone(dt.timedelta(hours=14))])),
    st.one_of(st.integers(0, 2**53 - 1), st.integers(0, 10**6)),
    st.sampled_from(["a" * 32, "b" * 32]),
)


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(moments, min_size=2, max_size=4))
def test_whatever_time_a_terminal_signs_the_store_takes_what_the_intake_lets_through(
    store: SqliteStore, signed_moments: list[tuple[dt.datetime, int, str]]
) -> None:
    teller = Teller(next(_NAMES))
    intake = Intake(SITE, {teller.terminal: teller.registered}, {})
    checked = []
    for at, mono_ms, boot in signed_moments:
        moment = Moment(at=at, source=TimeSource.NTP, error_ms=0, boot=boot, mono_ms=mono_ms)
        teller.tell_at(moment, day="2026-04-01")
        worth = intake.check(teller.topic, teller.told[-1].body)
        if isinstance(worth, Refused):
            teller.told.pop()
        else:
            checked.append(worth)
    assert store.keep(checked, [], 1_800_000_000).stored == len(checked)
    assert all(punch.terminal for punch in punches(store, dt.date(2026, 4, 1), dt.date(2026, 4, 1), 3600.0))


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

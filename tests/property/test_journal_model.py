"""Whatever happens in whatever order, the chain is whole and holds what was acknowledged (design, rules 1 and 3)."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from fakes.clock import FakeClock
from fakes.journal import SIGNER
from kazasu.errors import JournalFull, JournalUnwritable
from kazasu.model.event import Draft, opened
from kazasu.model.receipt import Receipt
from kazasu.model.signature import Ed25519Verifier
from kazasu.store.audit import verify
from kazasu.store.backlog import Backlog
from kazasu.store.journal import Journal

VERIFIER = Ed25519Verifier(SIGNER.public)
MAX_EVENTS = 60
KEEP_S = 30


class JournalModel(RuleBasedStateMachine):
    """The model: bodies by number, from the first that may still be stored to the last acknowledged."""

    def __init__(self) -> None:
        super().__init__()
        self.root = Path(tempfile.mkdtemp(prefix="kazasu-journal-"))
        self.lives = 0
        self.vouched_for = 0
        self.clock = FakeClock()
        self.model: dict[int, bytes] = {}
        self.path = self.root / "0" / "journal.db"
        self.journal = self.open()
        self.epoch = self.journal.epoch

    def open(self) -> Journal:
        return Journal(self.path, "city", "front", SIGNER, max_events=MAX_EVENTS, keep_s=KEEP_S, collector=True)

    @rule(count=st.integers(1, 12), every_s=st.integers(0, 20))
    def append(self, count: int, every_s: int) -> None:
        for _ in range(count):
            self.clock.advance(every_s)
            draft = Draft(event_type="attendance.in", moment=self.clock.now(), fields={"reader": "front"})
            full = self.journal.usage().count >= MAX_EVENTS
            try:
                event = self.journal.append(draft)
            except JournalFull:
                assert full
                return
            assert not full
            assert event.seq == max(self.model, default=0) + 1
            self.model[event.seq] = event.body

    @rule()
    def append_while_another_program_holds_the_lock(self) -> None:
        if self.journal.usage().count >= MAX_EVENTS:
            return
        # The connection's own limit, lowered: a second a step would be waiting for nothing.
        opened_journal = self.journal._opened()
        opened_journal.connection.execute("PRAGMA busy_timeout = 1")
        with Holder(self.path):
            draft = Draft(event_type="attendance.in", moment=self.clock.now(), fields={})
            with pytest.raises(JournalUnwritable):
                self.journal.append(draft)

    @rule(name=st.sampled_from(["Capital", "prev", "ümlaut"]))
    def append_what_is_no_event(self, name: str) -> None:
        if self.journal.usage().count >= MAX_EVENTS:
            return
        with pytest.raises(ValueError):  # noqa: PT011  (each has words of its own)
            self.journal.append(Draft(event_type="a.b", moment=self.clock.now(), fields={name: 1}))

    @rule(seconds=st.integers(-(10**6), 10**6))
    def set_the_clock(self, seconds: int) -> None:
        self.clock.step(seconds)

    @rule()
    def crash(self) -> None:
        """Go on from a copy of the files as they lie there, as after a power cut with everything flushed."""
        self.lives += 1
        copy = self.root / str(self.lives)
        copy.mkdir(mode=0o700)
        for name in ("journal.db", "journal.db-wal"):
            if (self.path.parent / name).exists():
                shutil.copy(self.path.parent / name, copy / name)
        self.journal.close()
        self.path = copy / "journal.db"
        self.journal = self.open()

    @rule()
    def restart(self) -> None:
        self.journal.close()
        self.journal = self.open()

    @rule()
    def be_idle(self) -> None:
        self.journal.idle()

    @rule()
    def checkpoint(self) -> None:
        # 200 events come too seldom here: ask for the checkpoint that they would bring.
        self.journal._since_checkpoint = 10**6
        self.journal.idle()
        assert self.journal._since_checkpoint == 0

    @precondition(lambda self: self.model)
    @rule(data=st.data())
    def prune(self, data: st.DataObject) -> None:
        first = self.journal.seq - self.journal.usage().count + 1
        seq = data.draw(st.integers(first, self.journal.seq))
        digest = opened(self.model[seq], VERIFIER).digest
        # An older receipt takes back nothing of what a newer one has said.
        self.vouched_for = max(self.vouched_for, seq)
        removed = self.journal.prune(Receipt(epoch=self.epoch, seq=seq, digest=digest))
        assert first + removed <= self.vouched_for + 1
        for old in range(first, first + removed):
            del self.model[old]

    @invariant()
    def the_chain_is_whole_and_holds_what_was_acknowledged(self) -> None:
        assert self.journal.epoch == self.epoch
        assert self.journal.seq == max(self.model, default=0)
        *_, last = verify(self.path, VERIFIER)
        assert last.seq == self.journal.seq
        backlog = Backlog(self.path)
        stored = dict(backlog.after(0, 10**6))
        backlog.close()
        assert stored == {seq: body for seq, body in self.model.items() if seq in stored}
        # What idle pruned is gone from the model too.
        assert len(stored) == self.journal.usage().count
        self.model = stored

    def teardown(self) -> None:
        self.journal.close()
        shutil.rmtree(self.root)


class Holder:
    """Another program that holds the write lock."""

    def __init__(self, path: Path) -> None:
        import sqlite3

        self.connection = sqlite3.connect(path, isolation_level=None)

    def __enter__(self) -> None:
        self.connection.execute("BEGIN IMMEDIATE")

    def __exit__(self, *_: object) -> None:
        self.connection.close()


TestJournalModel = JournalModel.TestCase
TestJournalModel.settings = settings(max_examples=30, stateful_step_count=20, deadline=None)

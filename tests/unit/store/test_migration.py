"""A newer Kazasu brings an older store up to date, whole or not at all, and an older one leaves a newer one alone."""

from __future__ import annotations

import shutil
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from fakes.journal import SIGNER
from kazasu import __version__
from kazasu.errors import JournalVersion, KazasuError, RosterError
from kazasu.model.access import Assurance
from kazasu.model.signature import Ed25519Verifier
from kazasu.store.audit import verify
from kazasu.store.backlog import Backlog
from kazasu.store.cursor import CURSOR, SendCursor
from kazasu.store.journal import Journal
from kazasu.store.journal_file import JOURNAL, Owner, open_journal
from kazasu.store.migration import Schema, bring_up_to_date, expect_version
from kazasu.store.roster import ROSTER, Roster, upgrade
from kazasu.store.sqlite import connect

VECTORS = Path(__file__).parents[2] / "vectors" / "stores"
OWNER = Owner(site="city", terminal="front", verifier=Ed25519Verifier(SIGNER.public))
EPOCH = "b075196deeb6629d"
STEPS = {
    2: "-- Remarks; the semicolon; in this comment ends nothing.\nALTER TABLE journal ADD COLUMN remark TEXT\n"
    "    NOT NULL DEFAULT 'a;b';\nCREATE TRIGGER t AFTER UPDATE ON journal BEGIN SELECT 1; SELECT 2; END;\n",
    3: "CREATE TABLE remark (seq INTEGER PRIMARY KEY, words TEXT NOT NULL) STRICT;\n"
    "INSERT INTO remark SELECT seq, 'old' FROM event;\n",
}


def newer(schema: Schema, folder: Path, steps: dict[int, str]) -> Schema:
    """The schema of a Kazasu to come."""
    folder.mkdir(exist_ok=True)
    for path in schema.folder.glob(f"{schema.name}_*.sql"):
        shutil.copy(path, folder)
    for number, statements in steps.items():
        (folder / f"{schema.name}_{number:04}_test.sql").write_text(statements, encoding="utf-8")
    return msgspec.structs.replace(schema, version=max(steps), folder=folder)


def stored(name: str, folder: Path) -> Path:
    """A copy of a store of old."""
    for path in VECTORS.glob(f"{name}.db*"):
        shutil.copy(path, folder)
    return folder / f"{name}.db"


def rows(path: Path, statement: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(statement).fetchall()


@pytest.mark.parametrize("schema", [JOURNAL, ROSTER, CURSOR], ids=lambda schema: schema.name)
def test_there_is_a_step_to_each_version_and_none_beyond(schema: Schema) -> None:
    numbers = sorted(int(path.stem.split("_")[1]) for path in schema.folder.glob(f"{schema.name}_*.sql"))
    assert numbers == list(range(1, schema.version + 1))


@pytest.mark.parametrize(("name", "seqs"), [("journal_1", [3, 4, 5, 6]), ("journal_1_cut", [3, 4, 5, 6, 7, 8])])
def test_the_first_journals_open_and_hold_what_was_recorded(tmp_path: Path, name: str, seqs: list[int]) -> None:
    path = stored(name, tmp_path)

    journal = Journal(path, "city", "front", SIGNER, max_events=100, keep_s=0, collector=True)

    assert (journal.epoch, journal.seq) == (EPOCH, seqs[-1])
    assert [event.seq for event in journal.recent(10**6)] == seqs
    journal.close()
    *_, progress = verify(path, OWNER.verifier)
    assert (progress.seq, progress.count) == (seqs[-1], len(seqs))
    assert rows(path, "PRAGMA user_version") == [(JOURNAL.version,)]


def test_the_first_roster_opens(tmp_path: Path) -> None:
    path = stored("roster_1", tmp_path)
    upgrade(path)
    roster = Roster(path)
    found = roster.look_up("a" * 32)
    assert found is not None
    assert (found.cardholder.number, found.cardholder.name) == ("1001", "山田 花子")
    assert found.credential.min_assurance is Assurance.SIGNED_DATA
    assert found.cardholder.levels == ()
    assert (roster.version, roster.made_s) == (1, None)
    roster.close()


def test_the_first_cursor_opens_and_gets_its_number(tmp_path: Path) -> None:
    path = stored("cursor_0", tmp_path)
    cursor = SendCursor(path, EPOCH)
    assert (cursor.seq, cursor.next_connection()) == (5, 2)
    cursor.close()
    assert rows(path, "PRAGMA user_version") == [(1,)]
    assert rows(path, "SELECT epoch, seq, conn FROM cursor") == [(EPOCH, 5, 2)]


@pytest.mark.parametrize("name", ["journal_1", "journal_1_cut"])
def test_an_old_journal_takes_all_steps_that_it_lacks(
    tmp_path: Path, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = stored(name, tmp_path)
    before = rows(path, "SELECT * FROM event")
    schema = newer(JOURNAL, tmp_path / "schema", STEPS)

    opened = open_journal(path, OWNER, None, schema)
    opened.connection.close()

    assert opened.chain.epoch == EPOCH
    assert rows(path, "SELECT * FROM event") == before
    assert rows(path, "SELECT remark FROM journal") == [("a;b",)]
    assert rows(path, "SELECT count(*) FROM remark") == [(len(before),)]
    assert rows(path, "PRAGMA user_version") == [(3,)]
    assert rows(path, "SELECT * FROM migration") == [(2, __version__), (3, __version__)]
    assert "store_migrated" in caplog.text

    again = open_journal(path, OWNER, None, schema)  # and nothing is done twice
    again.connection.close()
    assert caplog.text.count("store_migrated") == 1


def test_a_new_journal_is_made_by_the_same_steps(tmp_path: Path) -> None:
    old, new = stored("journal_1", tmp_path), tmp_path / "new.db"
    schema = newer(JOURNAL, tmp_path / "schema", STEPS)
    for path in (old, new):
        open_journal(path, OWNER, None, schema).connection.close()

    tables = "SELECT type, name, sql FROM sqlite_schema ORDER BY name"
    assert rows(new, tables) == rows(old, tables)
    assert rows(new, "PRAGMA user_version") == [(3,)]


@pytest.mark.parametrize("broken", ["INSERT INTO missing VALUES (1);", "CREATE TABLE journal (x);", "nonsense"])
def test_a_step_that_fails_leaves_the_old_store_which_the_old_program_goes_on_using(
    tmp_path: Path, broken: str
) -> None:
    path = stored("journal_1_cut", tmp_path)
    schema = newer(JOURNAL, tmp_path / "schema", STEPS | {4: "CREATE TABLE more (x);\n" + broken})

    with pytest.raises(sqlite3.Error):
        open_journal(path, OWNER, None, schema)

    assert rows(path, "PRAGMA user_version") == [(1,)]
    journal = Journal(path, "city", "front", SIGNER, max_events=100, keep_s=0, collector=True)
    assert journal.seq == 8
    journal.close()


class Waiting(Schema, frozen=True):
    """A schema whose steps are taken when somebody else waits for the lock to take them, too."""

    somebody: threading.Thread
    somebody_waits: threading.Event

    def step(self, number: int) -> str:
        if self.somebody.ident is None:
            self.somebody.start()
        assert self.somebody_waits.wait(60)
        return super().step(number)


def test_two_that_open_it_at_once_take_each_step_once(tmp_path: Path) -> None:
    path = stored("journal_1", tmp_path)
    schema = newer(JOURNAL, tmp_path / "schema", STEPS)
    waits = threading.Event()

    def slower() -> None:
        with closing(connect(path, "rw")) as connection:
            connection.execute("PRAGMA busy_timeout = 60000")
            connection.set_trace_callback(lambda statement: waits.set() if statement.startswith("BEGIN") else None)
            bring_up_to_date(connection, path, schema)

    thread = threading.Thread(target=slower)
    with closing(connect(path, "rw")) as connection:
        first = Waiting(**msgspec.structs.asdict(schema), somebody=thread, somebody_waits=waits)
        bring_up_to_date(connection, path, first)
    thread.join(60)

    assert rows(path, "SELECT version FROM migration") == [(2,), (3,)]


def version_1_file(name: str, folder: Path) -> Path:
    return stored({"journal": "journal_1", "roster": "roster_1", "cursor": "cursor_0"}[name], folder)


def opening(name: str, path: Path) -> None:
    """Open it as this Kazasu does when it starts."""
    match name:
        case "journal":
            Journal(path, "city", "front", SIGNER, max_events=100, keep_s=0, collector=True).close()
        case "roster":
            upgrade(path)
        case "cursor":
            SendCursor(path, EPOCH).close()


def bring(name: str, path: Path, folder: Path) -> None:
    """Let a Kazasu to come bring it to its version."""
    ours = {"journal": JOURNAL, "roster": ROSTER, "cursor": CURSOR}[name]
    schema = newer(ours, folder, {ours.version + 1: "CREATE TABLE t (x);"})
    with closing(connect(path, "rw")) as connection:
        bring_up_to_date(connection, path, schema, lambda _: None)


@pytest.mark.parametrize("name", ["journal", "roster", "cursor"])
def test_a_newer_store_is_left_as_it_is_and_says_what_to_install(tmp_path: Path, name: str) -> None:
    path = version_1_file(name, tmp_path)
    bring(name, path, tmp_path / "schema")
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE migration SET kazasu = '9.1.0'")
    before = path.read_bytes()

    with pytest.raises(KazasuError, match=r"newer Kazasu .*install Kazasu 9\.1\.0 or newer again; nothing was changed"):
        opening(name, path)

    assert path.read_bytes() == before
    bring(name, path, tmp_path / "schema")


def test_a_newer_journal_is_no_journal_for_those_that_only_read_it(tmp_path: Path) -> None:
    path = stored("journal_1", tmp_path)
    bring("journal", path, tmp_path / "schema")

    with pytest.raises(JournalVersion, match="newer Kazasu"):
        list(verify(path, OWNER.verifier))
    backlog = Backlog(path)
    assert (backlog.epoch, backlog.last_seq()) == ("", 0)
    with pytest.raises(JournalVersion, match="newer Kazasu"):
        backlog.expect_readable()
    Backlog(tmp_path / "missing.db").expect_readable()


def test_who_may_not_change_an_older_store_is_told_who_does(tmp_path: Path) -> None:
    path = stored("journal_1", tmp_path)
    with closing(connect(path, "ro")) as connection, pytest.raises(JournalVersion, match="start this Kazasu once"):
        expect_version(connection, path, newer(JOURNAL, tmp_path / "schema", STEPS))


def test_a_roster_is_not_taken_for_a_journal_nor_the_other_way_round(tmp_path: Path) -> None:
    journal, roster = stored("journal_1", tmp_path), stored("roster_1", tmp_path)
    with pytest.raises(JournalVersion, match="no journal of Kazasu's"):
        opening("journal", roster)
    with pytest.raises(RosterError, match="no roster of Kazasu's"):
        opening("roster", journal)

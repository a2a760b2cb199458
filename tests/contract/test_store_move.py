"""A store that has outgrown SQLite comes to PostgreSQL whole, or stays where it is."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import psycopg
import pytest

from fakes.told import EPOCH, SITE, Teller
from kazasu.cli import main
from kazasu.collector.records import KeptReceipt, Reason, Refused
from kazasu.collector.store.move import move
from kazasu.collector.store.postgresql import PostgresqlStore
from kazasu.collector.store.sqlite import SqliteStore
from kazasu.errors import StoreError, StoreUnavailable
from kazasu.virtual.postgresql import PrivatePostgresql

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOW_S = 1_800_000_000


@pytest.fixture(scope="module")
def server() -> Iterator[PrivatePostgresql]:
    with PrivatePostgresql("fsync=off") as server:
        yield server


@pytest.fixture
def database(server: PrivatePostgresql) -> str:
    with psycopg.connect(server.conninfo, autocommit=True) as connection:
        connection.execute("DROP SCHEMA IF EXISTS here CASCADE")
        connection.execute("CREATE SCHEMA here")
    return f"{server.conninfo} options=-csearch_path=here"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A store with something in every table that a collector's day fills."""
    path = tmp_path / "events.db"
    teller = Teller()
    with closing(SqliteStore(path)) as store:
        events = teller.checked(teller.tell(30, cardholder="山田 太郎"))
        nonsense = Refused(terminal="front", reason=Reason.NO_EVENT, detail="x\ty", signed=False, body=b"\x00\xff\\")
        store.keep([*events[:10], *events[12:]], [nonsense], NOW_S)
        store.keep_receipts([KeptReceipt(terminal="front", epoch=EPOCH, seq=10, body=b"{}")])
        store.accept_gap(store.chains()[0], NOW_S, "suzuki")
    return path


def told(store: SqliteStore | PostgresqlStore) -> list[object]:
    return [
        store.chains(),
        store.alerts(),
        list(store.events("front", EPOCH, 1, 100)),
        store.rows("SELECT * FROM receipt"),
    ]


def test_everything_is_there_afterwards_and_the_file_is_put_aside(file: Path, database: str) -> None:
    with closing(SqliteStore(file)) as store:
        before = told(store)
        quarantine = store.rows("SELECT * FROM quarantine")
    with closing(PostgresqlStore(database)) as to:
        moved = move(file, to, lambda *_: None)
        assert told(to) == before
        assert to.rows("SELECT * FROM quarantine") == quarantine
        assert moved.rows["event"] == 28
        more = Teller()
        to.keep(more.checked(more.tell(1)), [], NOW_S)  # it goes on as a store does
    assert not file.exists()
    assert moved.kept_as.exists()


def test_a_power_cut_before_the_file_was_put_aside_is_made_good_by_the_same_call(file: Path, database: str) -> None:
    with closing(PostgresqlStore(database)) as to:
        moved = move(file, to, lambda *_: None)
        moved.kept_as.rename(file)
        before = told(to)
        assert move(file, to, lambda *_: None) == moved
        assert told(to) == before


def test_a_database_with_other_events_is_refused(file: Path, database: str) -> None:
    with closing(PostgresqlStore(database)) as to:
        annex = Teller("annex")
        to.keep(annex.checked(annex.tell(1)), [], NOW_S)
        with pytest.raises(StoreError, match="holds 1 events already, and not those of"):
            move(file, to, lambda *_: None)
        assert len(to.chains()) == 1
    assert file.exists()


def test_a_collector_that_runs_is_told_to_stop_first(file: Path, database: str) -> None:
    with closing(SqliteStore(file)) as running, closing(PostgresqlStore(database)) as to:
        running.chains()
        with pytest.raises(StoreError, match=r"is in use \(.*\): stop the collector first"):
            move(file, to, lambda *_: None)
        assert to.chains() == []
        annex = Teller("annex")
        running.keep(annex.checked(annex.tell(1)), [], NOW_S)  # and goes on
    assert file.exists()


def test_a_server_that_is_away_changes_nothing(file: Path) -> None:
    with closing(PostgresqlStore("host=/nowhere dbname=kazasu")) as to, pytest.raises(StoreUnavailable):
        move(file, to, lambda *_: None)
    with closing(SqliteStore(file)) as store:
        assert len(store.chains()) == 1


def test_the_command_says_what_was_moved_and_what_to_write(
    file: Path, database: str, capsys: pytest.CaptureFixture[str]
) -> None:
    config = file.with_name("collector.toml")
    config.write_text(
        f"""[collector]
site = "{SITE}"
key = "collector.key"
terminals = "terminals"
[broker]
host = "localhost"
ca = "ca.pem"
certificate = "collector.pem"
key = "client.key"
[store]
sqlite = "{file}"
"""
    )
    assert main(["collect", "--config", str(config), "move", database]) == 0
    said = capsys.readouterr().out
    assert "moved: chain 1, event 28, " in said
    assert f"the file is kept as {file}.moved" in said
    assert f'postgresql = "{database}"' in said
    config.write_text(config.read_text().replace(f'sqlite = "{file}"', f'postgresql = "{database}"'))
    assert main(["collect", "--config", str(config), "move", database]) != 0
    assert "the store is in PostgreSQL already" in capsys.readouterr().err

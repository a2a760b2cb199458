"""The collector: events checked and stored a second against bare loops, and by several processes at once."""

from __future__ import annotations

import sqlite3
import statistics
import tempfile
import time
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from fakes.backlog import FakeBacklog
from fakes.journal import SIGNER
from kazasu.collector.intake import Intake
from kazasu.collector.records import Checked
from kazasu.collector.store.postgresql import PostgresqlStore
from kazasu.collector.store.sqlite import SqliteStore
from kazasu.collector.terminals import Registered
from kazasu.model.document import verified
from kazasu.model.signature import Ed25519Verifier
from kazasu.publishers.tls import client_context
from kazasu.virtual.broker import PrivateBroker
from kazasu.virtual.collector import CollectorProcess
from kazasu.virtual.postgresql import PrivatePostgresql

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kazasu.collector.ports import EventStore

Row = dict[str, Any]
Message = tuple[str, bytes]

SITE = "s"
TERMINALS = 20
BATCH = 200
VERIFIER = Ed25519Verifier(SIGNER.public)
LEAST = 0.6
"""Of the bare loop's rate: what checking the form, the chain, and keeping events in order may cost beside it."""


def run(quick: bool) -> list[Row]:
    count, rounds = (4_000, 3) if quick else (20_000, 3)
    messages = told(count)
    with tempfile.TemporaryDirectory(prefix="kazasu-bench-") as name, PrivatePostgresql() as server:
        folder = Path(name)
        took: dict[str, list[float]] = {"sqlite": [], "postgresql": [], "bare": [], "insert": []}
        for number in range(rounds):
            with closing(SqliteStore(folder / f"{number}.db")) as store:
                took["sqlite"].append(timed(lambda store=store: collect(store, messages)))  # type: ignore[misc]
            with closing(PostgresqlStore(server.conninfo)) as store:
                took["postgresql"].append(timed(lambda store=store: collect(store, messages)))  # type: ignore[misc]
                store.change("DELETE FROM event")
                store.change("DELETE FROM chain")
            with closing(bare_table(folder / f"bare-{number}.db")) as table:
                took["bare"].append(timed(lambda table=table: bare(table, messages, check=True)))  # type: ignore[misc]
            with closing(bare_table(folder / f"insert-{number}.db")) as table:
                took["insert"].append(timed(lambda table=table: bare(table, messages, check=False)))  # type: ignore[misc]
        rows = [against(took, side, count) for side in ("sqlite", "postgresql")]
        return rows + [shared(folder, server, messages, number) for number in (1, 2, 4)]


def told(count: int) -> list[Message]:
    """Events of several terminals, interleaved as they would arrive."""
    backlogs = [FakeBacklog(SIGNER, SITE, f"t{number}") for number in range(TERMINALS)]
    for backlog in backlogs:
        backlog.grow(count // TERMINALS)
    return [
        (f"kazasu/v1/{SITE}/up/t{number}/event", backlog.events[index].body)
        for index in range(count // TERMINALS)
        for number, backlog in enumerate(backlogs)
    ]


def timed(work: Callable[[], None]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def collect(store: EventStore, messages: Sequence[Message]) -> None:
    registered = Registered(keys={VERIFIER.keyid: VERIFIER})
    intake = Intake(SITE, {f"t{number}": registered for number in range(TERMINALS)}, {})
    for start in range(0, len(messages), BATCH):
        checked = [intake.check(*message) for message in messages[start : start + BATCH]]
        store.keep([item for item in checked if isinstance(item, Checked)], [], 1_800_000_000)
    assert sum(chain.seq for chain in store.chains()) == len(messages)


def bare_table(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("CREATE TABLE event (topic TEXT, seq INTEGER, body BLOB, PRIMARY KEY (topic, seq))")
    return connection


def bare(connection: sqlite3.Connection, messages: Sequence[Message], *, check: bool) -> None:
    """What anybody would write first: verify if at all, insert, commit every so many; no order, no gaps, no forks."""
    for start in range(0, len(messages), BATCH):
        rows = []
        for index, (topic, body) in enumerate(messages[start : start + BATCH]):
            seq = verified(body, VERIFIER).fields["seq"] if check else start + index
            rows.append((topic, seq, body))
        connection.execute("BEGIN")
        connection.executemany("INSERT INTO event VALUES (?, ?, ?)", rows)
        connection.execute("COMMIT")


def against(took: dict[str, list[float]], side: str, count: int) -> Row:
    """One line: events a second, and how many times those of the loop that verifies and inserts."""
    ratio = statistics.median(bare / ours for ours, bare in zip(took[side], took["bare"], strict=True))
    rates = {name: round(count / statistics.median(times)) for name, times in took.items()}
    target = LEAST if side == "sqlite" else None
    return {
        "name": f"collector, {side}: {count:,} events checked and kept",
        "value": rates[side],
        "unit": "events/s",
        "ratio": round(ratio, 2),
        "target": target,
        "ok": target is None or ratio >= target,
        "note": f"against {rates['bare']:,}/s verified and inserted bare; {rates['insert']:,}/s inserted only",
    }


def shared(folder: Path, server: PrivatePostgresql, messages: Sequence[Message], number: int) -> Row:
    """So many collectors as processes on one PostgreSQL: from the first event published to the last one kept."""
    conninfo = f"{server.conninfo} options=-csearch_path=n{number}"
    with closing(PostgresqlStore(server.conninfo)) as store:
        store.change(f"CREATE SCHEMA n{number}")
    with ExitStack() as stack:
        home = folder / f"shared-{number}"
        home.mkdir()
        acl = home / "acl"
        acl.write_text("pattern readwrite #\n")  # one client speaks for all terminals
        options = ("persistence false", f"acl_file {acl}", "log_type subscribe")
        broker = stack.enter_context(PrivateBroker(home / "broker", *options))
        private = Ed25519PrivateKey.generate()
        for index in range(number):
            process = CollectorProcess(
                home / str(index),
                SITE,
                broker.client("collector"),
                {f"t{terminal}": SIGNER for terminal in range(TERMINALS)},
                private=private,
                postgresql=conninfo,
                lines=f'name = "c{index}"\ngroup = "bench"',
            )
            stack.enter_context(process)
        wait_for(lambda: broker.log_file.read_text().count("$share/bench/") >= number)
        store = stack.enter_context(closing(PostgresqlStore(conninfo)))
        began = time.perf_counter()
        publish(broker, messages)
        wait_for(lambda: sum(chain.seq for chain in store.chains()) == len(messages))
        took = time.perf_counter() - began
    return {
        "name": f"collectors sharing a subscription: {number}",
        "value": round(len(messages) / took),
        "unit": "events/s",
        "ratio": None,
        "target": None,
        "ok": None,
        "note": "publisher, broker with TLS, collectors and PostgreSQL on the same cores",
    }


def publish(broker: PrivateBroker, messages: Sequence[Message]) -> None:
    client = Client(CallbackAPIVersion.VERSION2, "bench", protocol=MQTTProtocolVersion.MQTTv5)
    client.max_inflight_messages_set(100)
    files = broker.client("bench")
    client.tls_set_context(client_context(files))
    client.connect(files.host, files.port)
    client.loop_start()
    for topic, body in messages:
        last = client.publish(topic, body, qos=1)
    last.wait_for_publish(120)
    client.disconnect()
    client.loop_stop()


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


if __name__ == "__main__":
    for line in run(quick=True):
        print(line)

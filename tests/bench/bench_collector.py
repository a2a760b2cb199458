"""The collector: events checked and kept a second against bare loops, and by several processes at once.

A bare loop is what anybody would write first, for the same database on the same disk: verify each event, insert it,
commit every so many; no order, no gaps, no forks. All take turns, each time in another order, and the ratio is the
median of what each turn gave; its spread stands beside it, and a wide one means a busy machine. Of several processes
it is said what each part took of the processors, since they all share these.

    python -m tests.bench collector
"""

from __future__ import annotations

import os
import sqlite3
import statistics
import time
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from bench.bench_tap import on_disk
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
    """Needs the sandbox: PostgreSQL does not run as root."""
    count, rounds = (4_000, 3) if quick else (20_000, 5)
    messages = told(count)
    with on_disk() as folder, PrivatePostgresql() as server:
        took: dict[str, list[float]] = {}
        for number in range(rounds):
            work = works(folder / str(number), server, messages)
            names = [*work][number % len(work) :] + [*work][: number % len(work)]
            for name in names:
                took.setdefault(name, []).append(work[name]())
        rows = [against(took, side, count) for side in ("SQLite", "PostgreSQL")]
        return rows + [shared(folder, server, messages, number) for number in (1, 2, 4)]


def works(folder: Path, server: PrivatePostgresql, messages: Sequence[Message]) -> dict[str, Callable[[], float]]:
    """What is measured, by name; each returns seconds and begins with nothing stored."""
    folder.mkdir()

    def lite() -> float:
        with closing(SqliteStore(folder / "events.db")) as store:
            store.chains()  # it is opened
            return timed(lambda: collect(store, messages))

    def large() -> float:
        with closing(PostgresqlStore(server.conninfo)) as store:
            store.chains()
            took_s = timed(lambda: collect(store, messages))
            store.change("TRUNCATE event, chain")
            return took_s

    def bare_lite(*, check: bool) -> float:
        with closing(sqlite3.connect(folder / f"bare-{check}.db", isolation_level=None)) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("CREATE TABLE event (topic TEXT, seq INTEGER, body BLOB, PRIMARY KEY (topic, seq))")

            def insert(rows: list[tuple[str, int, bytes]]) -> None:
                connection.execute("BEGIN")
                connection.executemany("INSERT INTO event VALUES (?, ?, ?)", rows)
                connection.execute("COMMIT")

            return timed(lambda: bare(insert, messages, check=check))

    def bare_large(*, check: bool) -> float:
        with psycopg.connect(server.conninfo) as connection:
            connection.execute("CREATE TABLE bare (topic TEXT, seq BIGINT, body BYTEA, PRIMARY KEY (topic, seq))")
            connection.commit()

            def insert(rows: list[tuple[str, int, bytes]]) -> None:
                connection.cursor().executemany("INSERT INTO bare VALUES (%s, %s, %s)", rows)
                connection.commit()

            took_s = timed(lambda: bare(insert, messages, check=check))
            connection.execute("DROP TABLE bare")
            return took_s

    return {
        "SQLite": lite,
        "SQLite, bare": lambda: bare_lite(check=True),
        "SQLite, inserted": lambda: bare_lite(check=False),
        "PostgreSQL": large,
        "PostgreSQL, bare": lambda: bare_large(check=True),
        "PostgreSQL, inserted": lambda: bare_large(check=False),
    }


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


def bare(insert: Callable[[list[tuple[str, int, bytes]]], None], messages: Sequence[Message], *, check: bool) -> None:
    """Verify if at all, and insert."""
    for start in range(0, len(messages), BATCH):
        rows = []
        for index, (topic, body) in enumerate(messages[start : start + BATCH]):
            seq = verified(body, VERIFIER).fields["seq"] if check else start + index
            rows.append((topic, int(seq), body))
        insert(rows)


def against(took: dict[str, list[float]], side: str, count: int) -> Row:
    """One line: events a second, and how many times those of the loop that verifies and inserts."""
    ratios = [bare / ours for ours, bare in zip(took[side], took[f"{side}, bare"], strict=True)]
    rates = {name: round(count / statistics.median(times)) for name, times in took.items()}
    ratio = statistics.median(ratios)
    return {
        "name": f"collector, {side}: {count:,} events checked and kept",
        "value": rates[side],
        "unit": "events/s",
        "ratio": round(ratio, 2),
        "target": f"≥ {LEAST} x",
        "ok": ratio >= LEAST,
        "note": f"{min(ratios):.2f} to {max(ratios):.2f} in {len(ratios)} turns; bare:"
        f" {rates[f'{side}, bare']:,}/s verified and inserted, {rates[f'{side}, inserted']:,}/s inserted only",
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
        collectors = []
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
            collectors.append(stack.enter_context(process))
        wait_for(lambda: broker.log_file.read_text().count("$share/bench/") >= number)
        store = stack.enter_context(closing(PostgresqlStore(conninfo)))

        def used_s() -> dict[str, float]:
            return {
                "collectors": sum(cpu_s(process.pid) for process in collectors),
                "PostgreSQL": cpu_s(server.pid),
                "broker": cpu_s(broker.pid),
                "publisher": time.process_time(),
            }

        before_s, began = used_s(), time.perf_counter()
        publish(broker, messages)
        wait_for(lambda: sum(chain.seq for chain in store.chains()) == len(messages))
        took, after_s = time.perf_counter() - began, used_s()
    cores = {part: (after_s[part] - before_s[part]) / took for part in before_s}
    return {
        "name": f"collectors sharing a subscription: {number}",
        "value": round(len(messages) / took),
        "unit": "events/s",
        "ratio": None,
        "target": None,
        "ok": None,
        "note": f"{sum(cores.values()):.1f} of {os.cpu_count()} cores busy with it: "
        + ", ".join(f"{part} {used:.2f}" for part, used in cores.items()),
    }


def cpu_s(pid: int) -> float:
    """What a process and its children took of the processors so far, seconds."""
    ticks = 0
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it has just ended
            words = path.read_text().rpartition(")")[2].split()
            if pid in {int(path.parent.name), int(words[1])}:
                ticks += int(words[11]) + int(words[12])
    return ticks / os.sysconf("SC_CLK_TCK")


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

"""Draining the journal to mosquitto, cursor durable, against paho as its documentation shows it."""

from __future__ import annotations

import random
import sqlite3
import statistics
import subprocess
import tempfile
import threading
import time
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from fakes.backlog import FakeBacklog
from fakes.inbox import ListInbox
from fakes.journal import SIGNER
from fakes.publishing import SITE, TERMINAL, RunningClock
from kazasu.publishers.board import HealthBoard
from kazasu.publishers.mqtt import PackedProperties
from kazasu.publishers.publisher import MqttPublisher
from kazasu.publishers.settings import Settings
from kazasu.publishers.tls import client_context
from kazasu.publishers.wire import CloudEvents, Topics, head
from kazasu.store.backlog import Backlog
from kazasu.store.cursor import SendCursor
from kazasu.store.journal import Journal
from kazasu.virtual.broker import PrivateBroker

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from kazasu.publishers.settings import Broker

Row = dict[str, Any]
Events = list[tuple[int, bytes]]

TOPICS = Topics(SITE, TERMINAL)
IN_FLIGHT = 20
# Saving at each change would make the broker's disk the slowest part of both sides.
FAST = ("persistence false", "log_type subscribe")


def run(quick: bool) -> list[Row]:
    """Measure both sides in turn; the ratio is the median over the rounds."""
    count, rounds = (5_000, 3) if quick else (100_000, 3)
    with tempfile.TemporaryDirectory(prefix="kazasu-bench-") as name:
        directory = Path(name)
        path = directory / "journal" / "journal.db"
        events = write_journal(path, count)
        took: dict[str, list[float]] = {"kazasu": [], "paho": [], "packed": []}
        with PrivateBroker(directory / "broker", *FAST) as broker, listening(broker):
            for number in range(rounds):
                took["kazasu"].append(drain(path, directory / f"cursor-{number}.db", broker.client(TERMINAL), count))
                took["paho"].append(bare(broker.client(TERMINAL), events, packed=False))
                took["packed"].append(bare(broker.client(TERMINAL), events, packed=True))
    return [
        against(took, "paho", count, f"paho's own thread, {IN_FLIGHT} in flight, the same bytes and properties", 1.0),
        against(took, "packed", count, "the same, its properties packed for it beforehand", None),
    ]


def against(took: dict[str, list[float]], side: str, count: int, note: str, target: float | None) -> Row:
    """One line of the table: events a second, and how many times those of the bare program."""
    ratio = statistics.median(theirs / ours for ours, theirs in zip(took["kazasu"], took[side], strict=True))
    bare_rate = count / statistics.median(took[side])
    return {
        "name": f"drain {count:,} events, cursor durable",
        "value": round(count / statistics.median(took["kazasu"])),
        "unit": "events/s",
        "ratio": round(ratio, 2),
        "target": None if target is None else f"≥ {target} x",
        "ok": target is None or ratio >= target,
        "note": f"against {bare_rate:,.0f}/s: {note}",
    }


def write_journal(path: Path, count: int) -> Events:
    """Fill a real journal file in one transaction; return what is in it."""
    with closing(Journal(path, SITE, TERMINAL, SIGNER, max_events=10**6, keep_s=0, collector=True)) as journal:
        epoch = journal.epoch
    backlog = FakeBacklog(SIGNER, SITE, TERMINAL, epoch)
    backlog.grow(count)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executemany(
            "INSERT INTO event (seq, at_s, body) VALUES (?, 0, ?)",
            [(event.seq, event.body) for event in backlog.events],
        )
    return list(backlog.after(0, count))


@contextmanager
def listening(broker: PrivateBroker) -> Iterator[None]:
    """Somebody hears the events, so that they are acknowledged with plain success."""
    files = broker.client("collector")
    command: list[str | Path] = ["mosquitto_sub", "-h", files.host, "-p", str(files.port), "--cafile", files.ca_file]
    command += ["--cert", files.certificate_file, "--key", files.key_file, "-V", "mqttv5", "-i", "collector"]
    command += ["-q", "0", "-t", TOPICS.event]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            deadline = time.monotonic() + 30
            while TOPICS.event not in broker.log_file.read_text():  # mosquitto logs subscriptions
                assert time.monotonic() < deadline
                time.sleep(0.05)
            yield
        finally:
            process.kill()


def drain(path: Path, cursor_file: Path, broker: Broker, count: int) -> float:
    """Our side: seconds from start to the last acknowledgement, with the cursor on disk."""
    backlog = Backlog(path)
    with closing(SendCursor(cursor_file, backlog.epoch)) as cursor:
        done = threading.Event()
        advance = cursor.advance

        def watched(seq: int) -> None:
            advance(seq)
            if seq == count:
                done.set()

        cursor.advance = watched  # type: ignore[method-assign]
        publisher = MqttPublisher(
            Settings(site=SITE, terminal=TERMINAL, broker=broker),
            backlog=backlog,
            cursor=cursor,
            board=HealthBoard(),
            inbox=ListInbox(),
            clock=RunningClock(),
            collector=None,
            random=random.random,
        )
        began = time.perf_counter()
        thread = threading.Thread(target=publisher.run, args=(lambda: None,))
        thread.start()
        assert done.wait(600)
        cursor.flush()
        took = time.perf_counter() - began
        publisher.stop()
        thread.join()
        backlog.close()
    return took


def bare(broker: Broker, events: Sequence[tuple[int, bytes]], *, packed: bool) -> float:
    """The bare side: seconds from connecting to the last acknowledgement, events in memory, nothing made durable."""
    cloud_events = CloudEvents(TOPICS.up)
    ready = [PackedProperties(cloud_events.packed(head(seq, body))) for seq, body in events] if packed else []
    heads = [head(seq, body) for seq, body in events]
    room = threading.Semaphore(IN_FLIGHT)
    connected = threading.Event()
    client = Client(CallbackAPIVersion.VERSION2, TERMINAL, protocol=MQTTProtocolVersion.MQTTv5)
    client.tls_set_context(client_context(broker))
    client.on_connect = lambda *_: connected.set()
    client.on_publish = lambda *_: room.release()
    began = time.perf_counter()
    client.connect(broker.host, broker.port)
    client.loop_start()
    assert connected.wait(30)
    for index, (_, body) in enumerate(events):
        if packed:
            properties: Properties = ready[index]
        else:
            event = heads[index]
            properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
            properties.ContentType = "application/json"
            properties.UserProperty = [
                ("specversion", "1.0"),
                ("source", TOPICS.up),
                ("id", event.id),
                ("type", event.event_type),
                ("time", event.time),
            ]
        room.acquire()
        client.publish(TOPICS.event, body, qos=1, properties=properties)
    for _ in range(IN_FLIGHT):
        room.acquire()
    took = time.perf_counter() - began
    client.disconnect()
    client.loop_stop()
    return took


if __name__ == "__main__":
    for line in run(quick=True):
        print(line)

"""A command of the site's, from its publication to the terminal's signed answer; and what a flood of them costs a tap.

In turn with each command goes a bare request of as many bytes: over the same connection and broker to a program that
sends as many back, as paho's documentation shows it, and checks, decides and records nothing.

    python -m tests.bench command
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kazasu.model.command import LONGEST_LIFE_S
from kazasu.publishers.mqtt import Connection
from kazasu.publishers.news import Received
from kazasu.publishers.visit import go_on
from kazasu.publishers.wire import Topics, command_properties
from kazasu.site.commands import CommandWriter
from kazasu.virtual.stage import SITE, TERMINAL, Stage

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Row = dict[str, Any]

TARGET_MS = 100.0  # what feels immediate
AT_ONCE = 10  # so many the terminal takes without a pause (publishers/command_listener.py)
TOPICS, BARE = Topics(SITE, TERMINAL), Topics(SITE, "bare")
ANSWER_BYTES = 300  # as a terminal's is

RESPONDER = """
import sys
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

host, port, ca, certificate, key, topic, size = sys.argv[1:]
answer = b"x" * int(size)


def on_message(client, data, message):
    properties = Properties(PacketTypes.PUBLISH)
    properties.CorrelationData = message.properties.CorrelationData
    client.publish(message.properties.ResponseTopic, answer, qos=1, properties=properties)


def on_subscribe(*_):
    print("ready", flush=True)


client = Client(CallbackAPIVersion.VERSION2, "bare", protocol=MQTTProtocolVersion.MQTTv5)
client.on_message, client.on_subscribe = on_message, on_subscribe
client.tls_set(ca, certificate, key)
client.connect(host, int(port))
client.subscribe(topic, qos=1)
client.loop_forever()
"""


class Client:
    """A connection of the desk's that stays open."""

    def __init__(self, stage: Stage) -> None:
        self._connection = Connection(stage.broker.client("desk"), "desk-bench", will=None)
        self._connection.open()
        self._connection.subscribe((TOPICS.answer, BARE.answer))
        self._turn()

    def ask(self, topics: Topics, payload: bytes) -> float:
        """Publish a command and wait for the answer; returns seconds."""
        properties = command_properties(topics.answer, b"bench", LONGEST_LIFE_S)
        began = time.perf_counter()
        self._connection.publish(topics.command, payload, properties=properties)
        self._connection.write_now()
        while not any(isinstance(item, Received) for item in self._turn()):
            pass
        return time.perf_counter() - began

    def flood(self, payload: bytes, until: threading.Event) -> int:
        """Publish as fast as the broker takes it; returns how many."""
        client, sent = self._connection._client, 0  # without acknowledgements, which a terminal never does
        while not until.is_set():
            client.publish(TOPICS.command, payload, qos=0)
            sent += 1
            while self._connection.wants_write:
                self._turn()
        return sent

    def close(self) -> None:
        self._connection.disconnect()

    def _turn(self) -> list[object]:
        if not go_on(self._connection, 30.0):
            raise TimeoutError("no answer")
        news, self._connection.news = self._connection.news, []
        return list(news)


def run(quick: bool) -> list[Row]:
    """Needs the sandbox."""
    with tempfile.TemporaryDirectory() as directory, Stage(Path(directory), synchronised=True) as stage:
        return [*_round_trips(stage, 2 if quick else 20), _tap_in_a_flood(stage, 3 if quick else 15)]


def _round_trips(stage: Stage, starts: int) -> list[Row]:
    """In turn, so that both meet the same machine."""
    writer = CommandWriter(SITE, stage.site_key, "bench", lambda: datetime.now(UTC))
    taken_ms: list[float] = []
    bare_ms: list[float] = []
    with _bare_responder(stage):
        for _ in range(starts):
            starts_before = _starts(stage)
            with stage.daemon:
                assert stage.subscriber.wait_for(lambda before=starts_before: _starts(stage) > before)  # type: ignore[misc]
                client = Client(stage)
                client.ask(BARE, b"")  # the connection has seen a message
                for _ in range(AT_ONCE):
                    payload = writer.write(TERMINAL, "log_level", {"level": "info"}).payload
                    taken_ms.append(client.ask(TOPICS, payload) * 1000)
                    bare_ms.append(client.ask(BARE, payload) * 1000)
                client.close()
    return [_percentile_row(name, percentile, taken_ms, bare_ms) for name, percentile in (("median", 50), ("p99", 99))]


def _starts(stage: Stage) -> int:
    """How often the terminal has come to the broker."""
    return sum(json.loads(state)["state"] == "online" for state in stage.subscriber.states)


def _percentile_row(name: str, percentile: int, taken_ms: Sequence[float], bare_ms: Sequence[float]) -> Row:
    ours_ms, theirs_ms = (sorted(each)[len(each) * percentile // 100] for each in (taken_ms, bare_ms))
    return {
        "name": f"command, published to answered: {name}",
        "value": ours_ms,
        "unit": "ms",
        "ratio": ours_ms / theirs_ms,
        "target": f"≤ {TARGET_MS:g} ms",
        "ok": ours_ms <= TARGET_MS,
        "note": f"of {len(taken_ms)}, recorded and verified at both ends; bare request and response {theirs_ms:.1f} ms",
    }


@contextmanager
def _bare_responder(stage: Stage) -> Iterator[None]:
    files = stage.broker.client("bare")
    where = (files.host, files.port, files.ca_file, files.certificate_file, files.key_file)
    command = [sys.executable, "-c", RESPONDER, *map(str, where), BARE.command, str(ANSWER_BYTES)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        try:
            yield
        finally:
            process.kill()


def _tap_in_a_flood(stage: Stage, rounds: int) -> Row:
    """In turn, so that both meet the same machine."""
    quiet: list[float] = []
    flooded: list[float] = []
    forged = CommandWriter(SITE, stage.collector_key, "bench", lambda: datetime.now(UTC))
    payload = forged.write(TERMINAL, "restart", {}).payload
    sent = 0
    with stage.daemon:
        for number in range(rounds):
            card = stage.staff[number % len(stage.staff)].card
            quiet.append(stage.tap(card))
            ended, counts = threading.Event(), [0]
            client = Client(stage)

            def flood(client: Client = client, ended: threading.Event = ended, counts: list[int] = counts) -> None:
                counts[0] = client.flood(payload, ended)

            thread = threading.Thread(target=flood)
            thread.start()
            flooded.append(stage.tap(card))
            ended.set()
            thread.join()
            client.close()
            sent += counts[0]
    median_ms = statistics.median(flooded) * 1000
    return {
        "name": "tap in a flood of commands",
        "value": median_ms,
        "unit": "ms",
        "ratio": statistics.median(flooded) / statistics.median(quiet),
        "target": f"≤ {TARGET_MS:g} ms",
        "ok": median_ms <= TARGET_MS,
        "note": f"against one in quiet; {sent:,} commands in {rounds} taps; flood, broker and terminal on these cores",
    }

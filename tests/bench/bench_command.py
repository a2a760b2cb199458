"""A command of the site's, from its publication to the terminal's signed answer; and what a flood of them costs a tap.

python -m tests.bench command
"""

from __future__ import annotations

import statistics
import tempfile
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from kazasu.model.command import LONGEST_LIFE_S
from kazasu.publishers.mqtt import Connection
from kazasu.publishers.news import Received
from kazasu.publishers.visit import go_on
from kazasu.publishers.wire import Topics, command_properties
from kazasu.site.commands import CommandWriter
from kazasu.virtual.stage import SITE, TERMINAL, Stage

Row = dict[str, Any]

TARGET_MS = 100.0  # what feels immediate
AT_ONCE = 10  # so many the terminal takes without a pause (publishers/command_listener.py)
TOPICS = Topics(SITE, TERMINAL)
PROPERTIES = command_properties(TOPICS.answer, b"bench", LONGEST_LIFE_S)


class Client:
    """A connection of the desk's that stays open."""

    def __init__(self, stage: Stage) -> None:
        self._connection = Connection(stage.broker.client("desk"), "desk-bench", will=None)
        self._connection.open()
        self._connection.subscribe((TOPICS.answer,))
        self._turn()

    def ask(self, payload: bytes) -> float:
        """Publish a command and wait for the answer; returns seconds."""
        began = time.perf_counter()
        self._connection.publish(TOPICS.command, payload, properties=PROPERTIES)
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
        return [_round_trip(stage, 1 if quick else 5), _tap_in_a_flood(stage, 3 if quick else 15)]


def _round_trip(stage: Stage, starts: int) -> Row:
    writer = CommandWriter(SITE, stage.site_key, "bench", lambda: datetime.now(UTC))
    taken: list[float] = []
    for _ in range(starts):
        with stage.daemon:
            states = len(stage.subscriber.states)
            while len(stage.subscriber.states) == states:
                time.sleep(0.01)
            client = Client(stage)
            taken += [
                client.ask(writer.write(TERMINAL, "log_level", {"level": "info"}).payload) for _ in range(AT_ONCE)
            ]
            client.close()
    median_ms = statistics.median(taken) * 1000
    return {
        "name": "command, published to answered",
        "value": median_ms,
        "unit": "ms",
        "ratio": None,
        "target": f"≤ {TARGET_MS:g} ms",
        "ok": median_ms <= TARGET_MS,
        "note": f"recorded, and both sides verified; {len(taken)} of them, the slowest {max(taken) * 1000:.1f} ms",
    }


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

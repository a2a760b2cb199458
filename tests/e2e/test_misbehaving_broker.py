"""What mosquitto cannot be brought to do, a stub does: quota errors, silence, small windows, the wrong protocol."""

from __future__ import annotations

import socket
import struct
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from fakes.publishing import SITE, TERMINAL, Rig
from fakes.stub_broker import StubBroker
from kazasu.publishers.wire import Topics

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TOPICS = Topics(SITE, TERMINAL)


def receive_maximum(count: int) -> bytes:
    """A CONNACK with that property (MQTT 5.0, section 3.2.2.3.3)."""
    return b"\x20\x06\x00\x00\x03\x21" + struct.pack("!H", count)


@contextmanager
def publishing(stub: StubBroker, *, ack_timeout_s: float = 10.0, events: int = 0) -> Iterator[Rig]:
    with stub:
        rig = Rig(stub.broker, ack_timeout_s=ack_timeout_s)
        rig.grow(events)
        with rig:
            yield rig


def sent(stub: StubBroker, rig: Rig) -> list[int]:
    """The numbers of the events that arrived, in order."""
    seqs = {event.body: event.seq for event in rig.fake_backlog.events}
    return [seqs[payload] for topic, payload in list(stub.published) if topic == TOPICS.event]


@pytest.mark.rule(5)
def test_after_a_quota_error_the_same_event_is_sent_again(tmp_path: Path) -> None:
    quota = iter([0x97, 0x97])

    def puback(_n: int, topic: str) -> int:
        return next(quota, 0) if topic == TOPICS.event else 0

    stub = StubBroker(tmp_path, puback=puback)
    with publishing(stub, events=1) as rig:
        assert rig.wait_for(lambda: "0x97 quota" in rig.board.alerts().get("delivery", ""))
        rig.grow(200)
        assert rig.wait_for(lambda: rig.cursor.seq == 201)
        assert sent(stub, rig) == [1, 1, *range(1, 202)]
        assert rig.wait_for(lambda: rig.board.alerts() == {})


@pytest.mark.rule(5)
def test_a_broker_that_never_acknowledges_is_left_and_all_is_sent_again(tmp_path: Path) -> None:
    stub = StubBroker(tmp_path, puback=lambda _n, topic: None if topic == TOPICS.event else 0)
    with publishing(stub, ack_timeout_s=0.3, events=3) as rig:
        assert rig.wait_for(lambda: sent(stub, rig)[:6] == [1, 2, 3, 1, 2, 3])
        assert rig.cursor.seq == 0


def test_a_broker_that_never_answers_connect_is_left(tmp_path: Path) -> None:
    stub = StubBroker(tmp_path, connack=b"\x20")  # half of a CONNACK's first two bytes
    with publishing(stub, ack_timeout_s=0.3) as rig:
        assert rig.wait_for(lambda: "acknowledged nothing" in rig.board.alerts().get("broker", ""))


def test_no_more_is_in_flight_than_the_broker_allows_not_even_with_health_and_alerts(tmp_path: Path) -> None:
    seen = threading.Event()

    def puback(n: int, _topic: str) -> int | None:
        return 0 if seen.is_set() or n < 20 else None

    stub = StubBroker(tmp_path, connack=receive_maximum(3), puback=puback)
    with publishing(stub, ack_timeout_s=2.0, events=100) as rig:
        assert rig.wait_for(lambda: len(stub.published) == 23)  # then it waits for its three
        rig.board.alert("journal", "full")
        seen.set()  # the connection times out, and the next one sends the rest
        assert rig.wait_for(lambda: rig.cursor.seq == 100)
        assert stub.most_in_flight == 3


@pytest.mark.parametrize(
    ("connack", "words"),
    [
        (b"\x20\x02\x00\x01", "does not speak MQTT 5"),  # 3.1.1: unacceptable protocol version
        (b"\x20\x02\x00\x00", "does not speak MQTT 5"),  # 3.1.1: accepted, and everything unclear from then on
        (b"\x20\x03\x00\x84\x00", "does not speak MQTT 5"),
        (b"\x50\x00", "does not speak MQTT 5"),
        (b"\x20\x05\x00\x00\x02\x24\x00", "does not support QoS 1"),
        (b"\x20\x05\x00\x00\x02\x25\x00", "does not keep retained"),
    ],
)
def test_a_broker_that_cannot_be_used_is_told_clearly_and_tried_slowly(
    tmp_path: Path, connack: bytes, words: str
) -> None:
    stub = StubBroker(tmp_path, connack=connack)
    with publishing(stub, events=1) as rig:
        assert rig.wait_for(lambda: words in rig.board.alerts().get("broker", ""))
        assert rig.publisher is not None
        assert rig.publisher._line.retry_s > 20
        assert sent(stub, rig) == []


@pytest.mark.parametrize(
    ("connack", "words"),
    [
        (b"\x20\x03\x00\x87\x00", "0x87 not authorised"),
        (b"\x20\x03\x00\x89\x00", "0x89 the broker is busy"),
        (b"", "the connection broke"),
    ],
)
def test_a_broker_that_refuses_is_tried_again(tmp_path: Path, connack: bytes, words: str) -> None:
    stub = StubBroker(tmp_path, connack=connack)
    with publishing(stub) as rig:
        assert rig.wait_for(lambda: words in rig.board.alerts().get("broker", ""))
        assert rig.wait_for(lambda: stub.connects.qsize() >= 2)


def test_a_disconnect_with_a_reason_is_said_in_words(tmp_path: Path) -> None:
    stub = StubBroker(tmp_path, connack=b"\x20\x03\x00\x00\x00\xe0\x01\x98")
    with publishing(stub) as rig:
        assert rig.wait_for(lambda: "0x98 ended by the broker's administrator" in rig.board.alerts().get("broker", ""))


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x00\x00",
        b"\xff" * 50,
        b"\x30\x02\x00\x05",  # PUBLISH whose topic is longer than it
        b"\x32\x05\x00\x01\xff\x00\x01",  # PUBLISH whose topic is no UTF-8
        b"\x40\x01\x00",  # half a PUBACK
        b"\x40\x04\x00\x01\x05\x00",  # PUBACK with a reason that does not exist
        b"\x90\x03\x00\x01\x00",  # SUBACK without reasons
        b"\xe0\x01\x05",  # DISCONNECT with a reason that does not exist
        b"\x20\x03\x00\x00\x00",  # CONNACK once more
    ],
)
def test_garbage_ends_the_connection_at_most(tmp_path: Path, garbage: bytes) -> None:
    stub = StubBroker(tmp_path, connack=b"\x20\x03\x00\x00\x00" + garbage)
    with publishing(stub, ack_timeout_s=0.3) as rig:
        assert rig.wait_for(lambda: stub.connects.qsize() >= 1)
        assert rig.wait_for(lambda: rig.fake_cursor.connections >= 2 or len(stub.published) >= 3)


def test_each_connect_asks_for_the_old_session_and_its_expiry(tmp_path: Path) -> None:
    stub = StubBroker(tmp_path)
    with publishing(stub):
        body = stub.connects.get(timeout=30)
    assert body[:6] == b"\x00\x04MQTT"
    assert body[6] == 5  # the version
    assert body[7] & 0x02 == 0  # no clean start
    assert body[7] & 0x3C == 0x2C  # a will, QoS 1, retained
    assert struct.unpack("!H", body[8:10]) == (30,)  # keepalive, seconds
    assert body[11:16] == b"\x11" + struct.pack("!L", 7 * 24 * 3600)  # session expiry


def test_nothing_is_kept_by_paho_over_a_reconnection(tmp_path: Path) -> None:
    """Only what is behind the cursor comes again, each event once a connection."""

    def puback(n: int, topic: str) -> int | None:
        return None if topic == TOPICS.event and n < 60 else 0

    stub = StubBroker(tmp_path, puback=puback)
    with publishing(stub, ack_timeout_s=0.3, events=50) as rig:
        assert rig.wait_for(lambda: rig.cursor.seq == 50)
        numbers = sent(stub, rig)
    firsts = [index for index, seq in enumerate(numbers) if seq == 1]
    runs = [numbers[begin:end] for begin, end in zip(firsts, [*firsts[1:], len(numbers)], strict=True)]
    assert len(runs) >= 2
    assert all(run == list(range(1, len(run) + 1)) for run in runs)


def test_a_name_server_that_is_silent_stops_no_beat(tmp_path: Path) -> None:
    """Resolving and connecting block in a thread of their own; here: a listener that never shakes hands."""
    with StubBroker(tmp_path) as stub, socket.create_server(("127.0.0.1", 0)) as silent:
        rig = Rig(replace(stub.broker, port=silent.getsockname()[1]))
        with rig:
            connection, _ = silent.accept()
            with connection:
                before = rig.beats
                for _ in range(3):
                    beats = rig.beats
                    rig.publisher.wake()  # type: ignore[union-attr]
                    assert rig.wait_for(lambda beats=beats: rig.beats > beats)  # type: ignore[misc]
                assert rig.beats >= before + 3
                assert any(thread.name == "kazasu-connect" for thread in threading.enumerate())

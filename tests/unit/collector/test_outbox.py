"""What the collector publishes: the newest of each topic, in turn, and no more at once than the broker takes."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from kazasu.collector.outbox import Outbox

if TYPE_CHECKING:
    import pytest


class Connection:
    """Takes what it is given, and answers when a test does."""

    def __init__(self) -> None:
        self.published: list[tuple[str, bytes, bool]] = []

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> int:
        self.published.append((topic, payload, retain))
        return len(self.published)


def sent(outbox: Outbox, connection: Connection) -> list[tuple[str, bytes, bool]]:
    before = len(connection.published)
    outbox.send(connection)  # type: ignore[arg-type]  # what is used of one
    return connection.published[before:]


def test_nothing_leaves_before_the_broker_has_answered() -> None:
    outbox, connection = Outbox(), Connection()
    outbox.put("a", b"1")
    assert sent(outbox, connection) == []
    outbox.connected(10)
    assert sent(outbox, connection) == [("a", b"1", True)]
    assert not outbox.empty
    outbox.answered([(1, 0)])
    assert outbox.empty


def test_a_newer_receipt_takes_the_place_of_one_that_waits() -> None:
    outbox, connection = Outbox(), Connection()
    outbox.connected(1)
    outbox.put("a", b"1")
    sent(outbox, connection)
    outbox.put("b", b"1")
    outbox.put("a", b"2")
    outbox.put("b", b"2", retain=False)
    assert sent(outbox, connection) == []
    outbox.answered([(1, 0)])
    assert sent(outbox, connection) == [("a", b"2", True)]
    outbox.answered([(2, 0)])
    assert sent(outbox, connection) == [("b", b"2", False)]


def test_what_the_broker_does_not_take_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    outbox, connection = Outbox(), Connection()
    outbox.connected(10)
    with caplog.at_level(logging.WARNING):
        for number in (1, 2):
            outbox.put("a", b"x")
            sent(outbox, connection)
            outbox.answered([(number, 0x87)])
    assert outbox.refusal.startswith("a: 0x87 not authorised")
    assert [record.getMessage() for record in caplog.records] == ["publish_refused"]
    outbox.put("a", b"x")
    sent(outbox, connection)
    outbox.answered([(3, 0)])
    assert outbox.refusal == ""


def test_it_says_when_too_much_waits_for_a_broker_that_answers_nothing() -> None:
    outbox = Outbox(many=2)
    outbox.put("a", b"x")
    assert not outbox.full
    outbox.put("b", b"x")
    assert outbox.full

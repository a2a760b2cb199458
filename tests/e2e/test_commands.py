"""The site's desk commands the real daemon over a real broker: signed both ways, recorded before it is done."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from kazasu.site.command_round import CommandRound, Progress, Reached
from kazasu.site.commands import CommandWriter
from kazasu.virtual.stage import SITE, TERMINAL, Stage

if TYPE_CHECKING:
    from collections.abc import Iterator


DOOR = """
[services.door]

[[doors]]
name = "hall"
readers = ["desk"]
release = "1s"

[[levels]]
name = "staff"
doors = ["hall"]
"""

pytestmark = pytest.mark.rule(8)


def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with Stage(tmp_path_factory.mktemp("stage"), DOOR, synchronised=True) as stage, stage.daemon:
        yield stage


def command(stage: Stage, name: str, **arguments: int | str) -> list[Progress]:
    """Send one from the desk."""
    writer = CommandWriter(SITE, stage.site_key, "suzuki", now)
    keys = {TERMINAL: [stage.event_verifier]}
    return list(CommandRound(stage.broker.client("desk"), SITE, keys, writer, time.monotonic).send(name, arguments))


def events_after(stage: Stage, seq: int) -> list[dict[str, Any]]:
    return [json.loads(body) for _, body in stage.backlog.after(seq, 100)]


def test_a_signed_release_opens_the_door_and_is_answered_by_the_terminals_own_key(stage: Stage) -> None:
    before, seq = len(stage.daemon.moved), stage.backlog.last_seq()
    sent, done = command(stage, "release", door="hall")
    assert (sent.reached, done.reached, done.said) == (Reached.SENT, Reached.DONE, "hall: unlocked")
    assert stage.daemon.wait_for(lambda: len(stage.daemon.moved) >= before + 2)
    assert stage.daemon.moved[before:] == [("hall", "released"), ("hall", "locked")]
    accepted, released, *_ = events_after(stage, seq)
    assert (accepted["event_type"], accepted["seq"], accepted["command"]) == ("command.accepted", done.seq, "release")
    assert accepted["signed_by"] == stage.site_key.keyid
    assert (released["event_type"], released["door"], released["by"]) == ("operator.released", "hall", "site:suzuki")

"""What a command may ask, and when it is fresh."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from fakes.clock import START, FakeClock
from fakes.commands import later, taken
from kazasu.model.command import (
    KINDS,
    Envelope,
    PublishAgain,
    Refusal,
    Reload,
    Restart,
    SetLogLevel,
    command_of,
    staleness,
)
from kazasu.model.cue import CueName
from kazasu.model.moment import Moment, TimeSource
from kazasu.model.order import (
    EVERY_DOOR,
    BeginMuster,
    EndMuster,
    Lockdown,
    PlayCue,
    Release,
    Relock,
    ResetPassback,
    Unlock,
)

if TYPE_CHECKING:
    from datetime import datetime

    from kazasu.model.access import EventFields
    from kazasu.model.command import Upkeep
    from kazasu.model.order import Order

pytestmark = pytest.mark.rule(8)

BY = "site:suzuki"
ASKED: list[tuple[str, EventFields, Order | Upkeep]] = [
    ("release", {"door": "gate"}, Release(by=BY, door="gate")),
    ("unlock", {"door": "gate", "for_s": 3600}, Unlock(by=BY, door="gate", for_s=3600)),
    ("unlock", {"door": "gate"}, Unlock(by=BY, door="gate")),
    ("relock", {"door": "gate"}, Relock(by=BY, door="gate")),
    ("lockdown", {"door": "*"}, Lockdown(by=BY, door=EVERY_DOOR, active=True)),
    ("lockdown_end", {"door": "gate"}, Lockdown(by=BY, door="gate", active=False)),
    ("reset_passback", {"cardholder": "1001"}, ResetPassback(by=BY, cardholder="1001")),
    ("reset_passback", {}, ResetPassback(by=BY)),
    ("muster_begin", {}, BeginMuster(by=BY)),
    ("muster_end", {}, EndMuster(by=BY)),
    ("cue", {"cue": "denied"}, PlayCue(by=BY, cue=CueName.DENIED)),
    ("identify_self", {}, PlayCue(by=BY, cue=CueName.FIND_ME)),
    ("reload", {}, Reload()),
    ("restart", {}, Restart()),
    ("log_level", {"level": "debug"}, SetLogLevel(level="debug")),
    ("publish_again", {"from": 5, "to": 9, "epoch": "ab" * 8}, PublishAgain(from_seq=5, to_seq=9, epoch="ab" * 8)),
    ("publish_again", {"since": START.isoformat()}, PublishAgain(since=START)),
]


def envelope(command: str, by: str = "suzuki") -> Envelope:
    return Envelope(command=command, transaction="5a" * 16, issued=START, expires_s=10, by=by)


@pytest.mark.parametrize(("name", "arguments", "asked"), ASKED)
def test_each_command_is_what_an_operator_could_order_or_upkeep(
    name: str, arguments: EventFields, asked: Order | Upkeep
) -> None:
    command = command_of(envelope(name), arguments, "key", "site")
    assert (command.asked, command.by) == (asked, BY)
    assert msgspec.json.decode(command.arguments) == arguments


def test_all_of_them_are_tried_here() -> None:
    assert {name for name, _, _ in ASKED} == KINDS.keys()


@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [
        ("release", {}, "missing required field `door`"),
        ("release", {"door": 1}, "Expected `str`"),
        ("release", {"door": "gate", "for_s": 1}, "release has no argument 'for_s'; it has door"),
        ("release", {"door": "gate", "order": "release"}, "no argument 'order'"),
        ("unlock", {"door": "gate", "for_s": 0}, "for_s"),
        ("unlock", {"door": "gate", "for_s": 8 * 86400}, "for_s"),
        ("lockdown", {"door": "*", "active": 0}, "lockdown has no argument 'active'"),
        ("cue", {"cue": "disco"}, "disco"),
        ("reload", {"file": "other.toml"}, "reload has no argument 'file'"),
        ("log_level", {"level": "all"}, "all"),
        ("publish_again", {}, "either `from` or `since`"),
        ("publish_again", {"from": 1, "since": START.isoformat()}, "either `from` or `since`"),
        ("publish_again", {"from": 9, "to": 5}, "`to` comes before `from`"),
        ("publish_again", {"from": 0}, "from"),
        ("publish_again", {"since": "2026-04-01T08:30:00"}, "since"),
    ],
)
def test_an_argument_too_many_missing_or_wrong_is_named(name: str, arguments: EventFields, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        command_of(envelope(name), arguments, "key", "site")


def test_a_person_is_named_and_the_collector_is_none() -> None:
    with pytest.raises(ValueError, match="who gave it"):
        command_of(envelope("restart", by=""), {}, "key", "site")
    assert command_of(envelope("publish_again", by=""), {"from": 1}, "key", "collector").by == "collector"


def moment(at: datetime, source: TimeSource = TimeSource.NTP, error_ms: int = 0) -> Moment:
    return msgspec.structs.replace(FakeClock(at, source).now(), error_ms=error_ms)


@pytest.mark.parametrize(
    ("now", "refusal"),
    [
        (later(-2.1), Refusal.NOT_YET_ISSUED),
        (later(-2.0), None),
        (later(0), None),
        (later(12.0), None),
        (later(12.1), Refusal.EXPIRED),
        (later(86400), Refusal.EXPIRED),
    ],
)
def test_a_command_is_for_its_ten_seconds(now: datetime, refusal: Refusal | None) -> None:
    assert staleness(taken(), moment(now), None) is refusal


@pytest.mark.parametrize(("error_ms", "seconds"), [(-1, 12.0), (0, 12.0), (5000, 17.0), (30_000, 42.0)])
def test_the_clocks_own_error_is_allowed_for(error_ms: int, seconds: float) -> None:
    assert staleness(taken(), moment(later(seconds), error_ms=error_ms), None) is None
    assert staleness(taken(), moment(later(seconds + 0.1), error_ms=error_ms), None) is Refusal.EXPIRED


@pytest.mark.parametrize(
    ("source", "error_ms", "judges"),
    [
        (TimeSource.NTP, -1, True),
        (TimeSource.NTP, 30_001, False),
        (TimeSource.RTC, -1, True),
        (TimeSource.HOLDOVER, 800, True),
        (TimeSource.HOLDOVER, -1, False),
        (TimeSource.NONE, -1, False),
    ],
)
def test_a_clock_that_cannot_judge_seconds_lets_nothing_be_opened(
    source: TimeSource, error_ms: int, *, judges: bool
) -> None:
    now = moment(START, source, error_ms)
    for name in KINDS:
        safer = name in {"lockdown", "relock", "muster_begin", "publish_again"}
        assert staleness(taken(name=name), now, None) is (None if judges or safer else Refusal.CLOCK_UNSET)


def test_without_a_clock_a_lockdown_counts_only_if_it_is_newer_than_every_command_before() -> None:
    now = moment(START, TimeSource.NONE, -1)
    assert staleness(taken(name="lockdown", issued=later(1)), now, START) is None
    assert staleness(taken(name="lockdown", issued=later(0)), now, START) is Refusal.CLOCK_UNSET

"""Why a message is no event of this site's: each reason, and who is named."""

from __future__ import annotations

import pytest

from fakes.told import SITE, Teller
from kazasu.collector.intake import Intake
from kazasu.collector.records import Checked, Reason, Refused
from kazasu.collector.terminals import Registered
from kazasu.model.document import signed

FRONT, BACK, STRANGER = Teller("front"), Teller("back"), Teller("stranger")
TERMINALS = {"front": FRONT.registered, "back": BACK.registered}


def refused(topic: str, payload: bytes, intake: Intake | None = None) -> tuple[Reason, str, bool]:
    worth = (intake or Intake(SITE, TERMINALS, {})).check(topic, payload)
    assert isinstance(worth, Refused)
    return worth.reason, worth.detail, worth.signed


def test_an_event_is_read() -> None:
    [event] = Teller("front", signer=FRONT.signer).tell(1, cardholder="1001", day="2026-04-01")
    worth = Intake(SITE, TERMINALS, {}).check(FRONT.topic, event.body)
    assert isinstance(worth, Checked)
    assert (worth.terminal, worth.seq, worth.digest) == ("front", 1, event.digest)
    assert (worth.cardholder, worth.day, worth.event_type) == ("1001", "2026-04-01", "attendance.in")


def test_a_terminal_that_nobody_registered() -> None:
    reason, _, signed_ = refused(STRANGER.topic, STRANGER.tell()[0].body)
    assert (reason, signed_) == (Reason.UNKNOWN_TERMINAL, False)


def test_a_key_that_is_another_terminals_names_it() -> None:
    reason, detail, _ = refused(FRONT.topic, BACK.tell()[0].body)
    assert reason is Reason.UNKNOWN_KEY
    assert "which is back's" in detail


def test_a_key_that_is_nobodys() -> None:
    reason, detail, _ = refused(FRONT.topic, STRANGER.tell()[0].body)
    assert reason is Reason.UNKNOWN_KEY
    assert "front has not" in detail


def test_a_changed_byte() -> None:
    body = FRONT.tell()[0].body.replace(b"attendance.in", b"attendance.out")
    assert refused(FRONT.topic, body)[0] is Reason.BAD_SIGNATURE


def test_an_event_on_another_topic() -> None:
    both = Registered(keys={**FRONT.registered.keys, **BACK.registered.keys})
    intake = Intake(SITE, {"front": both, "back": both}, {})
    reason, detail, signed_ = refused(BACK.topic, FRONT.tell()[0].body, intake)
    assert (reason, signed_) == (Reason.WRONG_TOPIC, True)
    assert "city-hall/front's" in detail


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("v", 2),
        ("epoch", "0123"),
        ("id", "0123456789abcdef.9"),
        ("prev", "ab"),
        ("prev", "1" * 64),
        ("event_type", "attendance"),
        ("time", "2026-04-01T08:30:00"),
        ("time", "yesterday"),
        ("time_source", "gps"),
        ("time", "9500-04-01T08:30:00Z"),
        ("mono_ms", -1),
        ("mono_ms", 2**53 - 1),
        ("punched_at", "2026-04-01T08:00:00"),
        ("boot", "b"),
        ("day", "2026-02-30"),
        ("cardholder", "10\x0001"),
    ],
)
def test_a_field_that_is_not_as_it_should_be(field: str, value: int | str) -> None:
    [event] = Teller("front", signer=FRONT.signer).tell()
    fields = {name: old for name, old in event.fields.items() if name not in {"sig", "keyid"}} | {field: value}
    reason, detail, signed_ = refused(FRONT.topic, signed(fields, FRONT.signer).body)
    assert (reason, signed_) == (Reason.NO_EVENT, True)
    assert f"its {field} is" in detail


@pytest.mark.parametrize(
    "field", ["v", "id", "site", "terminal", "epoch", "seq", "prev", "event_type", "time", "boot", "mono_ms"]
)
def test_a_field_that_is_missing(field: str) -> None:
    """Whatever a terminal signs, the collector goes on."""
    [event] = Teller("front", signer=FRONT.signer).tell()
    fields = {name: old for name, old in event.fields.items() if name not in {"sig", "keyid", field}}
    reason, detail, signed_ = refused(FRONT.topic, signed(fields, FRONT.signer).body)
    assert (reason, signed_) == (Reason.NO_EVENT, True)
    assert f"its {field} is None" in detail


def test_a_revoked_key_counts_up_to_where_its_events_were_kept() -> None:
    front = Teller("front", signer=FRONT.signer)
    kept, later = front.tell(2)
    intake = Intake(SITE, TERMINALS, {("front", front.signer.keyid): {"": 0, front.epoch: 1}})
    assert isinstance(intake.check(front.topic, kept.body), Checked)
    reason, detail, signed_ = refused(front.topic, later.body, intake)
    assert (reason, signed_) == (Reason.REVOKED_KEY, True)
    assert "1 is the last that counts" in detail
    [elsewhere] = Teller("front", epoch="f" * 16, signer=FRONT.signer).tell()
    assert refused(front.topic, elsewhere.body, intake)[0] is Reason.REVOKED_KEY


def test_names_that_are_made_up_are_all_one_in_the_end() -> None:
    intake = Intake(SITE, TERMINALS, {}, most_strangers=2)
    told = [intake.check(f"kazasu/v1/{SITE}/up/made-up-{number % 4}/event", b"") for number in range(8)]
    assert [worth.terminal for worth in told] == ["made-up-0", "made-up-1", "", ""] * 2
    assert intake.check(FRONT.topic, b"").terminal == "front"

"""Each way in which a message is no command for this terminal, and its name."""

from __future__ import annotations

import base64
import json

import pytest

from fakes.commands import COLLECTOR, COLLECTOR_KEY, FIELDS, FORGER, KEYS, NEXT_KEY, SITE, SITE_KEY, TERMINAL, payload
from kazasu.errors import CommandRefused
from kazasu.model.command import MAX_BYTES, PublishAgain, Refusal
from kazasu.model.order import Release
from kazasu.publishers.command_trust import CommandReader
from kazasu.publishers.news import Received

pytestmark = pytest.mark.rule(8)

READER = CommandReader(SITE, TERMINAL, KEYS, COLLECTOR_KEY)


def refused(body: bytes) -> CommandRefused:
    with pytest.raises(CommandRefused) as caught:
        READER.read(body)
    return caught.value


@pytest.mark.parametrize("signer", [SITE_KEY, NEXT_KEY])
def test_what_a_key_of_the_site_signed_is_read(signer: object) -> None:
    command = READER.read(payload(signer))  # type: ignore[arg-type]  # one of two keys
    assert command.asked == Release(by="site:suzuki", door="gate")
    assert (command.name, command.transaction, command.expires_s) == ("release", FIELDS["transaction"], 10)


def test_whoever_writes_json_their_own_way_changes_nothing() -> None:
    rewritten = json.dumps(json.loads(payload()), indent=2).encode()
    assert READER.read(rewritten).name == "release"


def test_a_kept_message_is_refused_unopened() -> None:
    with pytest.raises(CommandRefused) as caught:
        READER.check_outside(Received(topic="t", payload=payload(), retain=True))
    assert caught.value.refused.reason is Refusal.RETAINED


def test_a_large_one_is_refused_unopened() -> None:
    READER.check_outside(Received(topic="t", payload=bytes(MAX_BYTES)))
    with pytest.raises(CommandRefused) as caught:
        READER.check_outside(Received(topic="t", payload=bytes(60_000)))
    assert caught.value.refused.reason is Refusal.TOO_LARGE


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"nonsense",
        b"\xff\xfe",
        b"[]",
        b"{}",
        b"[" * 60_000,
        payload(FORGER),
        payload().replace(b"gate", b"hall"),
        payload().replace(b'"door":"gate"', b'"door":"gate","door":"gate"'),
        payload().replace(b'"suzuki"', b'"\\ud800"'),
        payload(FORGER).replace(FORGER.keyid.encode(), SITE_KEY.keyid.encode()),
        json.dumps(FIELDS | {"keyid": SITE_KEY.keyid}).encode(),
        json.dumps(FIELDS | {"keyid": SITE_KEY.keyid, "sig": ""}).encode(),
        json.dumps(FIELDS | {"keyid": SITE_KEY.keyid, "sig": base64.b64encode(bytes(64)).decode()}).encode(),
        json.dumps(FIELDS | {"keyid": SITE_KEY.keyid, "sig": "?"}).encode(),
        json.dumps(FIELDS | {"door": {"name": "gate"}}).encode(),
    ],
)
def test_what_no_key_of_the_site_signed_is_nothing(body: bytes) -> None:
    error = refused(body)
    assert error.refused.reason is Refusal.BADLY_SIGNED
    assert (error.refused.fields, error.transaction) == ({}, "")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"v": 2}, Refusal.WIRE_VERSION),
        ({"v": "1"}, Refusal.WIRE_VERSION),
        ({"v": None}, Refusal.WIRE_VERSION),
        ({"site": "elsewhere"}, Refusal.NOT_FOR_THIS_TERMINAL),
        ({"terminal": "back"}, Refusal.NOT_FOR_THIS_TERMINAL),
        ({"terminal": "all"}, Refusal.NOT_FOR_THIS_TERMINAL),
        ({"type": "answer"}, Refusal.NOT_FOR_THIS_TERMINAL),
        ({"type": None}, Refusal.NOT_FOR_THIS_TERMINAL),
        ({"transaction": "5a"}, Refusal.MALFORMED),
        ({"transaction": None}, Refusal.MALFORMED),
        ({"transaction": "5A" * 16}, Refusal.MALFORMED),
        ({"issued": "yesterday"}, Refusal.MALFORMED),
        ({"issued": "2026-04-01T08:30:00"}, Refusal.MALFORMED),
        ({"issued": 1_774_999_800}, Refusal.MALFORMED),
        ({"expires_s": 0}, Refusal.MALFORMED),
        ({"expires_s": 11}, Refusal.MALFORMED),
        ({"by": "su\nzuki"}, Refusal.MALFORMED),
        ({"by": "s" * 49}, Refusal.MALFORMED),
        ({"by": None}, Refusal.MALFORMED),
        ({"command": 1}, Refusal.MALFORMED),
        ({"command": "self_destruct"}, Refusal.UNKNOWN_COMMAND),
        ({"door": None}, Refusal.MALFORMED),
        ({"door": 7}, Refusal.MALFORMED),
        ({"colour": "red"}, Refusal.MALFORMED),
    ],
)
def test_a_signed_one_that_is_wrong_in_one_thing_is_refused_for_it(
    changes: dict[str, int | str | None], reason: Refusal
) -> None:
    assert refused(payload(**changes)).refused.reason is reason


def test_the_event_of_a_signed_one_says_whose_it_is() -> None:
    error = refused(payload(colour="red"))
    assert error.transaction == FIELDS["transaction"]
    assert error.refused.fields == {
        "command": "release",
        "transaction": FIELDS["transaction"],
        "by": "site:suzuki",
        "signed_by": SITE_KEY.keyid,
    }


def test_the_collector_asks_for_events_and_for_nothing_else() -> None:
    again = payload(COLLECTOR, command="publish_again", door=None, by=None, **{"from": 5, "to": 9})
    command = READER.read(again)
    assert (command.asked, command.by) == (PublishAgain(from_seq=5, to_seq=9), "collector")
    for name in ("release", "unlock", "lockdown", "restart", "reload", "log_level"):
        assert refused(payload(COLLECTOR, command=name)).refused.reason is Refusal.KEY_NOT_ALLOWED


def test_at_a_site_without_a_collector_its_key_is_anybodys() -> None:
    reader = CommandReader(SITE, TERMINAL, KEYS, None)
    with pytest.raises(CommandRefused) as caught:
        reader.read(payload(COLLECTOR, command="publish_again", door=None, **{"from": 5}))
    assert caught.value.refused.reason is Refusal.BADLY_SIGNED

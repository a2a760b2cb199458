from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from kazasu.errors import JournalCorrupt
from kazasu.publishers.mqtt import PackedProperties
from kazasu.publishers.wire import (
    CloudEvents,
    EventHead,
    Payloads,
    Topics,
    answer_properties,
    command_properties,
    head,
    presence,
)

TOPIC = st.from_regex(r"[a-z0-9/-]{0,99}", fullmatch=True)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)


@given(event_id=TEXT, event_type=TEXT, time=TEXT, source=TEXT)
def test_packed_properties_are_byte_for_byte_pahos_own(event_id: str, event_type: str, time: str, source: str) -> None:
    event = EventHead(id=event_id, event_type=event_type, time=time, boot="b", mono_ms=1)
    properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
    properties.ContentType = "application/json"
    for pair in [
        ("specversion", "1.0"),
        ("source", source),
        ("id", event_id),
        ("type", event_type),
        ("time", time),
    ]:
        properties.UserProperty = pair
    packed = CloudEvents(source).packed(event)
    assert PackedProperties(packed).pack() == packed == properties.pack()  # type: ignore[no-untyped-call]


@given(
    topic=st.from_regex(r"[a-z0-9/-]{0,99}", fullmatch=True),
    correlation=st.binary(max_size=64),
    expires_s=st.integers(0, 2**32 - 1),
)
def test_so_are_those_of_commands_and_answers(topic: str, correlation: bytes, expires_s: int) -> None:
    properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
    properties.ContentType = "application/json"
    properties.CorrelationData = correlation
    assert answer_properties(correlation) == properties.pack()  # type: ignore[no-untyped-call]
    properties.ResponseTopic = topic
    properties.MessageExpiryInterval = expires_s
    theirs, ours = Properties(PacketTypes.PUBLISH), Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
    theirs.unpack(properties.pack())  # type: ignore[no-untyped-call]
    ours.unpack(command_properties(topic, correlation, expires_s))  # type: ignore[no-untyped-call]
    assert ours.json() == theirs.json()  # type: ignore[no-untyped-call]  # in whatever order


def test_topics_are_those_of_the_wire_document() -> None:
    topics = Topics("city-hall", "entrance-1")
    assert topics.event == "kazasu/v1/city-hall/up/entrance-1/event"
    assert topics.state == "kazasu/v1/city-hall/up/entrance-1/state"
    assert topics.health == "kazasu/v1/city-hall/up/entrance-1/health"
    assert topics.info == "kazasu/v1/city-hall/up/entrance-1/info"
    assert topics.alert("journal") == "kazasu/v1/city-hall/up/entrance-1/alert/journal"
    assert topics.receipt == "kazasu/v1/city-hall/down/entrance-1/receipt"
    assert topics.command == "kazasu/v1/city-hall/down/entrance-1/command"
    assert topics.answer == "kazasu/v1/city-hall/up/entrance-1/answer"
    assert topics.collector == "kazasu/v1/city-hall/down/all/collector"


def test_payloads_are_flat_and_say_whose_they_are() -> None:
    payloads = Payloads("city-hall", "entrance-1")
    whose = {"v": 1, "site": "city-hall", "terminal": "entrance-1"}
    assert json.loads(payloads.online(7)) == whose | {"state": "online", "conn": 7}
    assert json.loads(payloads.offline(7, "stopped")) == whose | {"state": "offline", "conn": 7, "cause": "stopped"}
    assert json.loads(payloads.fields({"unsent": 3, "site": "elsewhere"}, "t")) == whose | {"unsent": 3, "time": "t"}
    assert json.loads(payloads.alert("journal", "full", "t")) == whose | {
        "alert": "journal",
        "message": "full",
        "time": "t",
    }


@pytest.mark.parametrize("body", [b"", b"nonsense", b"{}", b"[]", b'{"id":1}', b"\xff"])
def test_a_stored_event_that_is_none_is_a_corrupt_journal(body: bytes) -> None:
    with pytest.raises(JournalCorrupt, match=r"event 5 .*journal verify"):
        head(5, body)


@pytest.mark.parametrize(
    ("payload", "state"),
    [
        (b'{"state":"online"}', "online"),
        (b'{"state":"offline","v":1}', "offline"),
        (b'{"state":"maybe"}', "unknown"),
        (b'{"state":["online"]}', "unknown"),
        (b'{"state":{}}', "unknown"),
        (b"[]", "unknown"),
        (b'"online"', "unknown"),
        (b"17", "unknown"),
        (b"[" * 100_000, "unknown"),
        (b"", "unknown"),
        (b"\xff", "unknown"),
    ],
)
def test_presence_is_online_offline_or_unknown(payload: bytes, state: str) -> None:
    assert presence(payload) == state


@given(st.binary(max_size=200))
def test_presence_bears_any_bytes(payload: bytes) -> None:
    assert presence(payload) in {"online", "offline", "unknown"}

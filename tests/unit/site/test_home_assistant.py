from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from fakes.fleet import SimulatedSite
from kazasu.model.door_table import DoorState
from kazasu.site.home_assistant import EVENT_TYPES, announced_components, discovery, discovery_topic

if TYPE_CHECKING:
    from kazasu.site.terminal import Terminal

ROOT = Path(__file__).resolve().parents[3]
VECTORS = ROOT / "tests" / "vectors" / "homeassistant"
INFO = b'{"version":"1.2.3","time":"2026-04-01T17:00:00.000+09:00"}'


def recorder(site: SimulatedSite) -> Terminal:
    """A time recorder."""
    site.in_order("hall-1", 3, alerts=0)
    site.send("hall-1", "info", INFO)
    return site["hall-1"]


def door(site: SimulatedSite) -> Terminal:
    """A door with two readers, at a site without a collector, on a machine without a thermometer."""
    fields: dict[str, int | str] = {"reader_in": "present", "reader_out": "missing", "door_front_1": "locked"}
    site.in_order("door-1", 7, alerts=1, collector="none", temperature_c="none", **fields)
    site.send("door-1", "info", INFO)
    return site["door-1"]


def readable(payload: bytes) -> str:
    return json.dumps(json.loads(payload), indent=1, ensure_ascii=False, sort_keys=True) + "\n"


@pytest.mark.parametrize("make", [recorder, door])
def test_what_home_assistant_was_tried_with_is_still_what_it_gets(make: type) -> None:
    """After a change: write the vector anew, and let tests/vectors/homeassistant/check.py try it."""
    terminal = make(SimulatedSite())
    assert readable(discovery("city-hall", terminal)) == (VECTORS / f"{make.__name__}.json").read_text()


def test_every_event_type_of_the_wire_is_announced_and_no_other() -> None:
    wire = (ROOT / "docs" / "wire.md").read_text()
    table = re.search(r"^\| `event_type` \| Adds \|\n(.*?)\n\n", wire, re.MULTILINE | re.DOTALL)
    assert table
    written = set()
    for row in table[1].splitlines()[1:]:
        types = re.findall(r"`([a-z_]+\.[a-z_]+)`", row.split("|")[1])
        written.update(types)
        if "`_ended`" in row:
            written.update(f"{event_type}_ended" for event_type in types)
    assert set(EVENT_TYPES) == written
    assert len(EVENT_TYPES) == len(written)


def test_a_person_is_in_no_attribute_that_home_assistant_keeps() -> None:
    template = json.loads(discovery("city-hall", recorder(SimulatedSite())))["components"]["event"]["value_template"]
    for field in ("cardholder", "credential", "duress", "card", "visitor", "escort", "sig"):
        assert f"'{field}'" not in template


def test_every_state_of_a_door_is_open_shut_or_unknown() -> None:
    contact = json.loads(discovery("city-hall", door(SimulatedSite())))["components"]["door_front_1_contact"]
    named = set(re.findall(r"'([a-z_]+)'", contact["value_template"])) & set(DoorState)
    assert set(DoorState) - named == {
        DoorState.STARTING,
        DoorState.RELOCKING,
        DoorState.EXITING,
        DoorState.PROPPED,
        DoorState.FIRE_RELEASE,
        DoorState.FAULT,
    }


def test_a_component_that_is_gone_is_taken_back_once() -> None:
    site = SimulatedSite()
    before = announced_components(discovery("city-hall", door(site)))
    assert before["door_front_1_contact"] == "binary_sensor"
    terminal = site["door-1"]
    doorless = {name: value for name, value in terminal.health.items() if not name.startswith("door_")}
    payload = discovery("city-hall", replace(terminal, health=doorless), before)
    assert json.loads(payload)["components"]["door_front_1_contact"] == {"platform": "binary_sensor"}
    assert not [key for key in announced_components(payload) if key.startswith("door_")]


@pytest.mark.parametrize("payload", [b"", b"{}", b"[" * 9999, b'{"components":{"a":1}}', b"\xff"])
def test_an_announcement_that_cannot_be_read_names_nothing(payload: bytes) -> None:
    assert announced_components(payload) == {}


def test_a_device_has_a_topic_of_its_own() -> None:
    assert discovery_topic("city-hall", "hall-1") == "homeassistant/device/kazasu_city-hall_hall-1/config"
